"""Each check of a contract passes for a good plugin and fails for one with that one fault."""

from __future__ import annotations

import inspect
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hotstream_reactive.errors import PermanentError
from hotstream_reactive.extractors.base import DataExtractor
from hotstream_reactive.fetch.http import HttpClient
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.platforms.base import PlatformAdapter
from hotstream_reactive.storages.base import StorageAdapter
from hotstream_reactive.testing import (
    DataExtractorContract,
    PlatformAdapterContract,
    RecordedSite,
    StorageAdapterContract,
)

PAGES = [
    {"posts": [{"id": 1}, {"id": 2}], "next": 2},
    {"posts": [{"id": 3}, {"id": 4}], "next": None},
]
COUNT = itertools.count(100)


class GoodAdapter(PlatformAdapter):
    platform_name: ClassVar[str] = "good"
    saves: ClassVar[bool] = True
    resumes: ClassVar[bool] = True
    limits: ClassVar[bool] = True
    tells: ClassVar[bool] = True
    closes: ClassVar[bool] = True
    repeats: ClassVar[bool] = False
    huge: ClassVar[bool] = False
    prefix: ClassVar[str] = ""

    async def search(self, keywords: list[str], options: Any) -> AsyncIterator[dict[str, Any]]:
        async for post in self._read(options.limit):
            yield post

    async def monitor_accounts(
        self, accounts: list[str], limit: int
    ) -> AsyncIterator[dict[str, Any]]:
        async for post in self._read(limit):
            yield post

    async def close(self) -> None:
        if not self.closes:
            self.closed = getattr(self, "closed", 0) + 1
            if self.closed > 1:
                raise RuntimeError("closed twice")

    async def _read(self, limit: int) -> AsyncIterator[dict[str, Any]]:
        page = self.context.checkpoint.get("page", 1) if self.resumes else 1
        given = 0
        async with HttpClient.for_platform(self.context.fetch, self.context.platform) as http:
            while page:
                answer = await http.get(f"{self.context.platform.base_url}/posts?page={page}")
                if answer.status != 200 or not answer.text:
                    if not self.tells:
                        return
                    raise PermanentError(f"HTTP {answer.status}")
                try:
                    found = json.loads(answer.text)
                except ValueError:
                    raise PermanentError("no JSON") from None
                for post in found["posts"] * (2 if self.repeats else 1):
                    if given >= limit and self.limits:
                        return
                    given += 1
                    yield {"id": f"{self.prefix and next(COUNT)}{post['id']}"}
                page = found["next"]
                if self.saves and page:
                    saved = {"page": page} | ({"all": "x" * 300_000} if self.huge else {})
                    await self.context.save_checkpoint(saved)


class GoodExtractor(DataExtractor):
    async def extract(self, raw_data: dict[str, Any]) -> DataItem:
        if not isinstance(raw_data.get("id"), str) or not raw_data["id"]:
            raise ValueError("a record needs an id")
        return self.item(raw_data)

    def item(self, record: dict[str, Any], **fields: Any) -> DataItem:
        given = {"id": f"good_{record['id']}", "platform": "good", "content": "x", **fields}
        return DataItem(**given)


class GoodAdapterContract(PlatformAdapterContract):
    adapter = GoodAdapter
    extractor = GoodExtractor
    keywords = ["x"]
    accounts = ["a"]

    def site(self) -> RecordedSite:
        pages = {f"/posts?page={n}": json.dumps(page) for n, page in enumerate(PAGES, 1)}
        return RecordedSite(pages)


class GoodExtractorContract(DataExtractorContract):
    extractor = GoodExtractor
    platform = "good"

    def records(self) -> Sequence[dict[str, Any]]:
        return [{"id": "1", "text": "one"}, {"id": "2"}]


