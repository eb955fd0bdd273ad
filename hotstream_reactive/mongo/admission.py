"""Documents that cannot stand in the queue as they are: found, put in order, or refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo.driver import Collection, Document
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.indexes import UNENDED
from hotstream_reactive.mongo.queue import DUE, FIELDS, PENDING, UNARMED
from hotstream_reactive.mongo.refusal import refuse

_BOOLEAN = {"immediate": {"$in": [True, False]}}
_RANKED = {**_BOOLEAN, "priority": {"$gte": 1, "$lte": 10}}
_DATE = {"$gte": datetime(1, 1, 1, tzinfo=UTC)}
#: Sort keys of a wrong type, in the order of the index and with bounds that it can seek to: with
#: `$type`, or with all in one condition, every pending document would be read.
_NOT_SORTABLE: list[Document] = [
    {"immediate": {"$nin": [True, False]}},
    {**_BOOLEAN, "priority": {"$not": {"$gte": 1}}},
    {**_BOOLEAN, "priority": {"$gt": 10}},
    {**_RANKED, "created_at": {"$not": _DATE}},
]
DISORDERLY: Document = {
    "$or": [
        {"status": {"$nin": [int(status) for status in TaskStatus]}},
        # `[0]` is equal to 0 for the server.
        {"status": {"$type": "array"}},
        *({"status": PENDING, "run_at": None, **wrong} for wrong in _NOT_SORTABLE),
        *({"status": PENDING, **DUE, **wrong} for wrong in _NOT_SORTABLE),
        {"status": PENDING, "run_at": {"$exists": True, "$ne": None, "$not": _DATE}},
        {"status": PENDING, **UNARMED},
    ]
}
#: The one thing that must not have changed between reading a document and writing to it.
_SEEN = ("status", "priority", "immediate", "created_at", "run_at", "schedule", "timezone")
#: With the server's time of the reading, for schedules.
_READ = {**FIELDS, "now": "$$NOW", "size": {"$bsonSize": "$$ROOT"}}


class Admission:
    """Intake's view of the tasks collection."""

    def __init__(self, tasks: Collection) -> None:
        self._tasks = tasks

    async def disorderly(self, limit: int) -> list[Document]:
        """Documents without a usable status, and pending ones that cannot stand in the queue.

        Those have sort keys of a wrong type, or a schedule for which no time was computed yet. The
        field `now` is the server's time, `size` the bytes of the whole document.

        Raises:
            DatabaseError: nothing is known.
        """
        with translated("looking for documents to admit"):
            return await self._tasks.find(DISORDERLY, _READ, limit=limit).to_list(None)

    async def put_in_order(self, document: Document, fields: Document) -> bool:
        """Set the defaults a writer left out; False when the document changed meanwhile.

        Raises:
            DatabaseError: unknown whether it was written.
        """
        missing = {"created_at": "$$NOW"} if "created_at" not in fields else {}
        literal = {name: {"$literal": value} for name, value in fields.items()}
        with translated("admitting a task"):
            result = await self._tasks.update_one(
                _unchanged(document), [{"$set": {**literal, **missing}}]
            )
        return bool(result.matched_count)

    async def refuse(self, document: Document, message: str) -> bool:
        """End a document as failed, leaving the writer's own fields as they are.

        Raises:
            DatabaseError: unknown whether it was written.
        """
        return await refuse(self._tasks, _unchanged(document), message)

    async def end_cancelled(self) -> None:
        """Note the end of tasks that were cancelled while they waited: nobody ran them.

        Put back to pending they then begin a new life, as after any other end.

        Raises:
            DatabaseError: some may be left for the next time.
        """
        with translated("ending cancelled tasks"):
            await self._tasks.update_many(UNENDED, [{"$set": {"completed_at": "$$NOW"}}])


def _unchanged(document: Document) -> Document:
    """Match the document only while the fields that were judged are as they were read.

    `$eq` compares within the server's own order, where NaN equals NaN, and takes a value such as
    ``{"$gt": 1}`` as a value.
    """
    same: list[Any] = []
    for name in _SEEN:
        value = document.get(name)
        if isinstance(value, str) and "\ufffd" in value:
            # Broken UTF-8 was replaced on reading, so the value itself cannot be compared.
            same.append({"$eq": [{"$type": f"${name}"}, "string"]})
        else:
            same.append({"$eq": [{"$ifNull": [f"${name}", None]}, {"$literal": value}]})
    return {"_id": document["_id"], "$expr": {"$and": same}}
