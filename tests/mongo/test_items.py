"""Saving twice leaves one item, and a worker that lost its task can store none."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from pymongo.database import Database
from shelf import Document, orderly, stores_of

from hotstream_reactive.errors import DatabaseError, LeaseLost
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.items import LARGEST_ITEM_BYTES, ItemStore
from hotstream_reactive.mongo.stores import MongoStores

pytestmark = pytest.mark.anyio
Tasks = Database[Document]


@pytest.fixture
def stores(indexed: Mongo) -> MongoStores:
    return stores_of(indexed)


@pytest.fixture
def items(stores: MongoStores) -> ItemStore:
    return stores.items


def item(number: int, **fields: Any) -> DataItem:
    return DataItem(
        **{"id": f"lab_{number}", "platform": "lab", "content": f"text {number}", **fields}
    )


async def claimed(stores: MongoStores, database: Tasks, name: str) -> tuple[str, str]:
    database.tasks.insert_one(orderly(name))
    document = await stores.claims.claim_one(name)
    assert document
    return name, document["lease_id"]


async def test_an_item_is_stored_with_the_fields_of_the_contract(
    items: ItemStore, sync_database: Tasks
) -> None:
    given = item(
        1,
        author="@a",
        url="https://x/1",
        title="T",
        created_at="2025-05-30T12:38:00Z",
        metadata={"likes": 3, "$odd": "$x"},
        raw_data={"a.b": [1]},
    )
    await items.save([given], task_id="t1", lease=None)
    stored = sync_database.data_items.find_one({}, {"_id": 0})
    assert stored
    assert stored.pop("saved_at")
    assert stored == {
        "id": "lab_1",
        "platform": "lab",
        "content": "text 1",
        "author": "@a",
        "url": "https://x/1",
        "title": "T",
        "created_at": "2025-05-30T12:38:00Z",
        "metadata": {"likes": 3, "$odd": "$x"},
        "raw_data": {"a.b": [1]},
        "task_id": "t1",
        "task_ids": ["t1"],
    }


async def test_saving_twice_is_one_item_with_the_newer_values(
    items: ItemStore, sync_database: Tasks
) -> None:
    await items.save([item(1), item(2), item(1)], task_id="t1", lease=None)
    await items.save([item(1, metadata={"likes": 9}), item(3)], task_id="t2", lease=None)
    assert sync_database.data_items.count_documents({}) == 3
    stored = sync_database.data_items.find_one({"id": "lab_1"})
    assert stored
    assert stored["metadata"] == {"likes": 9}
    assert stored["task_ids"] == ["t1", "t2"]


async def test_ids_of_two_platforms_are_two_items(items: ItemStore, sync_database: Tasks) -> None:
    await items.save([item(1), item(1, platform="other")], task_id="t", lease=None)
    assert sync_database.data_items.count_documents({}) == 2


async def test_the_owner_of_the_lease_can_store(stores: MongoStores, sync_database: Tasks) -> None:
    lease = await claimed(stores, sync_database, "a")
    await stores.items.save([item(n) for n in range(50)], task_id="a", lease=lease)
    assert sync_database.data_items.count_documents({"task_id": "a"}) == 50


@pytest.mark.parametrize(
    "loss",
    [
        {"$set": {"status": 0}},
        {"$set": {"status": 4}},
        {"$set": {"status": 2}},
        {"$set": {"lease_id": "other"}},
        "deleted",
    ],
    ids=str,
)
async def test_with_a_lost_lease_nothing_is_stored(
    stores: MongoStores, sync_database: Tasks, loss: Any
) -> None:
    lease = await claimed(stores, sync_database, "a")
    await stores.items.save([item(1)], task_id="a", lease=lease)
    if loss == "deleted":
        sync_database.tasks.delete_one({"_id": "a"})
    else:
        sync_database.tasks.update_one({"_id": "a"}, loss)
    with pytest.raises(LeaseLost):
        await stores.items.save([item(1, content="late"), item(2)], task_id="a", lease=lease)
    assert [d["content"] for d in sync_database.data_items.find()] == ["text 1"]


async def test_a_loss_in_the_middle_of_storing_stores_all_or_nothing(
    stores: MongoStores, sync_database: Tasks
) -> None:
    for round_number in range(10):
        name = f"t{round_number}"
        lease = await claimed(stores, sync_database, name)
        batch = [item(n, id=f"{name}_{n}") for n in range(100)]
        outcome: list[bool] = []

        async def store(
            lease: Any = lease, batch: Any = batch, outcome: list[bool] = outcome
        ) -> None:
            try:
                await stores.items.save(batch, task_id=lease[0], lease=lease)
            except LeaseLost:
                outcome.append(False)
            else:
                outcome.append(True)

        async with anyio.create_task_group() as group:
            group.start_soon(store)
            for _ in range(round_number):
                await anyio.lowlevel.checkpoint()
            await anyio.to_thread.run_sync(
                lambda name=name: sync_database.tasks.update_one(
                    {"_id": name}, {"$set": {"status": 0, "lease_id": None}}
                )
            )
        stored = sync_database.data_items.count_documents({"task_id": name})
        assert stored == (100 if outcome == [True] else 0)


async def test_two_tasks_that_save_the_same_items_at_once_both_succeed(
    connect: Any, stores: MongoStores, sync_database: Tasks
) -> None:
    writers = []
    for n in range(4):
        own = stores_of(await connect(), f"w{n}")
        writers.append((own, await claimed(own, sync_database, f"t{n}")))
    batch = [item(n) for n in range(40)]

    async def store(own: MongoStores, lease: tuple[str, str]) -> None:
        for start in range(0, 40, 10):
            await own.items.save(batch[start : start + 10], task_id=lease[0], lease=lease)

    async with anyio.create_task_group() as group:
        for own, lease in writers:
            group.start_soon(store, own, lease)
    stored = list(sync_database.data_items.find())
    assert len(stored) == 40
    assert all(sorted(document["task_ids"]) == ["t0", "t1", "t2", "t3"] for document in stored)


async def test_raw_data_too_large_for_a_document_is_left_out(
    items: ItemStore, sync_database: Tasks
) -> None:
    huge = item(1, raw_data={"html": "x" * (LARGEST_ITEM_BYTES + 1)})
    await items.save([huge, item(2)], task_id="t", lease=None)
    stored = {d["id"]: d for d in sync_database.data_items.find()}
    assert stored["lab_1"]["content"] == "text 1"
    assert "left_out" in stored["lab_1"]["raw_data"]
    assert stored["lab_2"]


@pytest.mark.fault("G3", "item that fits in no document")
@pytest.mark.parametrize(
    "fields",
    [
        {"content": "x" * (17 * 1024 * 1024)},
        {"metadata": {"m": "x" * (17 * 1024 * 1024)}},
    ],
    ids=["content", "metadata"],
)
async def test_an_item_that_fits_in_no_document_does_not_take_the_others_with_it(
    stores: MongoStores, sync_database: Tasks, fields: Document
) -> None:
    lease = await claimed(stores, sync_database, "a")
    await stores.items.save([item(1), item(2, **fields), item(3)], task_id="a", lease=lease)
    assert {"lab_1", "lab_3"} <= {d["id"] for d in sync_database.data_items.find()}


async def test_a_hundred_large_items_fit_in_one_batch(
    stores: MongoStores, sync_database: Tasks
) -> None:
    lease = await claimed(stores, sync_database, "a")
    batch = [item(n, raw_data={"html": "x" * 400_000}) for n in range(100)]
    await stores.items.save(batch, task_id="a", lease=lease)
    assert sync_database.data_items.count_documents({}) == 100


async def test_items_are_found_by_equality_only(items: ItemStore) -> None:
    await items.save([item(1, author="@a"), item(2, author="@b")], task_id="t1", lease=None)
    await items.save([item(3, author="@a"), item(1, author="@a")], task_id="t2", lease=None)
    found = await items.find({"author": "@a"}, limit=10)
    assert [document["id"] for document in found] == ["lab_3", "lab_1"]
    assert [d["id"] for d in await items.find({"task_id": "t1"}, limit=10)] == ["lab_2", "lab_1"]
    assert len(await items.find({}, limit=2)) == 2
    assert await items.find({"author": {"$ne": None}}, limit=10) == []
    assert [d["id"] for d in await items.search("TEXT 2", {}, limit=10)] == ["lab_2"]
    assert await items.search(".*", {}, limit=10) == []


@pytest.mark.fault("G4", "insert of items fails half-way")
async def test_a_fault_in_the_middle_stores_all_in_the_end(
    connect: Any, failing_server: Any, failing_database: Tasks, failing: Any
) -> None:
    stores = stores_of(await connect(failing_server.uri))
    lease = await claimed(stores, failing_database, "a")
    batch = [item(n) for n in range(20)]
    for commands, fault in (
        (["update"], {"closeConnection": True}),
        (["commitTransaction"], {"closeConnection": True}),
        (["commitTransaction"], {"writeConcernError": {"code": 91, "errmsg": "down"}}),
        (["update"], {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}),
    ):
        with failing(commands, **fault):
            try:
                await stores.items.save(batch, task_id="a", lease=lease)
            except DatabaseError:
                await stores.items.save(batch, task_id="a", lease=lease)
    assert failing_database.data_items.count_documents({}) == 20
