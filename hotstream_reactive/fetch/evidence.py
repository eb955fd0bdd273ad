"""Pages that were not what was asked for, kept for a person to look at.

The files hold what the site showed and nothing of ours: no header, no cookie, no password; those
that the site repeats in its page are blotted out.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import NamedTuple

import anyio.to_thread

from hotstream_reactive.fetch.response import Response
from hotstream_reactive.text import clean, redact

_LONGEST_PAGE_BYTES = 2 * 2**20
_LONGEST_PICTURE_BYTES = 4 * 2**20
_MOST_BYTES = 64 * 2**20
_SHORTEST_SECRET_CHARS = 4
_OURS = re.compile(r"\d{8}T\d{6}-[\w.-]+\.(html|png)", re.ASCII)


class Evidence:
    """The kept pages of one platform.

    Args:
        folder: where; made when the first page is kept. None keeps none.
        max_files: pages and pictures together; the oldest make room. 0 keeps none.
    """

    def __init__(self, folder: Path | None, max_files: int) -> None:
        self._folder = folder or Path()
        self._max_files = max_files if folder is not None else 0

    @property
    def is_kept(self) -> bool:
        """Whether anything is kept at all."""
        return self._max_files > 0

    async def keep(
        self,
        response: Response,
        kind: str,
        *,
        picture: bytes | None = None,
        secrets_sent: Iterable[str] = (),
    ) -> Path | None:
        """Keep a page, and how it looked in the browser.

        Args:
            response: as it came.
            kind: what it was found to be, e.g. ``login_wall``.
            picture: a PNG.
            secrets_sent: values that must not be in the file: cookies, passwords.

        Returns:
            The file with the page; None when none is kept, or it cannot be written: a full disk
            does not hide why the page was refused.
        """
        if not self.is_kept:
            return None
        page = _page(response, kind, secrets_sent)
        name = _name(response.url, kind)
        files = [_File(f"{name}.html", page)]
        if picture is not None and len(picture) <= _LONGEST_PICTURE_BYTES:
            files.append(_File(f"{name}.png", picture))
        return await anyio.to_thread.run_sync(self._write, files)

    def _write(self, files: list[_File]) -> Path | None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._folder.is_symlink():
                return None  # somebody else's idea of where it should go
            for file in files:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
                handle = os.open(self._folder / file.name, flags, 0o600)
                with os.fdopen(handle, "wb") as out:
                    out.write(file.content)
            self._make_room()
        except OSError:
            return None
        return self._folder / files[0].name

    def _make_room(self) -> None:
        kept = sorted(
            (entry for entry in os.scandir(self._folder) if _OURS.fullmatch(entry.name)),
            key=lambda entry: entry.name,
            reverse=True,
        )
        size = 0
        for place, entry in enumerate(kept):
            size += entry.stat(follow_symlinks=False).st_size
            if place >= self._max_files or size > _MOST_BYTES:
                Path(entry.path).unlink(missing_ok=True)


class _File(NamedTuple):
    name: str
    content: bytes


def _name(url: str, kind: str) -> str:
    """Sorts by time; holds nothing that a file system or a shell would take for something else."""
    host = re.sub(r"[^a-z0-9.-]+", "_", url.split("://", 1)[-1].split("/", 1)[0].lower())[:60]
    reason = re.sub(r"[^a-z0-9_]+", "_", kind.lower())[:40]
    at = datetime.now(UTC)
    return f"{at:%Y%m%dT%H%M%S}-{at:%f}-{host.strip('.')}-{reason}-{secrets.token_hex(2)}"


def _page(response: Response, kind: str, secrets_sent: Iterable[str]) -> bytes:
    seen_at = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    where = clean(redact(response.final_url), 500)
    head = f"{clean(kind)}: HTTP {response.status} from {where}, {seen_at}"
    # "--" would end the comment.
    comment = f"<!-- {escape(head).replace('--', '- -')} -->\n"
    text = response.text[:_LONGEST_PAGE_BYTES]
    for secret in {*secrets_sent}:
        if len(secret) >= _SHORTEST_SECRET_CHARS:
            text = text.replace(secret, "***").replace(escape(secret), "***")
    return (comment + text).encode("utf-8", "replace")[:_LONGEST_PAGE_BYTES]
