"""Every error HotStream raises on purpose, by what the reader should do about it.

HotStreamError
├── ConfigError              mend config.toml, an environment variable or a flag
├── DatabaseError
│   ├── DatabaseUnavailable  start MongoDB or mend the network; workers try again by themselves
│   ├── DatabaseRefused      give the user the right password or privileges
│   ├── FeedUnsupported      nothing, or use a replica set: polling does the same, later
│   ├── FeedEnded            nothing: the stream is opened again
│   ├── HistoryLost          nothing: recording goes on from now, and a record marks the gap
│   └── EmbeddedMongoError   install mongod or name it in HOTSTREAM_MONGOD
├── PluginError              mend or remove the named plugin; the others work on
├── InvalidTask              mend the named fields of the task document
├── NotFound                 check the id or the name
├── RefusedByState           the task is not in a state that allows this
├── ScrapeError              a run did not bring home what was asked for
│   ├── TransientError       nothing: it is tried again with backoff
│   ├── BlockedError         wait, or use another instance or proxy; tried again later
│   │   └── RateLimited      wait at least `retry_after` seconds
│   ├── LoginRequired        give the platform a session of your own
│   └── PermanentError       nothing will help: no such account, bad credentials, bad request
└── StorageError
    ├── StorageFull          free disk space; tried again with backoff
    └── LeaseLost            nothing: another worker owns the task now
"""

from __future__ import annotations


class HotStreamError(Exception):
    """Base of all errors; the message names what happened, where, and the remedy."""


class ConfigError(HotStreamError):
    """A setting cannot be used."""


class DatabaseError(HotStreamError):
    """MongoDB did not do what was asked."""


class DatabaseUnavailable(DatabaseError):
    """No usable MongoDB server answered in time."""


class DatabaseRefused(DatabaseError):
    """MongoDB refused the credentials or the privilege."""


class FeedUnsupported(DatabaseError):
    """The server offers no change stream to this user."""


class FeedEnded(DatabaseError):
    """The change stream came to an end that is no error of the server."""


class HistoryLost(DatabaseError):
    """The server can no longer go on from a stored position of a change stream."""


class EmbeddedMongoError(DatabaseError):
    """The embedded MongoDB could not be found or started."""


class PluginError(HotStreamError):
    """A plugin cannot be loaded or breaks its contract."""


class InvalidTask(HotStreamError):
    """A task document cannot be understood; the message names every wrong field."""


class NotFound(HotStreamError):
    """No document or name like this."""


class RefusedByState(HotStreamError):
    """The present state of the task does not allow the command."""


class ScrapeError(HotStreamError):
    """A run could not collect what was asked for.

    Args:
        message: what happened, where, and what to do.
        kind: short machine-readable reason, e.g. ``account_suspended``.
    """

    def __init__(self, message: str, *, kind: str = "error") -> None:
        super().__init__(message)
        self.kind = kind


class TransientError(ScrapeError):
    """May well succeed when tried again (network, time-out, HTTP 5xx)."""


class BlockedError(ScrapeError):
    """The site refuses this client for now (challenge, bot wall, all instances down)."""


class RateLimited(BlockedError):
    """The site asks for a slower pace.

    Args:
        retry_after: seconds the site asked to wait; None when it did not say.
    """

    def __init__(
        self, message: str, *, kind: str = "rate_limited", retry_after: float | None = None
    ) -> None:
        super().__init__(message, kind=kind)
        self.retry_after = retry_after


class LoginRequired(ScrapeError):
    """The content is only given to a signed-in session.

    Args:
        path: the session file that would help; with it the task waits until the file is renewed,
            without it the task fails.
        version: modification time in nanoseconds of the file that was refused, None for no file.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str = "login_required",
        path: str = "",
        version: int | None = None,
    ) -> None:
        super().__init__(message, kind=kind)
        self.path = path
        self.version = version


class PermanentError(ScrapeError):
    """Trying again cannot help (no such account, suspended, protected, bad request)."""


class StorageError(HotStreamError):
    """Items could not be stored."""


class StorageFull(StorageError):
    """The disk below `storage.output_dir` is full."""


class LeaseLost(StorageError):
    """The write was refused because this worker no longer owns the task."""
