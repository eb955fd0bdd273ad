"""Items into MongoDB, the storage that external applications read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hotstream_reactive.errors import StorageError
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.mongo.items import ItemStore
from hotstream_reactive.storages.base import StorageAdapter


class MongoStorage(StorageAdapter):
    """Stores items in `data_items`, fenced by the lease of the run."""

    async def save(self, items: Sequence[DataItem]) -> bool:
        """Store a batch.

        Raises:
            LeaseLost: another worker owns the task now.
            DatabaseError: nothing is stored.
        """
        await self._store().save(items, task_id=self.context.task_id, lease=self.context.lease)
        return True

    async def known(self, ids: Sequence[str]) -> set[str]:
        """Which of these items this task has brought home before.

        Raises:
            DatabaseError: unknown.
        """
        return await self._store().known(ids, task_id=self.context.task_id)

    async def query(self, filters: Mapping[str, Any]) -> list[DataItem]:
        """Items whose fields equal the filters, newest first; `limit` (100) caps their number."""
        wanted = dict(filters)
        limit = int(wanted.pop("limit", 100))
        known = set(DataItem.__struct_fields__)
        return [
            DataItem(**{name: value for name, value in document.items() if name in known})
            for document in await self._store().find(wanted, limit=limit)
        ]

    def _store(self) -> ItemStore:
        store = self.context.database
        if not isinstance(store, ItemStore):
            raise StorageError("storage 'mongodb' was made without a database connection")
        return store
