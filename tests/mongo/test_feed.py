"""The stream tells what may start or stop a task, and nothing else; nothing can break it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import encode
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from shelf import Document, orderly, stores_of

from hotstream_reactive.errors import DatabaseError, FeedEnded
from hotstream_reactive.model.bounds import LARGEST_DOCUMENT
from hotstream_reactive.model.change import Change
from hotstream_reactive.model.outcome import Completed, Failed
from hotstream_reactive.model.run import FinishedRun, Progress
from hotstream_reactive.model.task import admit
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.feed import TaskFeed
from hotstream_reactive.mongo.stream import BATCH

pytestmark = pytest.mark.anyio
Tasks = Database[Document]


@pytest.fixture
async def feed(mongo: Mongo, sync_database: Tasks) -> AsyncIterator[TaskFeed]:
    sync_database.create_collection("tasks")
    feed = await TaskFeed.open(mongo)
    yield feed
    await feed.close()


async def read(feed: TaskFeed, count: int) -> list[Change]:
    """At least so many of the next changes, if they come within some seconds."""
    changes: list[Change] = []
    silences = 0
    while len(changes) < count and silences < 5:
        batch = await feed.batch()
        silences += not batch
        changes += batch
    return changes


async def up_to_marker(feed: TaskFeed, database: Tasks) -> list[Change]:
    """Everything that was delivered before a marker that is written now."""
    database.tasks.insert_one({"_id": "marker"})
    changes: list[Change] = []
    while not changes or changes[-1].document_id != "marker":
        changes += await read(feed, 1)
    return changes[:-1]


async def test_an_insert_is_told_at_once(feed: TaskFeed, sync_database: Tasks) -> None:
    sync_database.tasks.insert_one(orderly("a", priority=2, immediate=True))
    [change] = await read(feed, 1)
    assert (change.document_id, change.inserted, change.deleted) == ("a", True, False)
    assert (change.status, change.priority, change.immediate) == (0, 2, True)
    assert change.has_status()
    assert change.orderly()


@pytest.mark.parametrize(
    "edit",
    [
        {"$set": {"priority": 1}},
        {"$set": {"immediate": True}},
        {"$set": {"run_at": datetime(2030, 1, 1, tzinfo=UTC)}},
        {"$unset": {"run_at": ""}},
        {"$set": {"priority": 1, "note": "x"}},
        [{"$set": {"priority": {"$subtract": ["$priority", 1]}}}],
    ],
    ids=str,
)
async def test_a_promotion_is_told(feed: TaskFeed, sync_database: Tasks, edit: Any) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    padding = {f"field{n}": n for n in range(30)}  # a small document may be replaced as a whole
    sync_database.tasks.insert_one(orderly("a", run_at=soon, **padding))
    await read(feed, 1)
    sync_database.tasks.update_one({"_id": "a"}, edit)
    [change] = await read(feed, 1)
    assert change.document_id == "a"
    assert change.reordered


@pytest.mark.parametrize("status", [0, 4])
async def test_a_status_set_by_hand_is_told(
    feed: TaskFeed, sync_database: Tasks, status: int
) -> None:
    sync_database.tasks.insert_one(orderly("a", status=3))
    sync_database.tasks.update_one({"_id": "a"}, {"$set": {"status": status}})
    [_, change] = await read(feed, 2)
    assert (change.document_id, change.status) == ("a", status)


async def test_a_deletion_is_told(feed: TaskFeed, sync_database: Tasks) -> None:
    sync_database.tasks.insert_one(orderly("a"))
    sync_database.tasks.delete_one({"_id": "a"})
    [_, change] = await read(feed, 2)
    assert (change.document_id, change.deleted) == ("a", True)


@pytest.mark.parametrize("status", [0, 4])
async def test_a_replacement_is_told(feed: TaskFeed, sync_database: Tasks, status: int) -> None:
    sync_database.tasks.insert_one(orderly("a"))
    sync_database.tasks.replace_one({"_id": "a"}, orderly("a", status=status, priority=1))
    [_, change] = await read(feed, 2)
    assert (change.document_id, change.status, change.priority) == ("a", status, 1)


async def test_a_replacement_without_a_status_is_told_as_disorderly(
    feed: TaskFeed, sync_database: Tasks
) -> None:
    sync_database.tasks.insert_one(orderly("a"))
    sync_database.tasks.replace_one({"_id": "a"}, {"task_id": "a", "platform": "lab"})
    [_, change] = await read(feed, 2)
    assert not change.has_status()


async def test_the_engine_does_not_wake_itself(
    feed: TaskFeed, mongo: Mongo, sync_database: Tasks
) -> None:
    sync_database.tasks.insert_many([orderly(name) for name in "abcd"])
    await read(feed, 4)
    stores = stores_of(mongo)
    one = await stores.claims.claim_one("a")
    batch, _ = await stores.claims.claim_batch(3)
    assert one
    tasks = [admit(document) for document in (one, *batch)]
    leases = {str(task.lease_id): task.document_id for task in tasks}
    assert await stores.leases.renew(leases) == {}
    await stores.leases.report(
        Progress(document_id=id_, lease_id=lease, progress=0.5, result_count=1, checkpoint={})
        for lease, id_ in leases.items()
    )
    runs = [
        FinishedRun(
            task=task,
            lease_id=str(task.lease_id),
            outcome=Failed("x") if task.task_id == "a" else Completed(1),
        )
        for task in tasks
    ]
    assert await stores.leases.finish(runs) == set()
    assert await up_to_marker(feed, sync_database) == []


async def test_other_edits_are_no_news(feed: TaskFeed, sync_database: Tasks) -> None:
    sync_database.tasks.insert_one(orderly("a", **{f"field{n}": n for n in range(30)}))
    await read(feed, 1)
    sync_database.tasks.update_one({"_id": "a"}, {"$set": {"name": "x", "options.limit": 3}})
    sync_database.other.insert_one(orderly("b"))
    assert await up_to_marker(feed, sync_database) == []


@pytest.mark.parametrize(
    ("fields", "fresh"),
    [
        ({"timeout": 60, "current_retry": 0}, True),
        ({"timeout": 60}, False),
        ({"timeout": None, "current_retry": 0}, False),
        ({"timeout": 60, "current_retry": 0, "text": "x" * LARGEST_DOCUMENT}, False),
    ],
    ids=["complete", "a field left out", "a field of null", "too large"],
)
async def test_a_complete_new_task_is_told_as_fresh(
    feed: TaskFeed, sync_database: Tasks, fields: Document, fresh: bool
) -> None:
    sync_database.tasks.insert_one(orderly("a", **fields))
    sync_database.tasks.update_one({"_id": "a"}, {"$set": {"priority": 1}})
    assert [change.fresh for change in await read(feed, 2)] == [fresh, False]


@pytest.mark.parametrize("status", ["x", 7, None, [0]], ids=str)
async def test_a_status_that_is_none_is_told(
    feed: TaskFeed, sync_database: Tasks, status: Any
) -> None:
    sync_database.tasks.insert_one(orderly("a"))
    sync_database.tasks.update_one({"_id": "a"}, {"$set": {"status": status}})
    [_, change] = await read(feed, 2)
    assert change.status == status


async def test_what_touches_a_heartbeat_as_well_is_told(
    feed: TaskFeed, sync_database: Tasks
) -> None:
    """Only a new time in `last_heartbeat` marks what the engine writes of a running task."""
    sync_database.tasks.insert_one(orderly("a", last_heartbeat=datetime.now(UTC)))
    edits: list[Document] = [
        {"$set": {"priority": 1, "last_heartbeat": None}},
        {"$set": {"priority": 2}, "$unset": {"last_heartbeat": ""}},
        {"$set": {"status": 4, "last_heartbeat": datetime.now(UTC)}},
        {"$set": {"status": 0, "last_heartbeat": datetime.now(UTC)}},
    ]
    for edit in edits:
        sync_database.tasks.update_one({"_id": "a"}, edit)
    assert len(await up_to_marker(feed, sync_database)) == 1 + len(edits)


async def test_a_new_heartbeat_is_taken_for_the_engines(
    feed: TaskFeed, sync_database: Tasks
) -> None:
    """As docs/task-document.md warns; the sweeps find the promotion."""
    sync_database.tasks.insert_one(orderly("a"))
    await read(feed, 1)
    edit = {"$set": {"priority": 1, "last_heartbeat": datetime.now(UTC)}}
    sync_database.tasks.update_one({"_id": "a"}, edit)
    assert await up_to_marker(feed, sync_database) == []


async def test_nothing_within_a_second_is_no_error(feed: TaskFeed) -> None:
    assert await feed.batch() == []


async def test_a_burst_is_told_in_full_batches(feed: TaskFeed, sync_database: Tasks) -> None:
    names = [f"t{n}" for n in range(BATCH + 7)]
    sync_database.tasks.insert_many([orderly(name) for name in names])
    told: list[Any] = []
    while len(told) < len(names):
        batch = await feed.batch()
        assert feed.behind == (len(batch) == BATCH)
        told += [change.document_id for change in batch]
    assert told == names


async def test_a_drop_ends_the_stream(feed: TaskFeed, sync_database: Tasks) -> None:
    sync_database.tasks.insert_one(orderly("a"))
    sync_database.tasks.drop()
    with pytest.raises(FeedEnded):
        await read(feed, 5)


async def test_a_rename_ends_the_stream(feed: TaskFeed, sync_database: Tasks) -> None:
    sync_database.tasks.insert_one(orderly("a"))
    sync_database.tasks.rename("old_tasks")
    with pytest.raises(FeedEnded):
        await read(feed, 5)


async def test_a_collection_that_does_not_exist_can_be_watched(
    mongo: Mongo, sync_database: Tasks
) -> None:
    feed = await TaskFeed.open(mongo)
    sync_database.tasks.insert_one(orderly("a"))
    [change] = await read(feed, 1)
    assert change.document_id == "a"
    await feed.close()


async def test_a_stream_misses_nothing_from_the_moment_it_is_open(
    mongo: Mongo, sync_database: Tasks
) -> None:
    sync_database.create_collection("tasks")
    for n in range(5):
        feed = await TaskFeed.open(mongo)
        sync_database.tasks.insert_one(orderly(f"t{n}"))
        [change] = await read(feed, 1)
        assert change.document_id == f"t{n}"
        await feed.close()


async def test_a_fresh_client_can_be_asked_for(mongo: Mongo, sync_database: Tasks) -> None:
    old = await TaskFeed.open(mongo)
    feed = await TaskFeed.open(mongo, fresh_client=True)
    sync_database.tasks.insert_one(orderly("a"))
    assert [change.document_id for change in await read(feed, 1)] == ["a"]
    with pytest.raises(DatabaseError):
        await read(old, 5)
    await feed.close()
    await old.close()


def broken(task_id: str, **fields: Any) -> RawBSONDocument:
    raw = encode(orderly(task_id, **fields))
    return RawBSONDocument(raw.replace(b"QQQQ\x00", b"\xff\xfe\x80\xff\x00"))


POISON: dict[str, Any] = {
    "15 MB": lambda: orderly("bad", options={"x": "y" * 15_000_000}),
    "invalid UTF-8": lambda: broken("bad", platform="QQQQ", status="QQQQ", priority="QQQQ"),
    "invalid UTF-8 as key": lambda: broken("bad", options={"QQQQ": "QQQQ"}),
    "invalid UTF-8 as id": lambda: broken("bad", _id="QQQQ"),
    "year 36,000,000": lambda: orderly(
        "bad", created_at=DatetimeMS(2**60), run_at=DatetimeMS(2**60)
    ),
    "year -36,000,000": lambda: orderly("bad", created_at=DatetimeMS(-(2**60))),
    "date as id": lambda: orderly("bad", _id=DatetimeMS(2**60)),
    "object as id": lambda: orderly("bad", _id={"a": {"b": 1}}),
}


@pytest.mark.parametrize("make", POISON.values(), ids=POISON.keys())
async def test_no_document_breaks_the_stream(
    feed: TaskFeed, sync_database: Tasks, make: Any
) -> None:
    sync_database.tasks.insert_one(orderly("before"))
    document = make()
    sync_database.tasks.insert_one(document)
    sync_database.tasks.update_one({"task_id": "bad"}, {"$set": {"priority": 1}})
    sync_database.tasks.update_one({"task_id": "bad"}, {"$set": {"status": 4}})
    sync_database.tasks.delete_one({"task_id": "bad"})
    sync_database.tasks.insert_one(orderly("after"))
    changes = await read(feed, 6)
    assert [change.deleted for change in changes] == [False, False, False, False, True, False]
    assert changes[-1].document_id == "after"
    assert [change.has_status() for change in (changes[0], changes[-1])] == [True, True]
