"""Writing a task, as any external application does: one plain insert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson.errors import BSONError
from pymongo.errors import DocumentTooLarge, DuplicateKeyError, OperationFailure

from hotstream_reactive.errors import InvalidTask, RefusedByState
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.indexes import TASK_INDEXES

_UNIQUE_ID = next(index for index in TASK_INDEXES if index.document["unique"])


async def submit(mongo: Mongo, document: Mapping[str, Any]) -> None:
    """Insert a task document unless there is one with its `task_id`.

    Raises:
        RefusedByState: there is one.
        InvalidTask: a value cannot be stored, e.g. a number beyond 64 bits.
        DatabaseError: unknown whether it was inserted; trying again is safe.
    """
    task_id = document["task_id"]
    with translated("creating a task"):
        try:
            # In a fresh database only this index keeps two writers from the same id.
            await mongo.tasks.create_indexes([_UNIQUE_ID])
        except OperationFailure:
            # Not allowed, or old doubles are in its way (`init` tells of it): the look below
            # refuses all but an insert of the very same moment.
            unique = False
        else:
            unique = True
        try:
            if not unique and await mongo.tasks.find_one({"task_id": {"$eq": task_id}}, {"_id": 1}):
                raise _taken(task_id)
            await mongo.tasks.insert_one(dict(document))
        except DuplicateKeyError:
            raise _taken(task_id) from None
        except (BSONError, DocumentTooLarge, OverflowError) as error:
            raise InvalidTask(f"invalid task: it cannot be stored: {error}") from None


def _taken(task_id: str) -> RefusedByState:
    return RefusedByState(f"task {task_id!r} exists already")
