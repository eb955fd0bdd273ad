"""Items as one document per task, made anew from its JSON Lines each time a run ends.

The lines are the truth: they grow batch by batch and survive a kill at any moment. The document is
a copy for people and programs that want one whole file; it appears whole or not at all.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, TextIO

import anyio.to_thread

from hotstream_reactive.storages.files import file_name, lock, opened, published, reported
from hotstream_reactive.storages.jsonl import SUFFIX, JsonLinesStorage, records_of


class DocumentStorage(JsonLinesStorage):
    """Keeps ``<output_dir>/<task>.jsonl`` and publishes a document beside it in `close`."""

    suffix: ClassVar[str]

    async def close(self) -> None:
        """Publish the document when it is older than the lines.

        Raises:
            StorageFull: no space left; the former document stands as it was.
            StorageError: it cannot be written.
        """
        await anyio.to_thread.run_sync(self._publish)
        await super().close()

    @abstractmethod
    def write(self, records: Iterator[dict[str, Any]], out: TextIO) -> None:
        """Write the document of these records, the first stored first."""

    def _publish(self) -> None:
        directory, task_id = self.context.output_dir, self.context.task_id
        lines = directory / file_name(task_id, SUFFIX)
        target = directory / file_name(task_id, self.suffix)
        if not lines.exists():
            return
        # Under the lock of the lines, so that an older copy never replaces a newer one.
        with reported(lines), opened(lines, os.O_RDONLY) as file:
            lock(file, lines)
            if _modified(target) <= os.fstat(file).st_mtime_ns:
                with reported(target), published(target) as out:
                    self.write(records_of(file), out)


def _modified(path: Path) -> int:
    """When a file was written, in nanoseconds; 0 when there is none."""
    try:
        return path.stat(follow_symlinks=False).st_mtime_ns
    except OSError:
        return 0
