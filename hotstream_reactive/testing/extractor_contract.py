"""What a run relies on in an extractor, as tests."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

import anyio

from hotstream_reactive.errors import PluginError
from hotstream_reactive.extractors.base import UNUSABLE, DataExtractor, make_item
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.plugins import EXTRACTORS, check
from hotstream_reactive.testing.demand import demand

#: Counters that every platform gives by the same names.
COUNTERS = ("likes", "reposts", "replies", "quotes", "views", "video_views", "collects")
_STRANGE: tuple[Any, ...] = (None, "", "strange\x00\ud800", -1, 2**70, [], {}, [None], True)


class DataExtractorContract:
    """Subclass this, name the class ``Test…``, and fill in what it asks for.

    Attributes:
        extractor: the class under test.
        platform: the name of the platform whose records it reads.
    """

    extractor: ClassVar[type[DataExtractor]]
    platform: ClassVar[str]

    def records(self) -> Sequence[dict[str, Any]]:
        """Raw records as the adapter yields them, each of which is an item."""
        raise NotImplementedError("give some raw records: `def records(self): return [...]`")

    def test_the_engine_takes_the_class(self) -> None:
        """It has all its methods."""
        try:
            check(self.platform, EXTRACTORS, self.extractor)
        except PluginError as error:
            raise AssertionError(str(error)) from error

    def test_every_record_is_an_item(self) -> None:
        """Of this platform, with an id of its own, and worth storing."""
        records = self.records()
        demand(records, "records() gave none")
        items = [self._item(record) for record in records]
        for item in items:
            demand(
                item.platform == self.platform,
                f"item {item.id!r} is of {item.platform!r}, not {self.platform!r}",
            )
            demand(
                item.id.removeprefix(f"{self.platform}_") not in ("", item.id),
                f"item id {item.id!r} must be '{self.platform}_' and the source's own id",
            )
        demand(len({item.id for item in items}) == len(items), "two records have the same id")

    def test_the_same_record_is_the_same_item(self) -> None:
        """Storing twice leaves one item only when an item keeps its id; the record is only read."""
        for record in self.records():
            before = copy.deepcopy(record)
            first, second = self._item(record), self._item(copy.deepcopy(before))
            demand(record == before, "extract() changed the record it was given: copy it")
            demand(
                first == second,
                f"the same record became two different items, {first.id!r} and {second.id!r}",
            )

    def test_times_are_utc(self) -> None:
        """`created_at` is ISO 8601 in UTC, or None when the page does not say."""
        for record in self.records():
            item = self._item(record)
            if item.created_at is None:
                continue
            try:
                moment = datetime.fromisoformat(str(item.created_at))
            except ValueError:
                moment = None
            demand(
                moment is not None and moment.utcoffset() is not None,
                f"item {item.id!r}: created_at {item.created_at!r} is no ISO 8601 time in UTC; "
                "give a datetime, or None when the page does not say",
            )

    def test_counters_are_numbers(self) -> None:
        """A counter that the page does not show is left out; zero means that it showed zero."""
        for record in self.records():
            item = self._item(record)
            for name in COUNTERS:
                value = item.metadata.get(name, 0)
                demand(
                    type(value) is int and value >= 0,
                    f"item {item.id!r}: metadata[{name!r}] is {value!r}: a whole number, or left "
                    "out",
                )

    def test_a_strange_record_is_left_out_or_read(self) -> None:
        """Parts that are missing or strange end in ValueError at the most, never in a crash."""
        for record in self.records():
            for strange in _variants(record):
                try:
                    self._make(strange)
                except UNUSABLE:
                    continue
                except Exception as error:
                    raise AssertionError(
                        f"{error!r} for {strange!r}: raise ValueError with the reason for a record "
                        "that cannot be an item"
                    ) from error

    def test_nothing_is_no_item(self) -> None:
        """An empty record is refused."""
        try:
            item = self._make({})
        except UNUSABLE:
            return
        raise AssertionError(
            f"an empty record became the item {item.id!r}: raise ValueError when there is no id"
        )

    def _make(self, record: dict[str, Any]) -> DataItem:
        extractor = self.extractor()
        return anyio.run(make_item, record, extractor, self.platform)

    def _item(self, record: dict[str, Any]) -> DataItem:
        try:
            return self._make(record)
        except UNUSABLE as error:
            raise AssertionError(f"the record {record!r} is no item: {error!r}") from error


def _variants(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The record with each of its parts missing or strange."""
    for key in record:
        yield {name: copy.deepcopy(value) for name, value in record.items() if name != key}
        for strange in _STRANGE:
            yield {**copy.deepcopy(record), key: strange}
