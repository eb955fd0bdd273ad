"""What every command needs: settings, the log, and a database to talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hotstream_reactive.cli.language import tr
from hotstream_reactive.errors import DatabaseUnavailable, EmbeddedMongoError

if TYPE_CHECKING:  # `hotstream --help` needs none of it
    from hotstream_reactive.settings import Settings
    from hotstream_reactive.settings_file import LoadedSettings

T = TypeVar("T")
#: How often a daemon looks whether the embedded set it uses still has an owner.
_LOOK_AFTER_OWNER_S = 1.0


class Session:
    """The common options of one call of the command line."""

    def __init__(
        self,
        *,
        config: Path | None,
        overrides: Mapping[str, Any],
        debug: bool,
        quiet: bool = False,
    ) -> None:
        self._config = config
        self._overrides = dict(overrides)
        self.debug = debug
        self.quiet = quiet

    def override(self, key: str, value: Any) -> None:
        """Add a flag of a verb; None means the flag was not given."""
        self._overrides[key] = value

    @cached_property
    def loaded(self) -> LoadedSettings:
        """The settings with their sources.

        Raises:
            ConfigError: names every wrong key.
        """
        from hotstream_reactive.settings_file import load

        given = {key: value for key, value in self._overrides.items() if value is not None}
        return load(self._config, overrides=given)

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.loaded.settings

    def log(self, *, quiet: bool = False, silent: bool = False, worker_id: str = "") -> None:
        """Send the log where the settings say.

        `quiet` commands show warnings and errors, `silent` ones, which tell of warnings in their
        own words, errors only.
        """
        import msgspec

        from hotstream_reactive import logs

        framework = self.settings.framework
        chosen = "ERROR" if silent or self.quiet else "WARNING" if quiet else framework.log_level
        level = "DEBUG" if self.debug else chosen
        framework = msgspec.structs.replace(framework, log_level=level)
        settings = msgspec.structs.replace(self.settings, framework=framework)
        logs.configure(settings, worker_id=worker_id)

    @asynccontextmanager
    async def settings_with_database(
        self,
        *,
        embedded: bool = False,
        create: bool = True,
        keep: bool = False,
        say: Callable[[str], None] | None = None,
    ) -> AsyncIterator[Settings]:
        """The settings with an address of MongoDB in them.

        Without `mongodb.uri`, or with `embedded`, this is the embedded replica set of this folder:
        the one another process runs, or one that is started for the time being. `create=False` is
        for commands that only read; `keep` is for those that stay: when the other process ends,
        the set is started again here, at the same address.

        Raises:
            EmbeddedMongoError: there is no mongod to start.
            DatabaseUnavailable: with `create=False`, there was never a set in this folder.
        """
        settings = self.settings
        if settings.mongodb.uri and not embedded:
            yield settings
            return
        import anyio

        from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet, running_uri

        folder = Path(settings.mongodb.embedded_dir)
        say = say or (lambda line: None if self.quiet else click.echo(tr(line), err=True))
        if running := running_uri(folder):
            async with anyio.create_task_group() as group:
                if keep:
                    group.start_soon(_take_over, folder, say)
                yield _with_uri(settings, running)
                group.cancel_scope.cancel()
            return
        if not create:
            _demand_data(folder)
        why = "--embedded" if embedded else "no mongodb.uri configured"
        say(f"{why}: starting an embedded MongoDB replica set, data in {folder}")
        mongo = EmbeddedReplicaSet(data_dir=folder)
        await anyio.to_thread.run_sync(mongo.start)
        try:
            say(f"embedded MongoDB is up: {mongo.uri}")
            yield _with_uri(settings, mongo.uri)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(mongo.stop)

    def settings_if_reachable(self) -> Settings | None:
        """The settings with an address of MongoDB, None where a server would have to be started."""
        settings = self.settings
        if settings.mongodb.uri:
            return settings
        from hotstream_reactive.mongo.embedded import running_uri

        running = running_uri(Path(settings.mongodb.embedded_dir))
        return _with_uri(settings, running) if running else None


async def _take_over(folder: Path, say: Callable[[str], None]) -> None:
    """Run the embedded set of the folder once its present owner has ended; until cancelled."""
    import anyio

    from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet, running_uri

    mongo = EmbeddedReplicaSet(data_dir=folder)
    try:
        while True:
            await anyio.sleep(_LOOK_AFTER_OWNER_S)
            if running_uri(folder) is None:
                say("the process that ran the embedded MongoDB has ended: starting it here")
                try:
                    await anyio.to_thread.run_sync(mongo.start)
                except EmbeddedMongoError as error:
                    say(f"not yet: {error}")
                else:
                    await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(mongo.stop)


def _demand_data(folder: Path) -> None:
    """Refuse to start an embedded set where there never was one."""
    if not folder.exists():
        raise DatabaseUnavailable(
            f"no mongodb.uri is configured and there is no embedded MongoDB in {folder}.\n"
            f"Set MONGODB_URI, or start the embedded one: hotstream start-daemon"
        )


def _with_uri(settings: Settings, uri: str) -> Settings:
    import msgspec

    mongodb = msgspec.structs.replace(settings.mongodb, uri=uri)
    return msgspec.structs.replace(settings, mongodb=mongodb)


def run_async(work: Callable[[], Awaitable[T]]) -> T:
    """Run asynchronous work to its end, on uvloop where there is one; for the main thread.

    An error leaves as itself, also when a task group carried it.

    Raises:
        Abort: somebody pressed Ctrl-C, and all that was open is closed. Pressed once
            more, it does not wait for that.
    """
    import anyio

    try:
        return anyio.run(_interruptible, work, backend_options={"use_uvloop": _has_uvloop()})
    except BaseExceptionGroup as group:
        raise _first(group) from group


async def _interruptible(work: Callable[[], Awaitable[T]]) -> T:
    """Let Ctrl-C end the work, whatever it waits for.

    Of itself asyncio makes one cancellation of it, which a driver that is about to send may lose; a
    cancel scope says it again until it is heard. Work that listens to the signal itself does so.
    """
    import asyncio
    import signal

    import anyio

    loop = asyncio.get_running_loop()
    with anyio.CancelScope() as scope:

        def interrupt() -> None:
            scope.cancel()
            loop.remove_signal_handler(signal.SIGINT)

        loop.add_signal_handler(signal.SIGINT, interrupt)
        try:
            return await work()
        except Exception as error:
            if scope.cancel_called:  # what breaks while all is given up is no news
                raise click.Abort from error
            raise
        finally:
            loop.remove_signal_handler(signal.SIGINT)
    raise click.Abort


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _has_uvloop() -> bool:
    try:
        import uvloop  # noqa: F401 - only asked for
    except ImportError:
        return False
    return True
