"""The edits behind the dashboard's keys: those of `hotstream cancel`, `retry` and `promote`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pymongo

from hotstream_reactive.model.edits import EditName, allowed, state_of
from hotstream_reactive.mongo import edits
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.faults import translated

_READ_S = 5.0


class Edits:
    """Edits a task that is named by its `_id` or `task_id`; False when its state allows it not.

    All raise DatabaseRefused when the user may only read, RefusedByState when the task changes
    under the edit, and DatabaseError when it is unknown whether the edit was written.
    """

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def promote(self, task: Mapping[str, Any]) -> bool:
        """Make a pending task the most urgent, and let it start now."""
        return await self._edit("promote", task)

    async def cancel(self, task: Mapping[str, Any]) -> bool:
        """Cancel a pending or running task."""
        return await self._edit("cancel", task)

    async def retry(self, task: Mapping[str, Any]) -> bool:
        """Run a task again that has ended."""
        return await self._edit("retry", task)

    async def _edit(self, name: EditName, task: Mapping[str, Any]) -> bool:
        judged = await self._find(task)
        if judged is None or not allowed(name, state_of(judged)):
            return False
        return await edits.edit(self._mongo, name, judged) is not None

    async def _find(self, task: Mapping[str, Any]) -> Document | None:
        if "_id" not in task:
            return await edits.find(self._mongo, task["task_id"])
        with translated("reading a task"), pymongo.timeout(_READ_S):
            found = await self._mongo.tasks.find_one({"_id": {"$eq": task["_id"]}}, {"task_id": 1})
        if found is None:
            return None
        document = await edits.find(self._mongo, found.get("task_id", ""))
        # Without a unique index, another task may have the same id.
        return document if document is not None and document["_id"] == found["_id"] else None