class GoodStorage(StorageAdapter):
    """Keeps its items in a table of this module, by directory."""

    async def save(self, items: Sequence[DataItem]) -> bool:
        stored = self.stored()
        stored += [(self.context.task_id, item) for item in items]
        self.keep(stored)
        return True

    async def known(self, ids: Sequence[str]) -> set[str]:
        mine = {item.id for task, item in self.stored() if task == self.context.task_id}
        return mine & set(ids)

    async def query(self, filters: Mapping[str, Any]) -> list[DataItem]:
        wanted = {name: value for name, value in filters.items() if name != "limit"}
        found = [
            item
            for task, item in self.unique()
            if all(
                (task if name == "task_id" else getattr(item, name)) == value
                for name, value in wanted.items()
            )
        ]
        return found[: filters.get("limit", 100)]

    def unique(self) -> list[tuple[str, DataItem]]:
        return list({(i.platform, i.id): (task, i) for task, i in self.stored()}.values())

    def stored(self) -> list[tuple[str, DataItem]]:
        return list(SHELVES.get(self.context.output_dir, []))

    def keep(self, stored: list[tuple[str, DataItem]]) -> None:
        SHELVES[self.context.output_dir] = stored


SHELVES: dict[Path, list[tuple[str, DataItem]]] = {}


class GoodStorageContract(StorageAdapterContract):
    storage = GoodStorage


def adapter(**faults: Any) -> type:
    """The contract of the good adapter with a fault."""
    kind = type("Faulty", (GoodAdapter,), faults)
    return type("Contract", (GoodAdapterContract,), {"adapter": kind})


def extractor(**faults: Any) -> type:
    kind = type("Faulty", (GoodExtractor,), faults)
    return type("Contract", (GoodExtractorContract,), {"extractor": kind})


def storage(**faults: Any) -> type:
    kind = type("Faulty", (GoodStorage,), faults)
    return type("Contract", (GoodStorageContract,), {"storage": kind})


async def _no_generator(self: Any, keywords: Any, options: Any) -> Any:
    return []


def made(**fields: Any) -> Callable[..., Any]:
    """An `item` method that gives these fields."""

    def item(self: Any, record: Any, **_: Any) -> DataItem:
        return GoodExtractor.item(self, record, **fields)

    return item


async def _changes_its_record(self: Any, raw_data: dict[str, Any]) -> DataItem:
    made = await GoodExtractor.extract(self, raw_data)
    raw_data.clear()
    return made


async def _counts(self: Any, raw_data: dict[str, Any]) -> DataItem:
    item = await GoodExtractor.extract(self, raw_data)
    item.id = f"good_{next(COUNT)}"
    return item


async def _crashes(self: Any, raw_data: dict[str, Any]) -> DataItem:
    if "text" in raw_data and not isinstance(raw_data["text"], str):
        raise RuntimeError("what is this?")
    return await GoodExtractor.extract(self, raw_data)


async def _takes_anything(self: Any, raw_data: dict[str, Any]) -> DataItem:
    return GoodExtractor.item(self, {"id": raw_data.get("id", "none")})


async def _says_no(self: Any, items: Any) -> bool:
    await GoodStorage.save(self, items)
    return False


async def _keeps_a_little(self: Any, items: Any) -> bool:
    return await GoodStorage.save(self, items[:100])


async def _forgets_fields(self: Any, filters: Any) -> list[DataItem]:
    found = await GoodStorage.query(self, filters)
    return [DataItem(id=i.id, platform=i.platform, content=i.content) for i in found]


async def _finds_all(self: Any, filters: Any) -> list[DataItem]:
    return [item for _, item in self.unique()]


async def _knows_all(self: Any, ids: Any) -> set[str]:
    return set(ids)


async def _writes_where_told(self: Any, items: Any) -> bool:
    stray = self.context.output_dir / f"{self.context.task_id[:100]}.txt".replace("\x00", "")
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_text("x")
    return await GoodStorage.save(self, items)


