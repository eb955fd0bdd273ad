"""Items as JSON Lines, one file per task, for people and programs that read files.

A line is an item plus `task_id` and `saved_at`. Only a line that ends in a newline counts: what a
kill leaves behind after the last newline is cut off before the next batch is appended. Several
processes may write the same file: each batch is one append under a lock.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import operator
import os
import re
import stat
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio.to_thread
import msgspec
from loguru import logger

from hotstream_reactive.errors import StorageError, StorageFull
from hotstream_reactive.model.item import DataItem, iso_utc, normalise
from hotstream_reactive.storages.base import StorageAdapter

SUFFIX = ".jsonl"
LOCK_TIMEOUT = 10.0  # seconds
_LOCK_PAUSE = 0.01  # seconds between attempts
_CHUNK = 1 << 20  # bytes
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9])(\..*)?")
_FILTERS = ("platform", "author", "task_id", "id")


def file_name(task_id: str) -> str:
    """The name of a task's file: at most 150 bytes, and no two tasks share one.

    An id of up to 100 lower-case letters, digits, ``.``, ``_`` and ``-`` is the name as it stands.
    Of any other the harmless characters are kept and a hash is added after ``~``, which no plain
    name contains; so it is with capitals too, as some file systems do not tell them apart, and with
    the device names of Windows.
    """
    if _PLAIN_NAME.fullmatch(task_id) and not _DEVICE.fullmatch(task_id):
        return task_id + SUFFIX
    digest = hashlib.sha256(task_id.encode("utf-8", "surrogatepass")).hexdigest()[:20]
    kept = re.sub(r"^-|[^A-Za-z0-9_-]", "_", task_id[:100]) or "_"
    return f"{kept}~{digest}{SUFFIX}"


class _Key(msgspec.Struct):
    """What makes a line an item."""

    platform: str
    id: str


class JsonStorage(StorageAdapter):
    """Appends to ``<output_dir>/<task>.jsonl``; `storage_config` cannot lead elsewhere.

    Should the disk be full, lines of a batch may be seen by a reader for a moment before the file
    gets its former length back; they come again with the next run.
    """

    storage_type = "json"

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._known: set[tuple[str, str]] = set()
        self._inode = 0
        self._scanned = 0  # bytes of the file whose ids are in `_known`

    async def save(self, items: Sequence[DataItem]) -> bool:
        """Append the items whose (platform, id) the file does not hold yet, and sync it.

        Raises:
            StorageFull: no space left or quota exceeded; nothing of the batch is in the file.
            StorageError: the file cannot be written, is no regular file, or stays locked.
            ValueError: an item without id or platform.
        """
        if items:
            await anyio.to_thread.run_sync(self._save, items)
        return True

    async def known(self, ids: Sequence[str]) -> set[str]:
        """Which of these items the task's file holds.

        Raises:
            StorageError: the file cannot be read.
        """
        return await anyio.to_thread.run_sync(self._held, frozenset(ids))

    async def query(self, filters: Mapping[str, Any]) -> list[DataItem]:
        """Find items by equality, the last stored first; `limit` (100) caps their number.

        Without `task_id` the files of all tasks are read, and each item is given once.

        Raises:
            ValueError: an unknown filter, or a `limit` that is no whole number from 1.
            StorageError: a file cannot be read.
        """
        wanted = dict(filters)
        limit = wanted.pop("limit", 100)
        if unknown := sorted(set(wanted) - set(_FILTERS)):
            raise ValueError(f"no such filter: {unknown}; there are {', '.join(_FILTERS)}, limit")
        if type(limit) is not int or limit < 1:
            raise ValueError(f"limit must be a whole number from 1, not {limit!r}")
        return await anyio.to_thread.run_sync(self._query, wanted, limit)

    async def close(self) -> None:
        """Forget the ids read."""
        self._forget()

    def _save(self, items: Sequence[DataItem]) -> None:
        path = self.context.output_dir / file_name(self.context.task_id)
        with _reported(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with _opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT) as file:
                _lock(file, path)
                self._catch_up(file, path)
                lines: dict[tuple[str, str], bytes] = {}
                for item in map(normalise, items):
                    key = (item.platform, item.id)
                    if key not in self._known and key not in lines:
                        lines[key] = self._line(item)
                if lines:
                    _append(file, b"".join(lines.values()), self._scanned, path.parent)
                    self._known.update(lines)
                    self._scanned += sum(map(len, lines.values()))

    def _held(self, ids: frozenset[str]) -> set[str]:
        path = self.context.output_dir / file_name(self.context.task_id)
        if not path.exists():
            return set()
        with _reported(path), _opened(path, os.O_RDWR | os.O_APPEND) as file:
            _lock(file, path)
            self._catch_up(file, path)
        return {item_id for _, item_id in self._known if item_id in ids}

    def _catch_up(self, file: int, path: Path) -> None:
        """Read the ids appended since the last look, by us or another process; cut a torn end."""
        status = os.fstat(file)
        if status.st_ino != self._inode or status.st_size < self._scanned:
            self._forget()
            self._inode = status.st_ino
        foreign = 0
        for line in _whole_lines(file, self._scanned):
            self._scanned += len(line)
            try:
                key = _KEY.decode(line)
            except msgspec.DecodeError:
                foreign += 1
            else:
                self._known.add((key.platform, key.id))
        if foreign:
            logger.warning("{}: {} lines are no items; they are left as they are", path, foreign)
        if torn := status.st_size - self._scanned:
            logger.warning("{}: cut off {} bytes of a line that was never finished", path, torn)
            os.ftruncate(file, self._scanned)

    def _line(self, item: DataItem) -> bytes:
        record = msgspec.structs.asdict(item)
        record["task_id"] = self.context.task_id.encode("utf-8", "replace").decode("utf-8")
        record["saved_at"] = iso_utc(datetime.now(UTC))
        return msgspec.json.encode(record) + b"\n"

    def _query(self, wanted: Mapping[str, Any], limit: int) -> list[DataItem]:
        stored: list[tuple[str, DataItem]] = []
        for path in self._files(wanted.get("task_id")):
            with _reported(path), _opened(path, os.O_RDONLY) as file:
                matches = (_matching(line, wanted) for line in _whole_lines(file, 0))
                stored += deque(filter(None, matches), maxlen=limit)
        stored.sort(key=operator.itemgetter(0))
        newest_first = {(item.platform, item.id): item for _, item in reversed(stored)}
        return list(newest_first.values())[:limit]

    def _files(self, task_id: object) -> list[Path]:
        directory = self.context.output_dir
        named = {file_name(task_id)} if isinstance(task_id, str) else None
        with _reported(directory):
            if not directory.is_dir():
                return []
            with os.scandir(directory) as entries:
                names = sorted(
                    entry.name
                    for entry in entries
                    if entry.name.endswith(SUFFIX)
                    and entry.is_file(follow_symlinks=False)
                    and (named is None or entry.name in named)
                )
        return [directory / name for name in names]


_KEY = msgspec.json.Decoder(_Key)


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Turn the errors of the operating system into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(
                f"no space left for {path}: {error.strerror}; free some, or let "
                "storage.output_dir name a directory on another disk"
            ) from error
        reason = error.strerror or str(error)
        if error.errno == errno.ELOOP:
            reason = "it is a symbolic link, which is not followed"
        raise StorageError(
            f"cannot use {path}: {reason}; mend it, or let storage.output_dir name another "
            "directory"
        ) from error


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    """Open a regular file, never through a link in its last step and never waiting for a pipe."""
    file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        yield file
    finally:
        os.close(file)


def _lock(file: int, path: Path) -> None:
    """Take the file for this process; closing it gives it back.

    Not by waiting in the kernel: a holder that was stopped would stop this thread for ever.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise StorageError(
                    f"another process has held {path} for {LOCK_TIMEOUT:g} s; "
                    "end it, or give each worker a storage.output_dir of its own"
                ) from error
            time.sleep(_LOCK_PAUSE)
        else:
            return


def _append(file: int, payload: bytes, size: int, directory: Path) -> None:
    """Append durably, or leave the file at its `size`."""
    try:
        rest = memoryview(payload)
        while rest:  # a disk that fills up takes a part, and refuses the next write
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    except OSError:
        os.ftruncate(file, size)
        raise
    if size == 0:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)  # else a crash of the machine may lose the new file's name
        finally:
            os.close(handle)


def _whole_lines(file: int, offset: int) -> Iterator[bytes]:
    """The lines from an offset on with their newlines; a last line without one is left out."""
    rest = b""
    while chunk := os.pread(file, _CHUNK, offset):
        offset += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"


def _matching(line: bytes, wanted: Mapping[str, Any]) -> tuple[str, DataItem] | None:
    """`saved_at` and the item of a line, when it is one and passes the filters."""
    try:
        record = msgspec.json.decode(line, type=dict[str, Any])
        if any(record.get(name) != value for name, value in wanted.items()):
            return None
        fields = {name: record[name] for name in DataItem.__struct_fields__ if name in record}
        return str(record.get("saved_at", "")), normalise(DataItem(**fields))
    except (msgspec.DecodeError, TypeError, ValueError):
        return None  # not written by us; `save` has told of it
