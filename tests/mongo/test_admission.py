"""Documents that cannot stand in the queue are put in order, or refused with a reason."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from bson import Int64, encode
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from shelf import T0, Document, orderly, stores_of

from hotstream_reactive.engine.events import Event, Events
from hotstream_reactive.engine.intake import Intake
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.stores import MongoStores

pytestmark = pytest.mark.anyio
Tasks = Database[Document]
PAST = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def stores(mongo: Mongo) -> MongoStores:
    return stores_of(mongo)


class Desk:
    """Intake with what it told."""

    def __init__(self, stores: MongoStores) -> None:
        self.events: list[Event] = []
        self.admitted = 0
        self.done = anyio.Event()
        events = Events()
        events.listen(self.events.append)
        self.intake = Intake(stores.admission, events, admitted=self._count)

    def _count(self) -> None:
        self.admitted += 1
        self.done.set()


@pytest.mark.parametrize("hinted", [True, False])
async def test_what_nothing_had_hinted_at_is_told(
    stores: MongoStores, sync_database: Tasks, hinted: bool
) -> None:
    desk = Desk(stores)
    sync_database.tasks.insert_many([without("priority") | {"_id": n, "task_id": n} for n in "ab"])
    desk.intake.want(hinted=False)
    if hinted:
        desk.intake.want()
    async with anyio.create_task_group() as group:
        group.start_soon(desk.intake.run)
        await desk.done.wait()
        group.cancel_scope.cancel()
    told = [event.details for event in desk.events if event.action == "sweep_found"]
    assert told == ([] if hinted else [{"tasks": 2}])


@pytest.fixture
def desk(stores: MongoStores) -> Desk:
    return Desk(stores)


def without(*fields: str) -> Document:
    return {name: value for name, value in orderly("a").items() if name not in fields}


@pytest.mark.parametrize(
    "document",
    [
        without("status"),
        orderly("a", status=None),
        without("priority"),
        orderly("a", priority=None),
        without("immediate"),
        orderly("a", immediate=None),
        without("created_at"),
        orderly("a", created_at=None),
        orderly("a", created_at="2025-05-30T12:38:00Z"),
        orderly("a", run_at="2020-01-01T00:00:00Z"),
        without("status", "priority", "immediate", "created_at"),
        without("priority") | {"run_at": PAST},
    ],
    ids=lambda document: ",".join(sorted(orderly("a").keys() - document.keys())) or "odd value",
)
async def test_what_can_be_understood_is_put_in_order(
    desk: Desk, stores: MongoStores, sync_database: Tasks, document: Document
) -> None:
    sync_database.tasks.insert_one(document)
    assert await desk.intake.run_once() == 1
    assert desk.admitted == 1
    assert [event.action for event in desk.events] == ["admitted"]
    stored = sync_database.tasks.find_one({"_id": "a"})
    assert stored
    assert (stored["status"], stored["priority"], stored["immediate"]) == (0, 5, False)
    assert isinstance(stored["created_at"], datetime)
    assert await desk.intake.run_once() == 0
    documents, _ = await stores.claims.claim_batch(5)
    assert [claimed["task_id"] for claimed in documents] == ["a"]


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"status": "0"}, ["status: '0'", "an integer from 0 to 4"]),
        ({"status": False}, ["status: False"]),
        ({"status": math.nan}, ["status: nan"]),
        ({"status": {"$gt": 1}}, ["status: {'$gt': 1}"]),
        ({"status": T0}, ["status: datetime"]),
        ({"status": 5}, ["status: 5"]),
        ({"status": 2.5}, ["status: 2.5"]),
        ({"status": -1}, ["status: -1"]),
        ({"priority": "high"}, ["priority: 'high'", "an integer from 1 to 10"]),
        ({"priority": math.nan}, ["priority: nan"]),
        ({"priority": math.inf}, ["priority: inf"]),
        ({"priority": -5}, ["priority: -5"]),
        ({"priority": {}}, ["priority: {}"]),
        ({"priority": True}, ["priority: True"]),
        ({"immediate": "yes"}, ["immediate: 'yes'", "true or false"]),
        ({"immediate": 1}, ["immediate: 1"]),
        ({"created_at": "yesterday"}, ["created_at: 'yesterday'", "a date"]),
        ({"created_at": 1748608680}, ["created_at: 1748608680", "a date"]),
        ({"run_at": "tomorrow"}, ["run_at: 'tomorrow'", "a date"]),
        ({"run_at": "0001-01-01T00:00:00+14:00"}, ["run_at: ", "a date"]),
        ({"run_at": {"$date": "2025"}}, ["run_at: {'$date': '2025'}"]),
    ],
    ids=lambda v: str(v)[:40] if isinstance(v, dict) else "",
)
async def test_what_cannot_be_understood_is_refused_and_left_as_written(
    desk: Desk, sync_database: Tasks, fields: Document, parts: list[str]
) -> None:
    given = orderly("a", **fields, extra={"$mine": "$status"})
    sync_database.tasks.insert_one(given)
    assert await desk.intake.run_once() == 1
    stored = sync_database.tasks.find_one({"_id": "a"})
    assert stored
    assert stored["status"] == 3
    for part in parts:
        assert part in stored["error_message"]
    assert stored["completed_at"]
    ours = {"status"} if isinstance(given["created_at"], str | int) else {"status", "created_at"}
    assert {k: repr(stored[k]) for k in given if k not in ours} == {
        k: repr(v) for k, v in given.items() if k not in ours
    }
    assert [event.action for event in desk.events] == ["refused"]
    assert desk.admitted == 0
    assert await desk.intake.run_once() == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"status": 0},
        {"status": Int64(0), "priority": Decimal128("5")},
        {"status": 0.0, "priority": 5.0},
        {"run_at": DatetimeMS(2**60)},
        {"run_at": None},
        {"status": 1, "priority": None},
        {"status": 2, "priority": "high"},
        {"status": 3, "created_at": None},
        {"status": 4, "immediate": "x"},
    ],
    ids=str,
)
async def test_what_is_in_order_or_ended_is_left_alone(
    desk: Desk, sync_database: Tasks, fields: Document
) -> None:
    sync_database.tasks.insert_one(orderly("a", **fields))
    assert await desk.intake.run_once() == 0
    assert desk.events == []


@pytest.mark.parametrize(
    ("given", "edit"),
    [
        ({"priority": "high"}, {"priority": 2}),
        ({"status": "new"}, {"status": 4}),
        ({"priority": None}, {"priority": 1}),
        ({"run_at": "soon"}, {"run_at": PAST}),
        ({"priority": math.nan}, {"status": 2}),
    ],
    ids=str,
)
async def test_an_edit_between_reading_and_writing_wins(
    stores: MongoStores, sync_database: Tasks, given: Document, edit: Document
) -> None:
    sync_database.tasks.insert_one(orderly("a", **given))
    [document] = await stores.admission.disorderly(10)
    sync_database.tasks.update_one({"_id": "a"}, {"$set": edit})
    before = sync_database.tasks.find_one({"_id": "a"})
    assert not await stores.admission.refuse(document, "no")
    assert not await stores.admission.put_in_order(document, {"priority": 5})
    assert str(sync_database.tasks.find_one({"_id": "a"})) == str(before)


@pytest.mark.parametrize(
    "value", [math.nan, {"$gt": 1}, [], None, "$status", Decimal128("NaN"), b"\xff"], ids=repr
)
async def test_an_unchanged_document_is_recognised_whatever_it_holds(
    stores: MongoStores, sync_database: Tasks, value: Any
) -> None:
    sync_database.tasks.insert_one(orderly("a", priority=value, run_at="x"))
    [document] = await stores.admission.disorderly(10)
    assert await stores.admission.refuse(document, "$no")
    stored = sync_database.tasks.find_one({"_id": "a"})
    assert stored
    assert stored["error_message"] == "$no"


def broken_text(task_id: str, field: str) -> RawBSONDocument:
    """A document whose text in `field` is no UTF-8: drivers of other languages write such."""
    raw = encode(orderly(task_id, **{field: "QQQQ"}))
    return RawBSONDocument(raw.replace(b"QQQQ\x00", b"\xff\xfe\x80\xff\x00", 1))


@pytest.mark.parametrize("field", ["status", "priority", "created_at", "run_at"])
async def test_broken_utf8_is_refused_like_any_other_text(
    desk: Desk, sync_database: Tasks, field: str
) -> None:
    sync_database.tasks.insert_many([broken_text("a", field), without("priority") | {"_id": "b"}])
    await desk.intake.run_once()
    assert sync_database.tasks.count_documents({"_id": "a", "status": 3}) == 1
    assert sync_database.tasks.count_documents({"_id": "b", "priority": 5}) == 1


def nested(levels: int) -> Document:
    table: Document = {}
    for _ in range(levels):
        table = {"a": table}
    return table


@pytest.mark.parametrize(
    "fields",
    [
        {"status": nested(170)},
        {"status": "x" * (16 * 1024 * 1024 - 1000)},
        {"options": nested(150), "priority": None},
        {"priority": "x" * 8_000_000, "run_at": "y" * 8_000_000},
    ],
    ids=["deep", "huge", "deep options", "two huge"],
)
async def test_one_extreme_document_does_not_stop_the_others(
    desk: Desk, sync_database: Tasks, fields: Document
) -> None:
    sync_database.tasks.insert_one(orderly("a", **fields))
    sync_database.tasks.insert_one(without("priority") | {"_id": "b", "task_id": "b"})
    await desk.intake.run_once()
    assert sync_database.tasks.count_documents({"_id": "b", "priority": 5}) == 1
    assert sync_database.tasks.count_documents({"_id": "a", "status": 3}) == 1


async def test_five_hundred_and_more_are_treated_in_portions(
    desk: Desk, sync_database: Tasks
) -> None:
    documents = [{**without("priority"), "_id": n, "task_id": f"t{n}"} for n in range(620)]
    sync_database.tasks.insert_many(documents)
    assert await desk.intake.run_once() == 500
    assert await desk.intake.run_once() == 120
    assert sync_database.tasks.count_documents({"priority": 5}) == 620
