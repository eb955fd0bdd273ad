"""The contract of a storage and what the engine hands to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hotstream_reactive.model.item import DataItem


class StorageContext(msgspec.Struct, kw_only=True, frozen=True):
    """What a storage gets for one run, as `self.context`.

    `output_dir` is where files may go; names derived from tasks must stay inside it.
    `config` is the task's `storage_config`. `lease` names the claim this run holds, for storages
    that can refuse the writes of a late owner; None outside a run.
    """

    task_id: str
    output_dir: Path
    config: Mapping[str, Any] = {}
    lease: tuple[Any, str] | None = None
    database: Any = None


class StorageAdapter(ABC):
    """Stores items so that storing one twice leaves one.

    The engine makes one storage per run, sets `context`, calls `save` batch by batch, and `close`.
    """

    context: StorageContext

    @abstractmethod
    async def save(self, items: Sequence[DataItem]) -> bool:
        """Store all items durably; False means they were not stored (the run is tried again).

        Raises:
            LeaseLost: another worker owns the task now.
            StorageFull: no space left.
        """

    async def known(self, ids: Sequence[str]) -> set[str]:
        """Which of these item ids this task has stored before; needed for `options.only_new`."""
        return set()

    @abstractmethod
    async def query(self, filters: Mapping[str, Any]) -> list[DataItem]:
        """Find stored items by equality on `platform`, `author`, `task_id`, `id`; `limit` caps."""

    async def close(self) -> None:
        """Release what the storage holds."""
        return
