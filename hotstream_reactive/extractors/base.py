"""The contract of an extractor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from hotstream_reactive.errors import PermanentError
from hotstream_reactive.model.item import DataItem, normalise

#: What an extractor may raise about a record; the run goes on without that record.
UNUSABLE = (ValueError, TypeError, KeyError, AttributeError)


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
        """Say whether the item is worth storing; a ValueError says why it is not."""
        return bool(data.id)


async def make_item(
    record: DataItem | dict[str, Any], extractor: DataExtractor | None, platform: str
) -> DataItem:
    """One item, safe to store, of what an adapter yielded.

    Raises:
        PermanentError: (`no_extractor`) it is a raw record and there is nothing to read it with.
        ValueError, TypeError, KeyError, AttributeError: the record cannot be an item, see
            `UNUSABLE`; the run goes on without it.
    """
    if isinstance(record, DataItem):
        item = record
    elif extractor is None:
        raise PermanentError(
            f"platform {platform!r} yields raw records but has no extractor: "
            f"register one under the entry point group hotstream.extractors",
            kind="no_extractor",
        )
    else:
        item = await extractor.extract(record)
    item = normalise(item)
    if extractor is not None and not extractor.validate(item):
        shown = f"title {item.title!r}" if item.title else "no title"
        raise ValueError(
            f"item {item.id!r} is not worth storing: {type(extractor).__name__}.validate refused "
            f"it ({shown}, {len(item.content)} characters of content)"
        )
    return item
