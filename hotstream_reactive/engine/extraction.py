"""Extraction: what an adapter yields becomes valid items, or a reason why it does not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from loguru import logger

from hotstream_reactive.extractors.base import UNUSABLE, DataExtractor, make_item
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.model.task import Task
from hotstream_reactive.text import clean

Record = DataItem | dict[str, Any]


class Extraction:
    """Turns the records of one run into items, each item once."""

    def __init__(self, task: Task, extractor: DataExtractor | None) -> None:
        self._task = task
        self._extractor = extractor
        self._seen: set[str] = set()
        #: Why records could not be items.
        self.unusable: list[str] = []

    async def items(self, records: Iterable[Record]) -> list[DataItem]:
        """The items among the records that were not among earlier ones.

        Raises:
            PermanentError: raw records, and no extractor for them.
        """
        items: list[DataItem] = []
        for record in records:
            item = await self._item(record)
            if item is not None and item.id not in self._seen:
                self._seen.add(item.id)
                items.append(item)
        return items

    async def _item(self, record: Record) -> DataItem | None:
        """One item, or None when the record cannot be one: the reason is kept."""
        try:
            return await make_item(record, self._extractor, self._task.platform)
        except UNUSABLE as error:
            reason = clean(f"{type(error).__name__}: {error}")
            self.unusable.append(reason)
            logger.bind(task_id=self._task.task_id).warning("record left out: {}", reason)
            return None
