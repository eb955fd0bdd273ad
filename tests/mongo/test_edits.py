"""Edits are bound to what was judged: no race turns one against a task that was run again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.database import Database

from hotstream_reactive.errors import RefusedByState
from hotstream_reactive.model.edits import Promotion, fields
from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo import edits
from hotstream_reactive.mongo.client import Mongo

pytestmark = pytest.mark.anyio
Db = Database[dict[str, Any]]
ENDED = datetime(2025, 5, 30, tzinfo=UTC)


async def judged(mongo: Mongo, database: Db, **given: Any) -> dict[str, Any]:
    database.tasks.insert_one({"task_id": "t", "platform": "lab", "keywords": ["x"], **given})
    found = await edits.find(mongo, "t")
    assert found is not None
    return found


def meanwhile(database: Db, **given: Any) -> None:
    database.tasks.update_one({}, {"$set": given})


def status(database: Db) -> Any:
    document = database.tasks.find_one({"task_id": "t"})
    return document and document["status"]


RUNNING = {"status": 1, "lease_id": "a", "run_number": 1, "completed_at": None}


async def test_a_task_that_was_claimed_meanwhile_is_cancelled(
    mongo: Mongo, sync_database: Db
) -> None:
    task = await judged(mongo, sync_database, status=0)
    meanwhile(sync_database, **RUNNING)
    before = await edits.edit(mongo, "cancel", task)
    assert before
    assert before["status"] == 1
    assert status(sync_database) == 4


async def test_so_is_one_that_was_handed_back_for_a_retry(mongo: Mongo, sync_database: Db) -> None:
    task = await judged(mongo, sync_database, **RUNNING)
    meanwhile(sync_database, status=0, current_retry=1)
    assert await edits.edit(mongo, "cancel", task)
    assert status(sync_database) == 4


@pytest.mark.parametrize(
    "since",
    [
        {"status": 1, "lease_id": "b", "run_number": 2},
        {"status": 0, "completed_at": ENDED},
        {"status": 0, "lease_id": "b", "run_number": 2, "completed_at": ENDED},
    ],
    ids=str,
)
async def test_a_task_that_was_run_again_is_not_touched(
    mongo: Mongo, sync_database: Db, since: dict[str, Any]
) -> None:
    task = await judged(mongo, sync_database, **RUNNING)
    meanwhile(sync_database, **since)
    with pytest.raises(RefusedByState, match="run again"):
        await edits.edit(mongo, "cancel", task)
    assert status(sync_database) == since["status"]


async def test_a_schedule_is_one_life(mongo: Mongo, sync_database: Db) -> None:
    task = await judged(mongo, sync_database, **RUNNING, schedule="0 9 * * *")
    meanwhile(sync_database, status=0, completed_at=ENDED)
    assert await edits.edit(mongo, "cancel", task)
    assert status(sync_database) == 4


@pytest.mark.parametrize("name", ["cancel", "promote"])
async def test_a_task_that_ended_meanwhile(mongo: Mongo, sync_database: Db, name: Any) -> None:
    task = await judged(mongo, sync_database, status=0)
    meanwhile(sync_database, status=2, run_number=1, completed_at=ENDED)
    assert await edits.edit(mongo, name, task) is None
    assert status(sync_database) == 2


async def test_a_task_that_was_retried_by_somebody_else(mongo: Mongo, sync_database: Db) -> None:
    task = await judged(mongo, sync_database, status=3, completed_at=ENDED)
    meanwhile(sync_database, status=1, lease_id="b", run_number=1, completed_at=None)
    assert await edits.edit(mongo, "retry", task) is None
    assert status(sync_database) == 1


async def test_a_task_that_was_deleted_and_written_anew(mongo: Mongo, sync_database: Db) -> None:
    task = await judged(mongo, sync_database, status=0)
    sync_database.tasks.delete_one({})
    assert await edits.edit(mongo, "cancel", task) is None
    sync_database.tasks.insert_one({"task_id": "t", "status": 0})
    assert await edits.edit(mongo, "cancel", task) is None
    assert status(sync_database) == 0


@pytest.mark.parametrize("odd", ["pending", float("nan"), {"$gt": 0}, [0, 1], None, True])
async def test_a_status_that_is_none_is_compared_as_a_value(
    mongo: Mongo, sync_database: Db, odd: Any
) -> None:
    task = await judged(mongo, sync_database, status=odd, lease_id={"$gt": ""}, run_number="x")
    assert await edits.edit(mongo, "cancel", task)
    assert status(sync_database) == 4


async def test_many_are_bound_to_what_was_judged_too(mongo: Mongo, sync_database: Db) -> None:
    sync_database.tasks.insert_many(
        [{"task_id": f"{n}", "status": n % 2, "lease_id": f"l{n}"} for n in range(2_500)]
    )
    states = (TaskStatus.PENDING, TaskStatus.RUNNING)
    found = await edits.select(mongo, states, platform=None)
    assert len(found) == 2_500
    sync_database.tasks.update_one({"task_id": "0"}, {"$set": {"status": 2}})
    sync_database.tasks.update_one({"task_id": "1"}, {"$set": {"lease_id": "another"}})
    assert await edits.edit_all(mongo, "cancel", found) == 2_498
    left = {document["task_id"] for document in sync_database.tasks.find({"status": {"$ne": 4}})}
    assert left == {"0", "1"}


async def test_many_start_afresh_each_as_it_needs(mongo: Mongo, sync_database: Db) -> None:
    sync_database.tasks.insert_many(
        [
            {"task_id": "ended", "status": 3, "completed_at": ENDED, "current_retry": 3},
            {"task_id": "waited", "status": 4, "current_retry": 3, "checkpoint": {"p": 1}},
        ]
    )
    found = await edits.select(mongo, [TaskStatus.FAILED, TaskStatus.CANCELLED], platform=None)
    assert await edits.edit_all(mongo, "retry", found) == 2
    documents = {d["task_id"]: d for d in sync_database.tasks.find({"status": 0})}
    assert documents["ended"]["current_retry"] == 3  # the claim does it, see its end
    assert documents["waited"]["current_retry"] == 0
    assert documents["waited"]["checkpoint"] == {}


def test_a_promotion_that_leaves_the_time() -> None:
    how = Promotion(priority=2, immediate=False, at_once=False)
    assert fields("promote", {}, how) == {"priority": 2, "immediate": False}
