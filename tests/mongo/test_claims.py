"""A claim makes exactly one worker the owner, in queue order, and never too early."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from bson import Int64
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from pymongo.database import Database
from shelf import T0, Document, orderly, stores_of, until

from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.model.task import admit
from hotstream_reactive.mongo.claims import Claims

pytestmark = pytest.mark.anyio
Tasks = Database[Document]
PAST = datetime(2020, 1, 1, tzinfo=UTC)
SOON = timedelta(milliseconds=400)


async def claimed_ids(claims: Claims, limit: int, **how: Any) -> list[str]:
    documents, _ = await claims.claim_batch(limit, **how)
    return [document["task_id"] for document in documents]


async def test_a_claim_sets_owner_lease_times_and_defaults(
    claims: Claims, sync_database: Tasks
) -> None:
    sync_database.tasks.insert_one({"_id": 1, "task_id": "a", "platform": "lab", "status": 0})
    before = datetime.now(UTC) - timedelta(seconds=5)
    document = await claims.claim_one(1)
    stored = sync_database.tasks.find_one({"_id": 1})
    assert document
    assert stored
    assert stored["status"] == 1
    assert stored["worker_id"] == "w1"
    assert stored["lease_id"] == document["lease_id"]
    assert stored["started_at"] == stored["last_heartbeat"] == stored["updated_at"]
    assert stored["started_at"].replace(tzinfo=UTC) > before
    expected = {
        "name": "a",
        "priority": 5,
        "immediate": False,
        "options": {},
        "storage_config": {},
        "retry_count": 3,
        "current_retry": 0,
        "rescues": 0,
        "run_number": 1,
        "timeout": 3600.0,
        "progress": 0.0,
        "result_count": 0,
        "checkpoint": {},
        "completed_at": None,
    }
    assert {name: stored[name] for name in expected} == expected
    assert "created_at" in stored
    assert admit({**document, "keywords": ["x"]}).run_number == 1


async def test_what_a_writer_gave_stays_as_it_is(claims: Claims, sync_database: Tasks) -> None:
    given = orderly(
        "a",
        name="N",
        priority=2,
        immediate=True,
        options={"limit": 7, "$odd": "$name"},
        storage_config={"type": "json"},
        retry_count=0,
        timeout=5,
        extra={"mine": "$status"},
    )
    sync_database.tasks.insert_one(given)
    await claims.claim_batch(1)
    stored = sync_database.tasks.find_one({"_id": "a"})
    assert stored
    changed = {"status", "created_at"}
    assert {k: stored[k] for k in given if k not in changed} == {
        k: v for k, v in given.items() if k not in changed
    }


@pytest.mark.parametrize("status", [1, 2, 3, 4])
async def test_only_pending_tasks_can_be_claimed(
    claims: Claims, sync_database: Tasks, status: int
) -> None:
    sync_database.tasks.insert_one(orderly("a", status=status))
    assert await claims.claim_one("a") is None
    assert await claims.claim_batch(5) == ([], False)
    assert await claims.claim_one("no such task") is None


@pytest.mark.parametrize("zero", [0, Int64(0), 0.0, -0.0, Decimal128("0")], ids=repr)
async def test_zero_of_any_numeric_type_is_pending(
    claims: Claims, sync_database: Tasks, zero: Any
) -> None:
    sync_database.tasks.insert_many([orderly("a", status=zero), orderly("b", status=zero)])
    assert await claims.claim_one("a")
    assert await claimed_ids(claims, 5) == ["b"]


async def test_twenty_claimers_have_one_winner(connect: Any, sync_database: Tasks) -> None:
    connections = [await connect() for _ in range(4)]
    claimers = [stores_of(connections[n % 4], worker_id=f"w{n}").claims for n in range(20)]
    for round_number in range(5):
        sync_database.tasks.insert_one(orderly(f"one{round_number}"))
        winners: list[str] = []

        async def claim(claims: Claims, task_id: str, winners: list[str] = winners) -> None:
            document = await claims.claim_one(task_id)
            if document is not None:
                winners.append(document["lease_id"])

        async with anyio.create_task_group() as group:
            for claims in claimers:
                group.start_soon(claim, claims, f"one{round_number}")
        stored = sync_database.tasks.find_one({"_id": f"one{round_number}"})
        assert stored
        assert winners == [stored["lease_id"]]
        assert stored["run_number"] == 1


async def test_batches_of_many_claimers_never_overlap(connect: Any, sync_database: Tasks) -> None:
    connections = [await connect() for _ in range(4)]
    sync_database.tasks.insert_many([orderly(f"t{n:03}", at=n) for n in range(200)])
    owners: Counter[str] = Counter()
    leases: set[str] = set()

    async def drain(claims: Claims) -> None:
        more = True
        while more:
            documents, more = await claims.claim_batch(7)
            owners.update(document["task_id"] for document in documents)
            leases.update(document["lease_id"] for document in documents)

    async with anyio.create_task_group() as group:
        for n in range(20):
            group.start_soon(drain, stores_of(connections[n % 4], worker_id=f"w{n}").claims)
    assert len(owners) == 200
    assert set(owners.values()) == {1}
    assert len(leases) == 200, "each task has a lease of its own"
    assert sync_database.tasks.count_documents({"status": 1, "run_number": 1}) == 200


async def test_the_queue_has_an_order(claims: Claims, sync_database: Tasks) -> None:
    sync_database.tasks.insert_many(
        [
            orderly("late", at=9),
            orderly("early", at=1),
            orderly("low", priority=9),
            orderly("high", priority=1, at=5),
            orderly("now-low", immediate=True, priority=9),
            orderly("now-high", immediate=True, priority=2),
        ]
    )
    assert await claimed_ids(claims, 4) == ["now-high", "now-low", "high", "early"]
    assert await claimed_ids(claims, 4) == ["late", "low"]


async def test_a_batch_says_whether_there_may_be_more(claims: Claims, sync_database: Tasks) -> None:
    sync_database.tasks.insert_many([orderly(f"t{n}") for n in range(5)])
    for expected in ((2, True), (2, True), (1, False), (0, False)):
        documents, more = await claims.claim_batch(2)
        assert (len(documents), more) == expected


async def test_urgent_only_leaves_the_rest(claims: Claims, sync_database: Tasks) -> None:
    sync_database.tasks.insert_many(
        [
            orderly("five"),
            orderly("four", priority=4),
            orderly("three", priority=3),
            orderly("one", priority=1),
            orderly("now", priority=10, immediate=True),
        ]
    )
    assert await claimed_ids(claims, 10, urgent_only=True) == ["now", "one", "three"]
    assert await claimed_ids(claims, 10, urgent_only=True) == []


async def test_a_delayed_task_waits_for_the_clock_of_the_server(
    claims: Claims, sync_database: Tasks
) -> None:
    [now] = sync_database.aggregate([{"$documents": [{"now": "$$NOW"}]}])
    due = now["now"].replace(tzinfo=UTC) + SOON
    sync_database.tasks.insert_many([orderly("a", run_at=due), orderly("b", run_at=due)])
    assert await claims.claim_one("a") is None
    assert await claims.claim_batch(5) == ([], False)
    wait_s = await claims.next_due_in()
    assert wait_s is not None
    assert 0 <= wait_s <= SOON.total_seconds()

    async def claim() -> Document | None:
        return await claims.claim_one("a")

    document = await until(claim)
    assert document["started_at"] >= due
    assert await claimed_ids(claims, 5) == ["b"]


async def test_due_tasks_stand_in_the_same_queue(claims: Claims, sync_database: Tasks) -> None:
    sync_database.tasks.insert_many(
        [
            orderly("ready-late", at=9),
            orderly("due-early", at=1, run_at=PAST),
            orderly("ready-null", at=5, run_at=None),
            orderly("due-high", priority=1, run_at=PAST),
            orderly("ready-high", priority=1, at=-5),
        ]
    )
    expected = ["ready-high", "due-high", "due-early", "ready-null", "ready-late"]
    assert await claimed_ids(claims, 5) == expected


@pytest.mark.parametrize(
    "field",
    [
        {"priority": None},
        {"priority": math.nan},
        {"priority": "high"},
        {"priority": 0},
        {"priority": -math.inf},
        {"priority": {}},
        {"immediate": None},
        {"immediate": "true"},
        {"immediate": 1},
        {"created_at": None},
        {"created_at": "2025-05-30"},
        {"run_at": "tomorrow"},
    ],
    ids=str,
)
async def test_what_cannot_be_sorted_does_not_jump_the_queue(
    claims: Claims, sync_database: Tasks, field: Document
) -> None:
    sync_database.tasks.insert_many([orderly("odd", **field), orderly("good", priority=10)])
    assert await claimed_ids(claims, 5) == ["good"]


@pytest.mark.parametrize(
    "field",
    [
        {"priority": Decimal128("5")},
        {"priority": Int64(5)},
        {"priority": 5.0},
        {"priority": [5]},
        {"immediate": [True]},
        {"created_at": [T0]},
        {"created_at": DatetimeMS(2**60)},
        {"created_at": DatetimeMS(-(2**60))},
        {"run_at": DatetimeMS(-(2**60))},
        {"run_at": [PAST]},
        {"status": [0]},
    ],
    ids=str,
)
async def test_odd_sort_keys_do_not_break_the_queue(
    claims: Claims, sync_database: Tasks, field: Document
) -> None:
    sync_database.tasks.insert_many(
        [orderly("before"), orderly("odd", **field), orderly("after"), orderly("due", run_at=PAST)]
    )
    claimed = await claimed_ids(claims, 10)
    assert {"before", "after", "due"} <= set(claimed)


async def test_a_run_at_beyond_the_calendar_does_not_break_the_timer(
    claims: Claims, sync_database: Tasks
) -> None:
    sync_database.tasks.insert_one(orderly("far", run_at=DatetimeMS(2**62)))
    assert (await claims.next_due_in() or 0) > 1e9
    soon = datetime.now(UTC) + timedelta(hours=1)
    sync_database.tasks.insert_one(orderly("near", run_at=soon))
    wait_s = await claims.next_due_in()
    assert wait_s is not None
    assert 3500 < wait_s < 3700
    assert await claims.claim_batch(5) == ([], False)


async def test_nothing_waits_for_a_time(claims: Claims, sync_database: Tasks) -> None:
    sync_database.tasks.insert_many(
        [orderly("a"), orderly("b", run_at="text"), orderly("c", status=2, run_at=PAST)]
    )
    assert await claims.next_due_in() is None


async def test_a_task_put_back_to_pending_begins_a_new_life(
    claims: Claims, sync_database: Tasks
) -> None:
    old = {
        "current_retry": 3,
        "rescues": 2,
        "checkpoint": {"page": 7},
        "run_number": 4,
        "result_count": 9,
    }
    sync_database.tasks.insert_many(
        [orderly("ended", completed_at=PAST, **old), orderly("retried", **old)]
    )
    documents, _ = await claims.claim_batch(2)
    ended, retried = sorted(documents, key=lambda d: d["task_id"])
    assert (ended["current_retry"], ended["rescues"], ended["checkpoint"]) == (0, 0, {})
    assert (retried["current_retry"], retried["rescues"], retried["checkpoint"]) == (
        3,
        2,
        {"page": 7},
    )
    assert ended["run_number"] == retried["run_number"] == 5
    assert sync_database.tasks.count_documents({"result_count": 0, "completed_at": None}) == 2


async def test_a_worker_id_is_only_a_name(mongo: Any, sync_database: Tasks) -> None:
    sync_database.tasks.insert_many([orderly("a"), orderly("b")])
    await stores_of(mongo, "$name").claims.claim_one("a")
    await stores_of(mongo, "$$NOW").claims.claim_batch(1)
    owners = [document["worker_id"] for document in sync_database.tasks.find(sort=[("_id", 1)])]
    assert owners == ["$name", "$$NOW"]


@pytest.mark.parametrize(
    "document_id",
    [1, 1.5, "text", {"a": 1, "b": {"c": [2]}}, b"\x00\xff", True, None, T0, math.nan],
    ids=repr,
)
async def test_any_id_can_be_claimed(
    claims: Claims, sync_database: Tasks, document_id: Any
) -> None:
    sync_database.tasks.insert_one({**orderly("a"), "_id": document_id})
    assert await claimed_ids(claims, 1) == ["a"]
    sync_database.tasks.update_one({}, {"$set": {"status": 0}})
    assert await claims.claim_one(document_id)


async def test_an_id_that_cannot_be_read_does_not_block_the_queue(
    claims: Claims, sync_database: Tasks
) -> None:
    from bson import encode
    from bson.raw_bson import RawBSONDocument

    raw = encode({**orderly("bad", priority=1), "_id": "XX"})
    broken = RawBSONDocument(raw.replace(b"XX\x00", b"\xff\xfe\x00", 1))
    sync_database.tasks.insert_many([broken, orderly("good")])
    seen: list[str] = []
    for _ in range(5):
        seen += await claimed_ids(claims, 1)
    assert "good" in seen


# Lost replies: the claim took place, and its owner must find out.


@pytest.fixture
async def flaky(connect: Any, failing_server: Any, failing_database: Tasks) -> Claims:
    mongo = await connect(failing_server.uri)
    failing_database.tasks.insert_many([orderly(f"t{n}", at=n) for n in range(3)])
    return stores_of(mongo).claims


FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("connection closed", {"closeConnection": True}),
    ("not primary", {"errorCode": 10107}),
    ("shutdown, applied", {"writeConcernError": {"code": 91, "errmsg": "shutting down"}}),
    ("write concern timeout, applied", {"writeConcernError": {"code": 64, "errmsg": "waiting"}}),
]


@pytest.mark.fault("B13", "reply of a claim lost")
@pytest.mark.parametrize(("name", "fault"), FAULTS, ids=[name for name, _ in FAULTS])
async def test_a_claim_of_one_survives_a_lost_reply(
    flaky: Claims, failing: Any, failing_database: Tasks, name: str, fault: Document
) -> None:
    with failing(["findAndModify"], **fault):
        document = await flaky.claim_one("t0")
    assert document, "retried by the driver, or recognised as ours"
    stored = failing_database.tasks.find_one({"_id": "t0"})
    assert stored
    assert (stored["status"], stored["lease_id"]) == (1, document["lease_id"])
    assert stored["run_number"] == 1


@pytest.mark.fault("B13", "reply of a claim of many lost")
@pytest.mark.parametrize(("name", "fault"), FAULTS, ids=[name for name, _ in FAULTS])
async def test_a_claim_of_many_survives_a_lost_reply(
    flaky: Claims, failing: Any, failing_database: Tasks, name: str, fault: Document
) -> None:
    with failing(["update"], **fault):
        documents, _ = await flaky.claim_batch(2)
    owned = {
        document["task_id"]: document["lease_id"]
        for document in failing_database.tasks.find({"status": 1})
    }
    assert {document["task_id"]: document["lease_id"] for document in documents} == owned
    if "applied" in name:
        assert set(owned) == {"t0", "t1"}


async def test_a_claim_that_nobody_can_judge_is_an_error(
    connect: Any, failing_server: Any, failing_database: Tasks, failing: Any
) -> None:
    failing_database.tasks.insert_one(orderly("t0"))
    flaky = stores_of(await connect(failing_server.uri, operation_timeout=1.0)).claims
    with failing(["findAndModify", "find"], times=None, closeConnection=True):
        with pytest.raises(DatabaseError):
            await flaky.claim_one("t0")
        with pytest.raises(DatabaseError):
            await flaky.claim_batch(2)


COMPLETE: Document = {
    "name": "n",
    "options": {"limit": 5},
    "storage_config": {"type": "mongodb"},
    "retry_count": 2,
    "current_retry": 0,
    "timeout": 60,
}
#: What a claim makes anew each time.
_OF_THE_CLAIM = ("lease_id", "started_at", "last_heartbeat", "updated_at")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        *({name: None} for name in COMPLETE),
        {"run_at": T0},
        {"run_at": None, "completed_at": None, "schedule": None},
        {"schedule": ""},
        {"completed_at": T0, "current_retry": 3, "rescues": 2, "checkpoint": {"a": 1}},
        {"run_number": 4, "rescues": 1, "checkpoint": {"a": 1}},
        {"run_number": "many"},
        {"rescues": None, "checkpoint": None},
        {"error_message": "earlier"},
    ],
    ids=str,
)
async def test_a_fresh_claim_is_like_any_other(
    claims: Claims, sync_database: Tasks, fields: Document
) -> None:
    stored: list[Document] = []
    for fresh in (True, False):
        sync_database.tasks.insert_one(orderly("a", **{**COMPLETE, **fields}))
        claimed = await claims.claim_one("a", fresh=fresh)
        assert claimed
        document = sync_database.tasks.find_one_and_delete({"_id": "a"})
        times = [document[name] for name in ("started_at", "last_heartbeat", "updated_at")]
        assert max(times) - min(times) <= timedelta(milliseconds=50)
        stored.append({k: v for k, v in document.items() if k not in _OF_THE_CLAIM})
    assert stored[0] == stored[1]


@pytest.mark.parametrize(
    "fields",
    [
        {"status": 1},
        {"status": [0]},
        {"run_at": datetime(2999, 1, 1, tzinfo=UTC)},
        {"schedule": "0 9 * * *"},
    ],
    ids=str,
)
async def test_a_fresh_claim_takes_nothing_that_may_not_start(
    claims: Claims, sync_database: Tasks, fields: Document
) -> None:
    sync_database.tasks.insert_one(orderly("a", **{**COMPLETE, **fields}))
    assert await claims.claim_one("a", fresh=True) is None


async def test_a_look_goes_on_at_its_place(claims: Claims, sync_database: Tasks) -> None:
    sync_database.tasks.insert_many([orderly(f"t{n}", at=n) for n in range(6)])
    first = await claims.take_batch(2)
    assert first.place is not None
    sync_database.tasks.insert_one(orderly("passed over", at=-1))
    second = await claims.take_batch(2, after=first.place)
    assert second.ids == ["t2", "t3"]
    rest = await claims.take_batch(5, after=second.place)
    assert rest.ids == ["passed over", "t4", "t5"], "where too few are behind it begins at the head"
    assert rest.place is None


async def test_a_look_at_a_part_of_the_queue_has_no_place(
    claims: Claims, sync_database: Tasks
) -> None:
    sync_database.tasks.insert_many([orderly(f"t{n}", at=n, priority=1) for n in range(9)])
    parts: list[dict[str, Any]] = [
        {"urgent_only": True},
        {"room": {"lab": 2}},
        {"only": {"lab"}},
        {"ids": ["t6", "t7"]},
    ]
    for part in parts:
        taken = await claims.take_batch(1, **part)
        assert (len(taken), taken.place) == (1, None)


async def test_due_tasks_come_in_their_order_behind_a_place(
    claims: Claims, sync_database: Tasks
) -> None:
    sync_database.tasks.insert_many([orderly(f"t{n}", at=n) for n in range(6)])
    first = await claims.take_batch(2)
    sync_database.tasks.insert_one(orderly("due", at=2.5, run_at=PAST))
    second = await claims.take_batch(3, after=first.place)
    assert second.ids == ["t2", "due", "t3"]


async def test_a_crowd_drains_the_queue_without_overlap(connect: Any, sync_database: Tasks) -> None:
    """Each goes on behind its place, as busy workers do, and leaves tasks to the others there."""
    connections = [await connect() for _ in range(4)]
    sync_database.tasks.insert_many([orderly(f"t{n:04}", at=n) for n in range(1000)])
    owners: Counter[str] = Counter()

    async def drain(claims: Claims) -> None:
        place, more = None, True
        while more:
            taken = await claims.take_batch(10, after=place)
            place, more = taken.place, taken.more
            owners.update(document["task_id"] for document in await claims.read(taken))

    async with anyio.create_task_group() as group:
        for n in range(8):
            group.start_soon(drain, stores_of(connections[n % 4], worker_id=f"w{n}").claims)
    assert len(owners) == 1000
    assert set(owners.values()) == {1}
