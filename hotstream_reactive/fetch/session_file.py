"""A signed-in browser session that a person made, as Playwright's `storage_state` file.

The file is as good as the account's password: it is read and written here, never logged, and kept
readable by its owner only.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio.to_thread
import msgspec

from hotstream_reactive.errors import LoginRequired

#: Our own table in the file: Playwright leaves keys it does not know alone.
_OURS = "hotstream"
_OTHERS_MAY = 0o077
_COOKIE_KEYS = ("name", "value", "domain", "path", "httpOnly", "secure", "partitionKey")
_SAME_SITE = {"strict": "Strict", "lax": "Lax", "none": "None", "no_restriction": "None"}


class SessionNeeded(LoginRequired):
    """A person has to sign in and save the session; until then nothing will change.

    Args:
        message: what was asked for, and how to make the session.
        kind: short machine-readable reason.
        path: the session file, empty when none is configured.
        version: of the file that was refused; another one is worth another try. None for no file.
    """


class SavedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as read from its file.

    `state` is what a browser context is made with; `user_agent` is that of the browser in which
    the session was used last, empty when the file does not say; `version` changes with the file;
    `is_private` is false when others than the owner may read it.
    """

    state: dict[str, Any]
    user_agent: str
    version: int
    is_private: bool

    def cookie_names(self) -> set[str]:
        """The names of the cookies; their values are secret."""
        return {cookie["name"] for cookie in self.state["cookies"]}


class SessionFile:
    """One session file; `path` may be empty for none."""

    def __init__(self, path: str) -> None:
        self.path = path

    def version(self) -> int | None:
        """A number that changes whenever the file does; None when there is no file."""
        try:
            return Path(self.path).stat().st_mtime_ns if self.path else None
        except OSError:
            return None

    async def read(self) -> SavedSession | None:
        """The session; None when there is no file.

        Raises:
            SessionNeeded: (`session_unreadable`) the file is no storage state.
        """
        return await anyio.to_thread.run_sync(self._read) if self.path else None

    def _read(self) -> SavedSession | None:
        path = Path(self.path)
        try:
            version, mode = path.stat().st_mtime_ns, path.stat().st_mode
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            # What json says quotes no content, but be sure: the file is secret.
            raise self._unreadable(type(error).__name__) from None
        state = _checked(content)
        if state is None:
            raise self._unreadable("it holds no list of cookies")
        ours = content.get(_OURS) if isinstance(content, dict) else None
        agent = ours.get("user_agent") if isinstance(ours, dict) else None
        return SavedSession(
            state=state,
            user_agent=agent if isinstance(agent, str) else "",
            version=version,
            is_private=os.name == "nt" or not mode & _OTHERS_MAY,
        )

    def _unreadable(self, why: str) -> SessionNeeded:
        return SessionNeeded(
            f"the session file {self.path} cannot be used ({why}): make it anew",
            kind="session_unreadable",
            path=self.path,
            version=self.version(),
        )

    async def refresh(
        self, earlier: SavedSession, state: Mapping[str, Any], user_agent: str
    ) -> bool:
        """Write what the session has become, unless the file was replaced in the meantime.

        The new file takes the place of the old one at once and is readable by its owner only.

        Returns:
            Whether it was written; False also when there is nothing new.

        Raises:
            OSError: the file or its directory cannot be written.
        """
        if _same(earlier, state, user_agent):
            return False
        return await anyio.to_thread.run_sync(self._write, earlier.version, state, user_agent)

    def _write(self, version: int, state: Mapping[str, Any], user_agent: str) -> bool:
        # Through a link to the file itself, which would else be replaced by a copy.
        path = Path(self.path).resolve()
        content = json.dumps({**state, _OURS: {"user_agent": user_agent}}, ensure_ascii=False)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if self.version() != version:
                return False  # a person has just made a new one
            Path(temporary).replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
        return True


def _checked(content: Any) -> dict[str, Any] | None:
    """The part of a file that a browser context is made with; None when it is no session.

    A bare list of cookies, as extensions of browsers export it, will do too.
    """
    table = content if isinstance(content, dict) else {"cookies": content or None}
    listed, origins = table.get("cookies"), table.get("origins")
    if not isinstance(listed, list):
        return None
    cookies = [_cookie(one) for one in listed if isinstance(one, dict)]
    if len(cookies) != len(listed) or None in cookies:
        return None
    return {"cookies": cookies, "origins": origins if isinstance(origins, list) else []}


def _cookie(given: Mapping[str, Any]) -> dict[str, Any] | None:
    if not all(isinstance(given.get(key), str) for key in ("name", "value", "domain", "path")):
        return None
    cookie = {key: given[key] for key in _COOKIE_KEYS if key in given}
    expires = given.get("expires", given.get("expirationDate"))
    if isinstance(expires, int | float) and not isinstance(expires, bool):
        cookie["expires"] = expires
    if same_site := _SAME_SITE.get(str(given.get("sameSite")).lower()):
        cookie["sameSite"] = same_site
    return cookie


def _same(earlier: SavedSession, state: Mapping[str, Any], user_agent: str) -> bool:
    if user_agent != earlier.user_agent:
        return False

    def values(cookies: list[dict[str, Any]]) -> dict[tuple[str, str, str], str]:
        return {(one["name"], one["domain"], one["path"]): one["value"] for one in cookies}

    return values(earlier.state["cookies"]) == values(state["cookies"])