FAULTS = [
    (adapter(search=_no_generator), "test_the_engine_takes_the_class", "async generator"),
    (adapter(platform_name=""), "test_the_engine_takes_the_class", "platform_name"),
    (adapter(platform_name="a b"), "test_the_engine_takes_the_class", "letters"),
    (adapter(repeats=True), "test_a_search_gives_items", "given twice"),
    (adapter(platform_name="other"), "test_a_search_gives_items", "not 'other'"),
    (adapter(repeats=True), "test_accounts_give_items", "given twice"),
    (adapter(limits=False), "test_accounts_give_items", "of each account"),
    (adapter(limits=False), "test_the_limit_of_a_search_is_exact", "stop at the limit"),
    (adapter(prefix="x"), "test_the_ids_stay_the_same", "the source's own id"),
    (adapter(saves=False), "test_a_retry_goes_on_at_the_checkpoint", "save_checkpoint"),
    (adapter(resumes=False), "test_a_retry_goes_on_at_the_checkpoint", "where the checkpoint says"),
    (adapter(huge=True), "test_a_retry_goes_on_at_the_checkpoint", "keep a cursor in it"),
    (adapter(closes=False), "test_a_run_may_end_early", "closed twice"),
    (adapter(tells=False), "test_refusals_are_errors", "refusal 'challenge'"),
    (
        type("Contract", (GoodExtractorContract,), {"extractor": str}),
        "test_the_engine_takes_the_class",
        "no subclass",
    ),
    (
        type("Contract", (GoodStorageContract,), {"storage": str}),
        "test_the_engine_takes_the_class",
        "no subclass",
    ),
    (extractor(item=made(platform="bad")), "test_every_record_is_an_item", "not 'good'"),
    (extractor(item=made(id="1")), "test_every_record_is_an_item", "the source's own id"),
    (extractor(item=made(id="good_1")), "test_every_record_is_an_item", "the same id"),
    (extractor(validate=lambda *_: False), "test_every_record_is_an_item", "is no item"),
    (extractor(extract=_changes_its_record), "test_the_same_record_is_the_same_item", "copy it"),
    (extractor(extract=_counts), "test_the_same_record_is_the_same_item", "different items"),
    (extractor(item=made(created_at="yesterday")), "test_times_are_utc", "ISO 8601"),
    (extractor(item=made(created_at="2026-01-31T08:00:00")), "test_times_are_utc", "UTC"),
    (
        extractor(item=made(metadata={"likes": "1,234"})),
        "test_counters_are_numbers",
        "a whole number",
    ),
    (extractor(extract=_crashes), "test_a_strange_record_is_left_out_or_read", "ValueError"),
    (extractor(extract=_takes_anything), "test_nothing_is_no_item", "raise ValueError"),
    (storage(save=_says_no), "test_what_is_saved_is_found", "not True"),
    (storage(query=_forgets_fields), "test_what_is_saved_is_found", "field title"),
    (storage(unique=GoodStorage.stored), "test_saving_twice_leaves_one", "identity is"),
    (storage(query=_finds_all), "test_filters_are_equality", "query"),
    (storage(known=StorageAdapter.known), "test_known_items_are_known", "only_new"),
    (storage(known=_knows_all), "test_known_items_are_known", "only_new"),
    (storage(save=_keeps_a_little), "test_many_and_none", "500 items"),
    (storage(save=_writes_where_told), "test_names_of_tasks_lead_nowhere", "outside"),
    (storage(query=_finds_all), "test_names_of_tasks_lead_nowhere", "task"),
]
GOOD = [GoodAdapterContract, GoodExtractorContract, GoodStorageContract]


def checks(contract: type) -> list[str]:
    return [name for name in dir(contract) if name.startswith("test_")]


def run(contract: type, name: str, tmp_path: Path) -> None:
    SHELVES.clear()
    method = getattr(contract(), name)
    method(*([tmp_path] if inspect.signature(method).parameters else []))


@pytest.mark.parametrize(
    ("contract", "name"), [(contract, name) for contract in GOOD for name in checks(contract)]
)
def test_a_good_plugin_passes(contract: type, name: str, tmp_path: Path) -> None:
    run(contract, name, tmp_path)


@pytest.mark.parametrize(("contract", "name", "words"), FAULTS)
def test_a_fault_is_found(contract: type, name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, RuntimeError), match=words):
        run(contract, name, tmp_path)


def test_every_check_has_a_fault_that_it_finds() -> None:
    found = {(contract.__mro__[1], name) for contract, name, _ in FAULTS}
    assert found == {(contract, name) for contract in GOOD for name in checks(contract)}


def test_pytest_is_not_needed_to_import_the_package() -> None:
    import subprocess
    import sys

    code = "import sys, hotstream_reactive.testing; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
