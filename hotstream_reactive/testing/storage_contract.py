"""What a run relies on in a storage, as tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import anyio

from hotstream_reactive.errors import PluginError
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.plugins import STORAGES, check
from hotstream_reactive.storages.base import StorageAdapter, StorageContext
from hotstream_reactive.testing.demand import demand, skip

_TEXT = 'Zeile 1\nline "2", it\'s; a,b\t日本語 中文 🇨🇳 \u2028 =1+1 <b>&amp;</b>\\'
_MANY = 500


class StorageAdapterContract:
    """Subclass this, name the class ``Test…``, and fill in what it asks for.

    Attributes:
        storage: the class under test.
        keeps_fields: fields of an item that come back as they were given. A storage for people,
            e.g. of spreadsheets, may keep fewer.
        knows_its_items: whether `known` tells what was stored; needed for `options.only_new`.
    """

    storage: ClassVar[type[StorageAdapter]]
    keeps_fields: ClassVar[tuple[str, ...]] = DataItem.__struct_fields__
    knows_its_items: ClassVar[bool] = True

    @asynccontextmanager
    async def opened(self, directory: Path, task_id: str) -> AsyncIterator[StorageAdapter]:
        """A storage for a run of this task; all of one directory share what is stored."""
        made = self.storage()
        made.context = StorageContext(task_id=task_id, output_dir=directory)
        try:
            yield made
        finally:
            await made.close()

    def test_the_engine_takes_the_class(self) -> None:
        """It has all its methods."""
        name = getattr(self.storage, "storage_type", "") or self.storage.__name__
        try:
            check(name, STORAGES, self.storage)
        except PluginError as error:
            raise AssertionError(str(error)) from error

    def test_what_is_saved_is_found(self, tmp_path: Path) -> None:
        """With all its fields, also those that are not there; a new storage finds it too."""
        full = _item(
            1,
            content=_TEXT,
            title="Titel 标题",
            author='作者, "A"',
            url="https://example.com/?a=1&b=2",
            created_at="2026-01-31T08:00:00Z",
            metadata={"likes": 0, "views": 2**53 + 1, "tags": ["a", "标签"], "locked": True},
            raw_data={"deep": [{"er": None}], "float": 0.1},
        )
        bare = _item(2, content="")

        async def act() -> None:
            async with self.opened(tmp_path, "task") as storage:
                demand(await storage.save([full, bare]) is True, "save() gave not True")
            async with self.opened(tmp_path, "task") as storage:
                found = {item.id: item for item in await storage.query({})}
            demand(len(found) == 2, f"2 items were saved and {len(found)} found: {sorted(found)}")
            for item in (full, bare):
                for name in self.keeps_fields:
                    given, got = getattr(item, name), getattr(found[item.id], name)
                    demand(given == got, f"field {name} of {item.id!r}: {got!r}, not {given!r}")

        anyio.run(act)

    def test_saving_twice_leaves_one(self, tmp_path: Path) -> None:
        """In one batch, in the next, and in the next run; other platforms have ids of their own."""

        async def act() -> None:
            for _ in range(2):
                async with self.opened(tmp_path, "task") as storage:
                    await storage.save([_item(1), _item(1), _item(2)])
                    await storage.save([_item(1), _item(1, platform="other")])
            async with self.opened(tmp_path, "task") as storage:
                found = sorted((item.platform, item.id) for item in await storage.query({}))
            wanted = [("other", "a_1"), ("some", "a_1"), ("some", "a_2")]
            demand(
                found == wanted, f"stored are {found}, not {wanted}: identity is platform and id"
            )

        anyio.run(act)

    def test_filters_are_equality(self, tmp_path: Path) -> None:
        """On `platform`, `author`, `id`, `task_id`; `limit` caps; a filter is never a query."""

        async def act() -> None:
            await self._two_tasks(tmp_path)
            async with self.opened(tmp_path, "first") as storage:
                for filters, wanted in (
                    ({}, "a_1 a_2 a_3"),
                    ({"platform": "some"}, "a_1 a_2"),
                    ({"author": "安"}, "a_1"),
                    ({"id": "a_3"}, "a_3"),
                    ({"task_id": "first"}, "a_1 a_2"),
                    ({"task_id": "second", "platform": "other"}, "a_3"),
                    ({"platform": "nowhere"}, ""),
                    ({"author": '{"$ne": null}'}, ""),
                ):
                    found = sorted(item.id for item in await storage.query(filters))
                    demand(
                        found == wanted.split(), f"query({filters}) found {found}, not [{wanted}]"
                    )
                capped = await storage.query({"limit": 2})
                demand(len(capped) == 2, f"query with limit 2 found {len(capped)} items")

        anyio.run(act)

    def test_known_items_are_known(self, tmp_path: Path) -> None:
        """`known` names those of the given ids that this task has stored."""
        if not self.knows_its_items:
            skip("knows_its_items is False")

        async def act() -> None:
            await self._two_tasks(tmp_path)
            async with self.opened(tmp_path, "first") as storage:
                known = await storage.known(["a_1", "a_3", "a_9"])
                demand(
                    known == {"a_1"},
                    f"known(['a_1', 'a_3', 'a_9']) gave {known}, not {{'a_1'}}: "
                    "tasks with options.only_new would bring home the same again",
                )

        anyio.run(act)

    def test_many_and_none(self, tmp_path: Path) -> None:
        """A large batch is stored whole; an empty one is no fault, nor is closing twice."""

        async def act() -> None:
            async with self.opened(tmp_path, "task") as storage:
                demand(await storage.save([]) is True, "save([]) gave not True")
                await storage.save([_item(number) for number in range(_MANY)])
                found = await storage.query({"limit": _MANY + 1})
                demand(len(found) == _MANY, f"{_MANY} items were saved and {len(found)} found")
                await storage.close()

        anyio.run(act)

    def test_names_of_tasks_lead_nowhere(self, tmp_path: Path) -> None:
        """Files stay in `output_dir`, and no two tasks share what they stored."""
        output = tmp_path / "a" / "output"
        names = ["../../x", "/x", "a/b", "a_b", "..", "", "x" * 300, "任务", "a\x00b", "-rf"]

        async def act() -> None:
            for number, name in enumerate(names):
                async with self.opened(output, name) as storage:
                    await storage.save([_item(number)])
            for number, name in enumerate(names):
                async with self.opened(output, name) as storage:
                    found = [item.id for item in await storage.query({"task_id": name})]
                demand(found == [f"a_{number}"], f"task {name!r} has {found}, not a_{number}")

        anyio.run(act)
        strays = [
            path for path in tmp_path.rglob("*") if path.is_file() and output not in path.parents
        ]
        demand(not strays, f"files outside of output_dir: {strays}")

    async def _two_tasks(self, directory: Path) -> None:
        async with self.opened(directory, "first") as storage:
            await storage.save([_item(1, author="安"), _item(2)])
        async with self.opened(directory, "second") as storage:
            await storage.save([_item(3, platform="other")])


def _item(number: int, **fields: Any) -> DataItem:
    return DataItem(**{"id": f"a_{number}", "platform": "some", "content": "text", **fields})
