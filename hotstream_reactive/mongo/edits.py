"""Writing the edits of the command line: cancel, retry, promote.

Every write is bound to what was judged: the very document, its status, its lease and its run. So a
task that was claimed, ended or run again in between is not touched, and is judged anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pymongo
from pymongo import UpdateMany

from hotstream_reactive.errors import RefusedByState
from hotstream_reactive.model.edits import (
    EditName,
    Promotion,
    allowed,
    fields,
    same_life,
    state_of,
)
from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.queue import FIELDS

#: More than this at a time is not held in memory.
MOST = 100_000
_CHUNK = 1_000
_WRITE_S = 10.0
_READ_S = 20.0
_ATTEMPTS = 5
_JUDGED = ("status", "lease_id", "run_number")
_ENDS = ("completed_at", "worker_id", "error_message")
_ONE: Document = {**FIELDS, **dict.fromkeys(_ENDS, 1)}
_LIFE = ("completed_at", "current_retry", "rescues")
_MANY: Document = {
    **dict.fromkeys(("task_id", *_LIFE, *_JUDGED), 1),
    # Only whether there is one: it may be as large as a document can be.
    "checkpoint": {"$ne": [{"$ifNull": ["$checkpoint", {"$literal": {}}]}, {"$literal": {}}]},
}
_NOW = {"$currentDate": {"updated_at": True}}


async def find(mongo: Mongo, task_id: str) -> Document | None:
    """The document as edits judge it, with its `_id`; None if there is none.

    Raises:
        DatabaseError: unknown.
    """
    with translated("reading a task"), pymongo.timeout(_WRITE_S):
        return await mongo.tasks.find_one({"task_id": {"$eq": task_id}}, _ONE)


async def edit(
    mongo: Mongo, name: EditName, judged: Document, promotion: Promotion | None = None
) -> Document | None:
    """Edit a task as it was judged, also when it was claimed meanwhile.

    Returns:
        The document as it was just before; None when the state it has come to does not allow the
        edit any more.

    Raises:
        RefusedByState: it was run again meanwhile, or changes too quickly.
        DatabaseError: unknown whether it was written; trying again is safe.
    """
    now: Document | None = judged
    for _ in range(_ATTEMPTS):
        if now is None or not allowed(name, state_of(now)):
            return None
        if now is not judged and not same_life(judged, now):
            raise RefusedByState(
                f"task {judged['task_id']!r} was run again while you looked; "
                f"look at it, and say it once more if you mean it"
            )
        update = {"$set": fields(name, now, promotion), **_NOW}
        with translated("editing a task"), pymongo.timeout(_WRITE_S):
            result = await mongo.tasks.update_one(_as_judged(now), update)
            if result.matched_count:
                return now
            now = await mongo.tasks.find_one({"_id": {"$eq": judged["_id"]}}, _ONE)
    raise RefusedByState(f"task {judged['task_id']!r} changes too quickly; try again")


async def select(
    mongo: Mongo, states: Iterable[TaskStatus], *, platform: str | None
) -> list[Document]:
    """The tasks in these states, newest first and `MOST` at most, as `edit_all` takes them.

    Raises:
        DatabaseError: unknown.
    """
    query: Document = {"status": {"$in": [int(state) for state in states]}}
    if platform is not None:
        query["platform"] = {"$eq": platform}
    with translated("selecting tasks"), pymongo.timeout(_READ_S):
        found = mongo.tasks.find(query, _MANY, sort=[("_id", -1)], limit=MOST)
        return await found.to_list(None)


async def edit_all(
    mongo: Mongo, name: EditName, judged: Sequence[Document], promotion: Promotion | None = None
) -> int:
    """Edit the tasks that are still as they were judged; gives their number.

    Raises:
        DatabaseError: some may be written; trying again is safe.
    """
    written = 0
    for place in range(0, len(judged), _CHUNK):
        writes = _writes(name, judged[place : place + _CHUNK], promotion)
        with translated("editing tasks"), pymongo.timeout(_WRITE_S):
            result = await mongo.tasks.bulk_write(writes, ordered=False)
        written += result.matched_count
    return written


def _writes(
    name: EditName, judged: Sequence[Document], promotion: Promotion | None
) -> list[UpdateMany]:
    """One statement for all that are in the same state and get the same fields."""
    groups: dict[str, list[Document]] = {}
    for document in judged:
        key = repr((state_of(document), fields(name, document, promotion)))
        groups.setdefault(key, []).append(document)
    return [
        UpdateMany(
            {
                "_id": {"$in": [document["_id"] for document in group]},
                "status": {"$eq": group[0].get("status")},
                # No two runs share a lease, so a task that was run again has another one.
                "lease_id": {"$in": [document.get("lease_id") for document in group]},
            },
            {"$set": fields(name, group[0], promotion), **_NOW},
        )
        for group in groups.values()
    ]


def _as_judged(document: Document) -> Document:
    """Match the document only as it was read; values are compared as values, of whatever type."""
    same: list[Any] = [
        {"$eq": [{"$ifNull": [f"${name}", None]}, {"$literal": document.get(name)}]}
        for name in _JUDGED
    ]
    return {"_id": {"$eq": document["_id"]}, "$expr": {"$and": same}}
