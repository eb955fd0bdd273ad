"""What `list`, `show` and `watch` read: rows of tasks, and the runs of one.

Everything is bounded on the server: the time, the number, and what of a hostile document is sent.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pymongo

from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo.board_feed import small
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.indexes import QUEUE_ORDER
from hotstream_reactive.mongo.queue import DUE

#: For the server and for this side: a client with a time-out of its own sends that instead of
#: `maxTimeMS`, so this is set by the driver's.
_LONGEST_S = 2.0
_NEWEST = [("_id", -1)]
_PENDING = int(TaskStatus.PENDING)
_NAMES = (
    *("platform", "task_type", "status", "priority", "immediate", "progress", "result_count"),
    *("run_at", "created_at", "started_at", "completed_at", "updated_at", "last_heartbeat"),
    *("worker_id", "current_retry", "retry_count", "run_number", "schedule", "timezone"),
)
#: A row of a task; `now` is the server's time.
ROW: Document = {
    "task_id": small("$task_id", 200),
    "name": small("$name", 500),
    **{name: small(f"${name}", 200) for name in _NAMES},
    "error_message": small("$error_message", 1000),
    "limit": small("$options.limit"),
    "now": "$$NOW",
}


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks; None does not narrow. `invalid` are those whose status is none."""

    status: TaskStatus | Literal["invalid"] | None = None
    platform: str | None = None
    worker: str | None = None
    due: bool | None = None


async def rows(mongo: Mongo, filters: Filters, *, limit: int) -> list[Document]:
    """Rows of tasks, newest first; due ones in queue order, delayed ones by when they are due.

    Raises:
        DatabaseError: the server failed or took too long.
    """
    pipeline: list[Document] = [
        {"$match": _query(filters)},
        {"$sort": dict(_order(filters))},
        {"$limit": limit},
        {"$project": {**ROW, "_id": 0}},
    ]
    with translated("listing tasks (--status narrows it)"), pymongo.timeout(_LONGEST_S):
        return await mongo.driver.aggregate(mongo.tasks, pipeline)


async def runs(mongo: Mongo, task_id: str, *, limit: int) -> list[Document]:
    """The last runs of a task, newest first, without their `_id`.

    Raises:
        DatabaseError: the server failed or took too long.
    """
    with translated("reading the runs of a task"), pymongo.timeout(_LONGEST_S):
        return await mongo.runs.find(
            {"task_id": {"$eq": task_id}},
            {"_id": 0},
            sort=[("claimed_at", -1)],
            limit=limit,
        ).to_list(None)


def _query(filters: Filters) -> Document:
    query: Document = {}
    if filters.status == "invalid":
        query["status"] = {"$nin": [int(status) for status in TaskStatus]}
    elif filters.status is not None:
        query["status"] = int(filters.status)
    for name, value in (("platform", filters.platform), ("worker_id", filters.worker)):
        if value is not None:
            query[name] = {"$eq": value}
    if filters.due is not None:
        late: list[Any] = [{"run_at": None}, DUE]
        query |= {"status": _PENDING, **({"$or": late} if filters.due else {"$nor": late})}
    return query


def _order(filters: Filters) -> list[tuple[str, int]]:
    if filters.due is None:
        return _NEWEST
    return list(QUEUE_ORDER) if filters.due else [("run_at", 1)]
