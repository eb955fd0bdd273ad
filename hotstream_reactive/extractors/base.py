"""The contract of an extractor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from hotstream_reactive.model.item import DataItem


class DataExtractor(ABC):
    """Turns the raw records of one platform into items.

    Keep it quick and free of I/O: it runs for every record, and failures count per record.
    """

    @abstractmethod
    async def extract(self, raw_data: dict[str, Any]) -> DataItem:
        """Make one item.

        Raises:
            ValueError: the record cannot be an item; the text says why. The run goes on without it.
        """

    def validate(self, data: DataItem) -> bool:
        """Say whether the item is worth storing."""
        return bool(data.id)
