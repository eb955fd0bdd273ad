"""Refusals: a document that cannot be run ends as failed, the writer's own fields as written."""

from __future__ import annotations

from pymongo.errors import OperationFailure, WriteError

from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo.driver import Collection, Document
from hotstream_reactive.mongo.faults import translated

#: BSONObjectTooLarge, as an update that makes a document grow beyond 16 MB says it.
_NO_ROOM = frozenset({10334, 17419})


async def refuse(tasks: Collection, wanted: Document, message: str) -> bool:
    """End the one document that `wanted` matches; False when none does any more.

    A document so near to 16 MB that no message fits in gets only its status: that has room where
    the old one was.

    Raises:
        DatabaseError: unknown whether it was written.
    """
    failed = {
        "status": int(TaskStatus.FAILED),
        "error_message": {"$literal": message},
        "updated_at": "$$NOW",
        "completed_at": "$$NOW",
    }
    with translated("refusing a task"):
        try:
            result = await tasks.update_one(wanted, [{"$set": failed}])
        except (WriteError, OperationFailure) as error:
            if error.code not in _NO_ROOM:
                raise
            bare = {"status": int(TaskStatus.FAILED)}
            result = await tasks.update_one(wanted, {"$set": bare})
    return bool(result.matched_count)
