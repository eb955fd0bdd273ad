"""The edits behind the dashboard's keys: what any program may write into a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pymongo

from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.faults import translated

_PENDING, _RUNNING = TaskStatus.PENDING, TaskStatus.RUNNING
_FAILED, _CANCELLED = TaskStatus.FAILED, TaskStatus.CANCELLED
_WRITE_S = 5.0


class Edits:
    """Edits a task that is named by its `_id` or `task_id`; False when its state allows it not.

    All raise DatabaseRefused when the user may only read, and DatabaseError when it is unknown
    whether the edit was written; trying again is safe.
    """

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def promote(self, task: Mapping[str, Any]) -> bool:
        """Make a pending task the most urgent."""
        first = {"priority": 1, "immediate": True, "run_at": None}
        return await self._edit(task, [_PENDING], first)

    async def cancel(self, task: Mapping[str, Any]) -> bool:
        """Cancel a pending or running task."""
        return await self._edit(task, [_PENDING, _RUNNING], {"status": int(_CANCELLED)})

    async def retry(self, task: Mapping[str, Any]) -> bool:
        """Run a failed or cancelled task again, or end the backoff of a waiting one."""
        again = {"status": int(_PENDING), "run_at": None}
        return await self._edit(task, [_PENDING, _FAILED, _CANCELLED], again)

    async def _edit(
        self, task: Mapping[str, Any], states: list[TaskStatus], fields: Document
    ) -> bool:
        named = {name: {"$eq": value} for name, value in task.items()}
        allowed = {"$in": [int(state) for state in states]}
        with translated("editing a task"), pymongo.timeout(_WRITE_S):
            result = await self._mongo.tasks.update_one(
                {**named, "status": allowed},
                {"$set": fields, "$currentDate": {"updated_at": True}},
            )
        return bool(result.matched_count)
