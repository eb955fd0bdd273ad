"""Items as JSON Lines, one file per task: what the storages of files keep as the truth.

A line is an item plus `task_id` and `saved_at`. Only a line that ends in a newline counts: what a
kill leaves behind after the last newline is cut off before the next batch is appended. Several
processes may write the same file: each batch is one append under a lock.
"""

from __future__ import annotations

import operator
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio.to_thread
import msgspec
from loguru import logger

from hotstream_reactive.model.item import DataItem, iso_utc, normalise
from hotstream_reactive.storages.base import StorageAdapter
from hotstream_reactive.storages.files import (
    append,
    file_name,
    lock,
    opened,
    reported,
    whole_lines,
)

SUFFIX = ".jsonl"
_FILTERS = ("platform", "author", "task_id", "id")


class _Key(msgspec.Struct):
    """What makes a line an item."""

    platform: str
    id: str


class JsonLinesStorage(StorageAdapter):
    """Appends to ``<output_dir>/<task>.jsonl``; `storage_config` cannot lead elsewhere.

    Should the disk be full, lines of a batch may be seen by a reader for a moment before the file
    gets its former length back; they come again with the next run.
    """

    storage_type = "jsonl"

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
        path = self.context.output_dir / file_name(self.context.task_id, SUFFIX)
        with reported(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT) as file:
                lock(file, path)
                self._catch_up(file, path)
                lines: dict[tuple[str, str], bytes] = {}
                for item in map(normalise, items):
                    key = (item.platform, item.id)
                    if key not in self._known and key not in lines:
                        lines[key] = self._line(item)
                if lines:
                    append(file, b"".join(lines.values()), self._scanned, path.parent)
                    self._known.update(lines)
                    self._scanned += sum(map(len, lines.values()))

    def _held(self, ids: frozenset[str]) -> set[str]:
        path = self.context.output_dir / file_name(self.context.task_id, SUFFIX)
        if not path.exists():
            return set()
        with reported(path), opened(path, os.O_RDWR | os.O_APPEND) as file:
            lock(file, path)
            self._catch_up(file, path)
        return {item_id for _, item_id in self._known if item_id in ids}

    def _catch_up(self, file: int, path: Path) -> None:
        """Read the ids appended since the last look, by us or another process; cut a torn end."""
        status = os.fstat(file)
        if status.st_ino != self._inode or status.st_size < self._scanned:
            self._forget()
            self._inode = status.st_ino
        foreign = 0
        for line in whole_lines(file, self._scanned):
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
            with reported(path), opened(path, os.O_RDONLY) as file:
                matches = (_matching(record, wanted) for record in records_of(file))
                stored += deque(filter(None, matches), maxlen=limit)
        stored.sort(key=operator.itemgetter(0))
        newest_first = {(item.platform, item.id): item for _, item in reversed(stored)}
        return list(newest_first.values())[:limit]

    def _files(self, task_id: object) -> list[Path]:
        directory = self.context.output_dir
        named = {file_name(task_id, SUFFIX)} if isinstance(task_id, str) else None
        with reported(directory):
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


def records_of(file: int) -> Iterator[dict[str, Any]]:
    """The records of all lines that are items, the first stored first."""
    for line in whole_lines(file, 0):
        try:
            _KEY.decode(line)
            yield msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError:
            continue  # not written by us; `save` has told of it


def _matching(record: dict[str, Any], wanted: Mapping[str, Any]) -> tuple[str, DataItem] | None:
    """`saved_at` and the item of a record, when it is one and passes the filters."""
    if any(record.get(name) != value for name, value in wanted.items()):
        return None
    try:
        fields = {name: record[name] for name in DataItem.__struct_fields__ if name in record}
        return str(record.get("saved_at", "")), normalise(DataItem(**fields))
    except (TypeError, ValueError):
        return None  # likewise
