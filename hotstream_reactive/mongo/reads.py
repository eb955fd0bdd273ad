"""What the command line reads: numbers of tasks, single tasks, items.

Ages are taken by the server's clock. Whatever comes from outside is compared by `$eq`, so that it
stays a value.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from pymongo import DESCENDING

from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.workers import Workers

#: More platforms or workers than anybody wants to read; a hostile writer may invent any number.
_MOST_GROUPS = 1000
_PENDING, _RUNNING = int(TaskStatus.PENDING), int(TaskStatus.RUNNING)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Pending tasks: due now, and delayed by `run_at`; times in seconds, None where not known."""

    due: int = 0
    delayed: int = 0
    oldest_due_age_s: float | None = None
    next_due_in_s: float | None = None


class WorkerSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A worker: its tasks that are running, and the seconds since it was last heard of.

    The rest is from the register, None for a worker that is not in it; `memory_bytes` also for one
    that cannot know.
    """

    worker_id: Any
    running: int = 0
    heartbeat_age_s: float | None = None
    slots: Any = None
    stream: Any = None
    memory_bytes: Any = None


async def counts(mongo: Mongo, field: str | None = None) -> list[tuple[Any, Any, int]]:
    """Numbers of tasks as (status, value of `field`, number), most first, as written.

    Raises:
        DatabaseError: the server failed or took too long.
    """
    group = {"status": "$status", "value": f"${field}" if field else None}
    pipeline: list[Document] = [
        {"$group": {"_id": group, "number": {"$sum": 1}}},
        {"$sort": {"number": -1}},
        {"$limit": _MOST_GROUPS},
    ]
    with translated("counting tasks"):
        found = await mongo.driver.aggregate(mongo.tasks, pipeline)
    return [(row["_id"].get("status"), row["_id"].get("value"), row["number"]) for row in found]


async def waiting(mongo: Mongo) -> Waiting:
    """Pending tasks by whether they could start.

    Raises:
        DatabaseError: the server failed or took too long.
    """
    run_at, created_at = _date("run_at"), _date("created_at")
    pipeline: list[Document] = [
        {"$match": {"status": _PENDING}},
        {
            "$group": {
                "_id": {"$gt": [run_at, "$$NOW"]},
                "number": {"$sum": 1},
                "since": {"$min": {"$max": [created_at, run_at]}},
                "until": {"$min": run_at},
            }
        },
        {"$set": {"age_ms": _age_ms("since"), "until_ms": _age_ms("until")}},
        {"$project": {"number": 1, "age_ms": 1, "until_ms": 1}},
    ]
    with translated("counting waiting tasks"):
        found = await mongo.driver.aggregate(mongo.tasks, pipeline)
    by_delay = {row["_id"]: row for row in found}
    due, delayed = by_delay.get(False, {}), by_delay.get(True, {})
    next_ms = delayed.get("until_ms")
    return Waiting(
        due=due.get("number", 0),
        delayed=delayed.get("number", 0),
        oldest_due_age_s=_seconds(due.get("age_ms")),
        next_due_in_s=None if next_ms is None else -next_ms / 1000,
    )


async def workers(mongo: Mongo) -> list[WorkerSeen]:
    """The workers in the register or with running tasks, the one silent for longest first.

    Raises:
        DatabaseError: the server failed or took too long.
    """
    seen = {repr(worker.worker_id): worker for worker in await _owners(mongo)}
    for entry in await Workers(mongo.workers).all():
        key = repr(entry["_id"])
        known = seen.get(key, WorkerSeen(worker_id=entry["_id"]))
        ages = [age for age in (known.heartbeat_age_s, entry.get("age_s")) if age is not None]
        seen[key] = msgspec.structs.replace(
            known,
            heartbeat_age_s=min(ages, default=None),
            slots=entry.get("slots"),
            stream=entry.get("stream"),
            memory_bytes=entry.get("memory_bytes"),
        )
    return sorted(seen.values(), key=lambda worker: -(worker.heartbeat_age_s or 0.0))


async def _owners(mongo: Mongo) -> list[WorkerSeen]:
    pipeline: list[Document] = [
        {"$match": {"status": _RUNNING}},
        {
            "$group": {
                "_id": "$worker_id",
                "running": {"$sum": 1},
                "beat": {"$max": _date("last_heartbeat")},
            }
        },
        {"$set": {"age_ms": _age_ms("beat")}},
        {"$sort": {"age_ms": -1}},
        {"$limit": _MOST_GROUPS},
        {"$project": {"running": 1, "age_ms": 1}},
    ]
    with translated("reading heartbeats"):
        found = await mongo.driver.aggregate(mongo.tasks, pipeline)
    return [
        WorkerSeen(
            worker_id=row["_id"],
            running=row["running"],
            heartbeat_age_s=_seconds(row.get("age_ms")),
        )
        for row in found
    ]


async def task(mongo: Mongo, task_id: str) -> Document | None:
    """The task document with this id, without its `_id`; None if there is none.

    Raises:
        DatabaseError: the server failed or took too long.
    """
    with translated("reading a task"):
        return await mongo.tasks.find_one({"task_id": {"$eq": task_id}}, {"_id": 0})


async def server_time(mongo: Mongo) -> datetime:
    """The time by the server's clock.

    Raises:
        DatabaseError: the server failed or took too long.
    """
    with translated("reading the server's clock"):
        now: datetime = (await mongo.database.command("hello"))["localTime"]
    return now if now.tzinfo else now.replace(tzinfo=UTC)


async def tasks(mongo: Mongo, filters: Mapping[str, Any], *, limit: int) -> list[Document]:
    """Task documents whose fields equal the filters, newest first.

    Raises:
        DatabaseError: the server failed or took too long.
    """
    query = {name: {"$eq": value} for name, value in filters.items()}
    with translated("reading tasks"):
        cursor = mongo.tasks.find(query, {"_id": 0}, sort=[("_id", DESCENDING)], limit=limit)
        return await cursor.to_list(None)


async def items(
    mongo: Mongo,
    filters: Mapping[str, Any],
    *,
    contains: str | None = None,
    created: Mapping[str, str] | None = None,
    limit: int,
) -> AsyncIterator[Document]:
    """Items whose fields equal the filters, newest first, one at a time.

    Args:
        contains: words that stand in the content just like this, in any case.
        created: bounds of `created_at` by operator (``$gte``, ``$lt``), ISO 8601 in UTC; an item
            without a time lies within none.

    Raises:
        DatabaseError: the server failed or took too long.
    """
    query: Document = {name: {"$eq": value} for name, value in filters.items()}
    if created:
        query["created_at"] = dict(created)
    if contains:
        query["content"] = {"$regex": re.escape(contains), "$options": "i"}
    with translated("reading items"):
        found = mongo.items.find(query, {"_id": 0}, sort=[("_id", DESCENDING)], limit=limit)
        async for document in found:
            yield document


async def sizes(mongo: Mongo) -> dict[str, int]:
    """About how many documents each collection holds, from the server's own books.

    Raises:
        DatabaseError: the server failed or took too long.
    """
    with translated("counting documents"):
        return {
            collection.name: (await mongo.database.command("count", collection.name))["n"]
            for collection in (mongo.tasks, mongo.items, mongo.runs)
        }


def _date(field: str) -> Document:
    """The field where it is a date, else null."""
    return {"$cond": [{"$eq": [{"$type": f"${field}"}, "date"]}, f"${field}", None]}


def _age_ms(field: str) -> Document:
    """How long ago the date was; null stays null."""
    return {"$subtract": ["$$NOW", f"${field}"]}


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
