"""What `explain` judges by: one task and the fleet around it, in a few small reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from hotstream_reactive.errors import InvalidTask, NotFound
from hotstream_reactive.model.controls import decode, room
from hotstream_reactive.model.fields import FieldReader
from hotstream_reactive.model.situation import Lease, Situation, WorkerState
from hotstream_reactive.model.task import DEFAULT_PRIORITY, URGENT_PRIORITY, TaskStatus, admit
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.controls import ControlStore
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.queue import ARMED, DUE, FIELDS, ORDERLY, without
from hotstream_reactive.mongo.workers import Workers

_READ: Document = {
    **FIELDS,
    **dict.fromkeys(("error_message", "completed_at", "worker_id", "last_heartbeat"), 1),
    "now": "$$NOW",
}
_MOST_LEASES = 10_000
#: A place this far back in the queue is far enough back.
_MOST_AHEAD = 100_000


async def gather(
    mongo: Mongo, task_id: str, *, zombie_timeout_s: float
) -> tuple[Document, Situation]:
    """The task document with this id, and the situation it is in.

    Raises:
        NotFound: there is no such task.
        DatabaseError: the server failed or took too long.
    """
    with translated("reading a task"):
        document = await mongo.tasks.find_one({"task_id": {"$eq": task_id}}, _READ)
    if document is None:
        raise NotFound(f"there is no task {task_id!r}; see the ids with: hotstream list")
    now: datetime = document.pop("now")
    controls, _ = decode(await ControlStore(mongo.controls).read())
    entries = await Workers(mongo.workers).all()
    situation = Situation(
        now=now,
        controls=controls,
        workers=[_worker(entry) for entry in entries if _lives(entry)],
        leases=await _leases(mongo),
        zombie_timeout_s=zombie_timeout_s,
    )
    left = room(controls, situation.limits, situation.running())
    held = [name for name, places in left.items() if places <= 0]
    ahead = await _ahead(mongo, document, situation, held)
    return document, msgspec.structs.replace(situation, ahead=ahead)


async def _leases(mongo: Mongo) -> list[Lease]:
    """All running tasks in the order in which they were claimed."""
    with translated("reading running tasks"):
        found = await mongo.tasks.find(
            {"status": int(TaskStatus.RUNNING)},
            dict.fromkeys(("task_id", "platform", "worker_id", "priority", "immediate"), 1),
            sort=[("started_at", 1), ("lease_id", 1)],
            limit=_MOST_LEASES,
        ).to_list(None)
    return [_lease(document) for document in found]


def _lease(document: Document) -> Lease:
    priority = FieldReader(document).integer("priority", low=1, high=10, default=DEFAULT_PRIORITY)
    return Lease(
        task_id=str(document.get("task_id")),
        platform=str(document.get("platform")),
        worker_id=str(document.get("worker_id")),
        urgent=document.get("immediate") is True or priority <= URGENT_PRIORITY,
    )


def _lives(entry: Document) -> bool:
    age_s = entry.get("age_s")
    silent_after_s = FieldReader(entry).number("silent_after_s", low=0, high=1e6, default=15.0)
    return isinstance(age_s, int | float) and age_s < silent_after_s


def _worker(entry: Document) -> WorkerState:
    """An entry as a worker of any version wrote it, with what it leaves out at its default."""
    read = FieldReader(entry)
    return WorkerState(
        worker_id=str(entry["_id"]),
        slots=read.integer("slots", low=0, high=1_000_000, default=1),
        express_slots=read.integer("express_slots", low=0, high=1_000_000, default=0),
        platforms=read.texts("platforms") if "platforms" in entry else None,
        limits={
            name: limit
            for name, limit in read.table("limits").items()
            if isinstance(limit, int) and limit > 0
        },
        stream=read.text("stream", default="off"),
        draining=read.boolean("draining"),
        check_interval_s=read.number("check_interval_s", low=0, high=1e7, default=10.0),
        priority_check_interval_s=read.number(
            "priority_check_interval_s", low=0, high=1e7, default=3.0
        ),
    )


async def _ahead(mongo: Mongo, document: Document, situation: Situation, held: list[str]) -> int:
    """How many tasks that may start come before this one in queue order."""
    if document.get("status") != TaskStatus.PENDING:
        return 0
    try:
        task = admit(document)
    except InvalidTask:
        return 0
    same: Document = {"immediate": task.immediate}
    before: list[Any] = [] if task.immediate else [{"immediate": True}]
    before += [
        {**same, "priority": {"$lt": task.priority}},
        {
            **same,
            "priority": task.priority,
            "created_at": {"$lt": task.created_at or situation.now},
        },
    ]
    rest = {"status": int(TaskStatus.PENDING), **ORDERLY, **ARMED, **without(held), "$or": before}
    with translated("counting the queue"):
        ready = await mongo.tasks.count_documents({"run_at": None, **rest}, limit=_MOST_AHEAD)
        due = await mongo.tasks.count_documents({**DUE, **rest}, limit=_MOST_AHEAD)
    return ready + due
