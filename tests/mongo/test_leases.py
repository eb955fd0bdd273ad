"""Only the claim that owns a task can renew, report, finish: a late owner changes nothing."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database
from shelf import Document, orderly, stores_of, until

from hotstream_reactive.model.outcome import (
    Cancelled,
    Completed,
    Failed,
    LeaseLost,
    Outcome,
    Retry,
)
from hotstream_reactive.model.run import FinishedRun, Progress
from hotstream_reactive.model.task import Task, admit
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.stores import MongoStores

pytestmark = pytest.mark.anyio
Tasks = Database[Document]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def stores(mongo: Mongo) -> MongoStores:
    return stores_of(mongo)


class Field:
    """Inserts tasks and claims them."""

    def __init__(self, stores: MongoStores, database: Tasks) -> None:
        self.stores = stores
        self.tasks = database.tasks

    async def claimed(self, *names: str, **fields: Any) -> list[Task]:
        self.tasks.insert_many([orderly(name, at=n, **fields) for n, name in enumerate(names)])
        return [await self.claim(name) for name in names]

    async def claim(self, name: str) -> Task:
        document = await self.stores.claims.claim_one(name)
        assert document
        return admit(document)

    def get(self, name: str) -> Document:
        document = self.tasks.find_one({"_id": name})
        assert document
        return document

    def stale(self, name: str) -> None:
        self.tasks.update_one({"_id": name}, {"$set": {"last_heartbeat": LONG_AGO}})

    async def rescue(self, timeout_s: float = 30, max_rescues: int = 3) -> list[Any]:
        return await self.stores.leases.rescue(zombie_timeout_s=timeout_s, max_rescues=max_rescues)


@pytest.fixture
def field(stores: MongoStores, sync_database: Tasks) -> Field:
    return Field(stores, sync_database)


def finished(task: Task, outcome: Outcome, **fields: Any) -> FinishedRun:
    assert task.lease_id
    return FinishedRun(task=task, lease_id=task.lease_id, outcome=outcome, **fields)


def lease(task: Task) -> str:
    assert task.lease_id
    return task.lease_id


# Renewing


async def test_renewing_moves_the_heartbeat(field: Field) -> None:
    tasks = await field.claimed("a", "b")
    before = [field.get(name)["last_heartbeat"] for name in "ab"]
    asked = {lease(task): task.document_id for task in tasks}

    async def moved() -> bool:
        assert await field.stores.leases.renew(asked) == {}
        return all(
            field.get(n)["last_heartbeat"] > old for n, old in zip("ab", before, strict=True)
        )

    await until(moved)


async def test_lost_leases_are_told_with_the_status(field: Field) -> None:
    names = ("held", "cancelled", "pending", "done", "deleted", "taken")
    tasks = await field.claimed(*names)
    field.tasks.update_one({"_id": "cancelled"}, {"$set": {"status": 4}})
    field.tasks.update_one({"_id": "pending"}, {"$set": {"status": 0}})
    field.tasks.update_one({"_id": "done"}, {"$set": {"status": 2}})
    field.tasks.delete_one({"_id": "deleted"})
    field.tasks.update_one({"_id": "taken"}, {"$set": {"lease_id": "other", "worker_id": "w2"}})
    gone = await field.stores.leases.renew({lease(task): task.document_id for task in tasks})
    by_name = {task.task_id: gone.get(lease(task), "held") for task in tasks}
    assert by_name == {
        "held": "held",
        "cancelled": 4,
        "pending": 0,
        "done": 2,
        "deleted": None,
        "taken": None,
    }


async def test_leases_of_swapped_documents_are_not_renewed_for_each_other(field: Field) -> None:
    a, b = await field.claimed("a", "b")
    field.tasks.update_one({"_id": "a"}, {"$set": {"lease_id": "other"}})
    gone = await field.stores.leases.renew({lease(a): "a", lease(b): "b"})
    assert set(gone) == {lease(a)}


# Reporting


async def test_a_report_is_written_and_is_a_heartbeat(field: Field) -> None:
    [task] = await field.claimed("a")
    field.stale("a")
    report = Progress(
        document_id="a",
        lease_id=lease(task),
        progress=0.42,
        result_count=7,
        checkpoint={"cursor": "$name", "$odd": 1},
    )
    await field.stores.leases.report([report])
    stored = field.get("a")
    assert (stored["progress"], stored["result_count"]) == (0.42, 7)
    assert stored["checkpoint"] == {"cursor": "$name", "$odd": 1}
    assert stored["last_heartbeat"].year > 2020


async def test_a_report_after_the_loss_writes_nothing(field: Field) -> None:
    [task] = await field.claimed("a")
    field.stale("a")
    await field.rescue()
    again = await field.claim("a")
    before = field.get("a")
    await field.stores.leases.report(
        [Progress(document_id="a", lease_id=lease(task), progress=0.9, result_count=99)]
    )
    assert field.get("a") == before
    assert lease(again) != lease(task)


# Finishing


async def test_every_outcome_writes_its_fields(field: Field) -> None:
    names = ("done", "failed", "again", "released", "cancelled", "lost")
    tasks = dict(zip(names, await field.claimed(*names), strict=True))
    field.tasks.update_one({"_id": "cancelled"}, {"$set": {"status": 4}})
    before_lost = field.get("lost")
    lost = await field.stores.leases.finish(
        [
            finished(tasks["done"], Completed(5), progress=0.9),
            finished(tasks["failed"], Failed("$status is bad", 2), progress=0.4),
            finished(
                tasks["again"],
                Retry(reason="$later", after_s=60, result_count=3),
                progress=0.3,
                checkpoint={"page": "$x"},
            ),
            finished(tasks["released"], Retry(reason="drain", after_s=0, counts=False)),
            finished(tasks["cancelled"], Cancelled(4), progress=0.5),
            finished(tasks["lost"], LeaseLost("gone")),
        ]
    )
    assert lost == set()
    done, failed, again, released, cancelled = (field.get(name) for name in names[:5])
    assert (done["status"], done["progress"], done["result_count"]) == (2, 1.0, 5)
    assert done["error_message"] is None
    assert done["completed_at"] >= done["started_at"]
    assert (failed["status"], failed["error_message"]) == (3, "$status is bad")
    assert (failed["progress"], failed["result_count"]) == (0.4, 2)
    assert failed["completed_at"]
    assert (again["status"], again["current_retry"]) == (0, 1)
    assert again["error_message"] == "$later"
    assert again["checkpoint"] == {"page": "$x"}
    assert timedelta(seconds=55) < again["run_at"] - again["started_at"] < timedelta(seconds=90)
    assert again["completed_at"] is None
    assert (released["status"], released["current_retry"], released["run_at"]) == (0, 0, None)
    assert (cancelled["status"], cancelled["result_count"]) == (4, 4)
    assert cancelled["completed_at"]
    assert field.get("lost") == before_lost


async def test_many_that_end_alike_keep_their_own_values(field: Field) -> None:
    names = [f"t{n}" for n in range(30)]
    tasks = await field.claimed(*names)
    runs = [finished(task, Completed(n % 3)) for n, task in enumerate(tasks)]
    assert await field.stores.leases.finish(runs) == set()
    for n, name in enumerate(names):
        assert (field.get(name)["status"], field.get(name)["result_count"]) == (2, n % 3)


async def test_finishing_twice_is_safe(field: Field) -> None:
    [task] = await field.claimed("a")
    run = finished(task, Retry(reason="x", after_s=60))
    assert await field.stores.leases.finish([run]) == set()
    once = field.get("a")
    assert await field.stores.leases.finish([run]) == set()
    assert field.get("a") == once
    assert once["current_retry"] == 1


async def test_a_stale_claim_cannot_finish_a_rescued_task(field: Field) -> None:
    [task] = await field.claimed("a")
    field.stale("a")
    [rescued] = await field.rescue()
    assert rescued.lease_id == task.lease_id
    again = await field.claim("a")
    before = field.get("a")
    for outcome in (Completed(1), Failed("x"), Retry(reason="x", after_s=0), Cancelled()):
        lost = await field.stores.leases.finish([finished(task, outcome)])
        assert lost == (set() if isinstance(outcome, Cancelled) else {task.lease_id})
        assert field.get("a") == before
    assert await field.stores.leases.finish([finished(again, Completed(1))]) == set()


async def test_finishing_a_deleted_task_is_a_loss_unless_it_was_cancelled(field: Field) -> None:
    a, b = await field.claimed("a", "b")
    field.tasks.delete_many({})
    runs = [finished(a, Completed(1)), finished(b, Cancelled())]
    assert await field.stores.leases.finish(runs) == {a.lease_id}
    assert field.tasks.count_documents({}) == 0


async def test_one_lost_lease_does_not_stop_the_others(field: Field) -> None:
    a, b, c = await field.claimed("a", "b", "c")
    field.tasks.update_one({"_id": "b"}, {"$set": {"lease_id": "other"}})
    runs = [finished(task, Completed(1)) for task in (a, b, c)]
    assert await field.stores.leases.finish(runs) == {b.lease_id}
    assert [field.get(name)["status"] for name in "abc"] == [2, 1, 2]


async def test_a_task_put_back_by_hand_is_not_finished_by_its_old_run(field: Field) -> None:
    [task] = await field.claimed("a")
    field.tasks.update_one({"_id": "a"}, {"$set": {"status": 0}})
    assert await field.stores.leases.finish([finished(task, Completed(1))]) == {task.lease_id}
    assert field.get("a")["status"] == 0


@pytest.mark.parametrize(
    "checkpoint",
    [
        {"id": ObjectId("6b05b86b8438d1e77995bab3")},
        {"at": LONG_AGO},
        {"seen": [b"\x00"]},
        {"n": math.nan},
        {"nested": {"a": [{"b": ObjectId("6b05b86b8438d1e77995bab3")}]}},
    ],
    ids=lambda table: next(iter(table)),
)
async def test_a_checkpoint_may_hold_anything_a_document_may(
    field: Field, checkpoint: Document
) -> None:
    [task] = await field.claimed("a", checkpoint=checkpoint)
    run = finished(task, Retry(reason="x", after_s=0), checkpoint=dict(task.checkpoint))
    assert await field.stores.leases.finish([run]) == set()
    assert set(field.get("a")["checkpoint"]) == set(checkpoint)


async def test_a_wait_of_any_length_can_be_written(field: Field) -> None:
    [task] = await field.claimed("a")
    run = finished(task, Retry(reason="x", after_s=0.0004))
    assert await field.stores.leases.finish([run]) == set()
    assert field.get("a")["status"] == 0


# Rescue


async def test_only_leases_that_ran_out_are_taken_back(field: Field) -> None:
    await field.claimed("alive", "dead")
    field.stale("dead")
    rescued = await field.rescue()
    assert [(task.task_id, task.worker_id, task.poison) for task in rescued] == [
        ("dead", "w1", False)
    ]
    dead = field.get("dead")
    assert (dead["status"], dead["rescues"], dead["current_retry"]) == (0, 1, 0)
    assert "w1" in dead["error_message"]
    assert field.get("alive")["status"] == 1
    assert await field.rescue() == []


async def test_the_age_of_a_lease_is_measured_by_the_server(field: Field) -> None:
    await field.claimed("a")
    claimed_at = field.get("a")["last_heartbeat"]

    async def rescued() -> list[Any]:
        return await field.rescue(timeout_s=0.5)

    assert await rescued() == []
    await until(rescued)
    assert field.get("a")["updated_at"] - claimed_at >= timedelta(seconds=0.5)


async def test_a_renewed_lease_is_not_taken_back(field: Field) -> None:
    [task] = await field.claimed("a")
    field.stale("a")
    assert await field.stores.leases.renew({lease(task): "a"}) == {}
    assert await field.rescue() == []


@pytest.mark.parametrize("heartbeat", [None, "yesterday", 0, [], {}], ids=repr)
async def test_a_running_task_without_a_usable_heartbeat_is_taken_back(
    field: Field, heartbeat: Any
) -> None:
    field.tasks.insert_one(orderly("a", status=1, last_heartbeat=heartbeat))
    field.tasks.insert_one(orderly("b", status=1))
    assert {task.task_id for task in await field.rescue()} == {"a", "b"}


async def test_a_task_that_kills_its_workers_is_poison(field: Field) -> None:
    await field.claimed("a")
    for rescue in range(1, 4):
        field.stale("a")
        [task] = await field.rescue(max_rescues=3)
        assert task.poison == (rescue == 3)
        if rescue < 3:
            await field.claim("a")
    stored = field.get("a")
    assert (stored["status"], stored["rescues"]) == (3, 3)
    assert "poison" in stored["error_message"]
    assert stored["completed_at"]
    field.tasks.update_one({"_id": "a"}, {"$set": {"status": 0}})
    assert (await field.claim("a")).rescues == 0, "put back by hand it gets another chance"


async def test_a_rescue_keeps_the_checkpoint(field: Field) -> None:
    [task] = await field.claimed("a")
    await field.stores.leases.report(
        [
            Progress(
                document_id="a",
                lease_id=lease(task),
                progress=0.5,
                result_count=3,
                checkpoint={"page": 2},
            )
        ]
    )
    field.stale("a")
    await field.rescue()
    assert (await field.claim("a")).checkpoint == {"page": 2}


async def test_a_hundred_dead_leases_are_taken_back_at_once(field: Field) -> None:
    await field.claimed(*(f"t{n}" for n in range(100)))
    field.tasks.update_many({}, {"$set": {"last_heartbeat": LONG_AGO}})
    assert len(await field.rescue()) == 100
    assert field.tasks.count_documents({"status": 0, "rescues": 1}) == 100


# Lost replies


@pytest.mark.parametrize(
    "fault",
    [
        {"closeConnection": True},
        {"writeConcernError": {"code": 91, "errmsg": "shutting down"}},
    ],
    ids=["connection closed", "applied, reply lost"],
)
async def test_a_finish_whose_reply_was_lost_can_be_repeated(
    connect: Any, failing_server: Any, failing_database: Tasks, failing: Any, fault: Document
) -> None:
    from hotstream_reactive.errors import DatabaseError

    mongo = await connect(failing_server.uri)
    field = Field(stores_of(mongo), failing_database)
    a, b = await field.claimed("a", "b")
    runs = [finished(a, Completed(1)), finished(b, Retry(reason="x", after_s=60))]
    with failing(["update"], **fault):
        try:
            lost = await field.stores.leases.finish(runs)
        except DatabaseError:
            lost = await field.stores.leases.finish(runs)
    assert lost == set()
    assert field.get("a")["status"] == 2
    assert (field.get("b")["status"], field.get("b")["current_retry"]) == (0, 1)


# History


def runs_of(number: int, outcome: str = "completed") -> list[Document]:
    return [{"_id": f"lease{n}", "task_id": "a", "outcome": outcome} for n in range(number)]


@pytest.mark.parametrize("number", [2, 300])
async def test_a_run_is_kept_once(field: Field, sync_database: Tasks, number: int) -> None:
    await field.stores.history.record(runs_of(number))
    await field.stores.history.record(runs_of(number + 1, "other"))
    await field.stores.history.record([])
    kept = {run["_id"]: run["outcome"] for run in sync_database.task_runs.find()}
    assert kept.pop(f"lease{number}") == "other"
    assert kept == {f"lease{n}": "completed" for n in range(number)}


async def test_many_runs_are_one_entry_of_the_log(field: Field, sync_database: Tasks) -> None:
    """Every open change stream looks through the entries, whatever it is about."""
    sync_database.create_collection("task_runs")
    since = sync_database.command("hello")["operationTime"]
    await field.stores.history.record(runs_of(300))
    log = sync_database.client["local"]["oplog.rs"]
    name = f"{sync_database.name}.task_runs"
    query = {"ts": {"$gt": since}, "$or": [{"ns": name}, {"o.applyOps.ns": name}]}
    [entry] = log.find(query)
    assert len(entry["o"]["applyOps"]) == 300


@pytest.mark.parametrize("number", [2, 300])
@pytest.mark.parametrize(
    ("commands", "fault"),
    [
        (["insert"], {"closeConnection": True}),
        (["commitTransaction"], {"closeConnection": True}),
        (["insert", "commitTransaction"], {"errorCode": 112, "errorLabels": []}),
    ],
    ids=["the insert is cut off", "the commit is cut off", "refused"],
)
async def test_runs_are_kept_whatever_is_cut_off(
    connect: Any,
    failing_server: Any,
    failing_database: Tasks,
    failing: Any,
    commands: list[str],
    fault: Document,
    number: int,
) -> None:
    stores = stores_of(await connect(failing_server.uri))
    with failing(commands, **fault):
        await stores.history.record(runs_of(number))
    assert failing_database.task_runs.count_documents({}) == number


async def test_a_worker_that_died_inside_a_transaction_does_not_hold_up_the_rescue_of_others(
    field: Field, sync_database: Tasks
) -> None:
    await field.claimed("locked", "b", "c")
    field.tasks.update_many({}, {"$set": {"last_heartbeat": LONG_AGO}})
    with sync_database.client.start_session() as session:
        session.start_transaction()
        field.tasks.update_one({"_id": "locked"}, {"$set": {"note": 1}}, session=session)
        assert {task.task_id for task in await field.rescue()} == {"b", "c"}
        session.abort_transaction()
    assert [task.task_id for task in await field.rescue()] == ["locked"]
