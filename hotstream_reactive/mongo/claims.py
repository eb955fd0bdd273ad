"""Claims: the atomic move from pending to running that makes one worker the owner."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from hotstream_reactive.model.task import (
    DEFAULT_PRIORITY,
    DEFAULT_RETRIES,
    URGENT_PRIORITY,
    Task,
    TaskStatus,
)
from hotstream_reactive.mongo.driver import Collection, Document, Driver
from hotstream_reactive.mongo.faults import translate, translated
from hotstream_reactive.mongo.indexes import QUEUE_ORDER

PENDING = int(TaskStatus.PENDING)
RUNNING = int(TaskStatus.RUNNING)

#: Only documents whose sort keys have their proper types stand in the queue: a missing or NaN
#: priority sorts before 1 and would jump it. Intake puts the others in order or refuses them.
ORDERLY = {
    "immediate": {"$in": [True, False]},
    "priority": {"$gte": 1, "$lte": 10},
    "created_at": {"$type": "date"},
}
#: What `armed_for` must be for `run_at` to belong to the present schedule.
ARMING = {
    "$concat": [
        "$schedule",
        "|",
        {"$cond": [{"$eq": [{"$type": "$timezone"}, "string"]}, "$timezone", ""]},
    ]
}
_SCHEDULED = {"schedule": {"$type": "string", "$ne": ""}}
UNARMED = {
    **_SCHEDULED,
    "$expr": {
        "$ne": [
            "$armed_for",
            {"$cond": [{"$eq": [{"$type": "$schedule"}, "string"]}, ARMING, None]},
        ]
    },
}
#: A task with a schedule waits until intake has computed when it is due.
ARMED = {"$nor": [UNARMED]}
DUE = {"$expr": {"$lte": ["$run_at", "$$NOW"]}, "run_at": {"$type": "date"}}
_LATER = {"$expr": {"$gt": ["$run_at", "$$NOW"]}, "run_at": {"$type": "date"}}
_SORT_KEYS = {"immediate": 1, "priority": 1, "created_at": 1}

#: What a claimed document is read with: known fields only, however much a writer put beside them.
FIELDS = dict.fromkeys((*Task.__struct_fields__[1:],), 1)


def count_of(field: str) -> Document:
    """The field as a number: `$add` fails on anything else a writer may have put there."""
    return {"$cond": [{"$isNumber": f"${field}"}, f"${field}", 0]}


class Claims:
    """Claims tasks for one worker."""

    def __init__(
        self, tasks: Collection, driver: Driver, *, worker_id: str, default_timeout_s: float
    ) -> None:
        self._tasks = tasks
        self._driver = driver
        self._worker_id = worker_id
        self._default_timeout_s = default_timeout_s

    async def claim_one(self, document_id: Any) -> Document | None:
        """Claim this very task in one round trip; None when it is not to be had.

        Raises:
            DatabaseError: it is unknown whether the claim took place. If it did, the lease runs
                out unused and the task is rescued.
        """
        lease_id = f"{uuid4().hex}-0"
        try:
            return await self._tasks.find_one_and_update(
                {
                    "_id": document_id,
                    "status": PENDING,
                    "$or": [{"run_at": None}, DUE],
                    **ARMED,
                },
                [{"$set": self._owned(lease_id)}],
                projection=FIELDS,
                return_document=ReturnDocument.AFTER,
            )
        except PyMongoError as error:
            mine = await self._mine([document_id], [lease_id], error)
            return mine[0] if mine else None

    async def claim_batch(
        self, limit: int, *, urgent_only: bool = False
    ) -> tuple[list[Document], bool]:
        """Claim up to `limit` tasks in queue order, and say whether there may be more.

        Fewer than `limit` and more to be had means that others were quicker.

        Raises:
            DatabaseError: as for `claim_one`.
        """
        ids = await self._candidates(limit, urgent_only)
        if not ids:
            return [], False
        more = len(ids) == limit
        claim = uuid4().hex
        # Each task gets a lease id of its own, so that a late owner of one task can never be taken
        # for the owner of another from the same batch.
        lease = {
            "$concat": [f"{claim}-", {"$toString": {"$indexOfArray": [{"$literal": ids}, "$_id"]}}]
        }
        failure: PyMongoError | None = None
        try:
            result = await self._tasks.update_many(
                {"_id": {"$in": ids}, "status": PENDING}, [{"$set": self._owned(lease)}]
            )
            if result.modified_count == 0:
                return [], more
        except PyMongoError as error:
            failure = error
        return await self._mine(ids, [f"{claim}-{n}" for n in range(len(ids))], failure), more

    async def next_due_in(self) -> float | None:
        """Seconds until the next delayed task is due, by the server's clock; None if none waits."""
        with translated("looking for the next due task"):
            found = await self._driver.aggregate(
                self._tasks,
                [
                    {"$match": {"status": PENDING, **_LATER}},
                    {"$sort": {"run_at": 1}},
                    {"$limit": 1},
                    {"$project": {"wait_ms": {"$subtract": ["$run_at", "$$NOW"]}}},
                ],
            )
        return max(0.0, found[0]["wait_ms"] / 1000) if found else None

    async def _candidates(self, limit: int, urgent_only: bool) -> list[Any]:
        """The ids that come first in queue order among what may start now."""
        ready = {"status": PENDING, "run_at": None, **ORDERLY, **ARMED}
        due = {"status": PENDING, **DUE, **ORDERLY, **ARMED}
        with translated("reading the queue"):
            found = [
                document
                for query in (ready, due)
                for document in await self._tasks.find(
                    query, _SORT_KEYS, sort=QUEUE_ORDER, limit=limit
                ).to_list(None)
            ]
        found.sort(key=lambda doc: (not doc["immediate"], doc["priority"], doc["created_at"]))
        if urgent_only:
            found = [d for d in found if d["immediate"] or d["priority"] <= URGENT_PRIORITY]
        return [document["_id"] for document in found[:limit]]

    async def _mine(
        self, ids: list[Any], lease_ids: list[str], failure: PyMongoError | None
    ) -> list[Document]:
        """Read back which of the tried claims took place, also after a lost reply."""
        try:
            return await self._tasks.find(
                {"_id": {"$in": ids}, "status": RUNNING, "lease_id": {"$in": lease_ids}},
                FIELDS,
                sort=QUEUE_ORDER,
            ).to_list(None)
        except PyMongoError as error:
            raise translate(failure or error, "claiming tasks") from error

    def _owned(self, lease: Any) -> Document:
        """The fields a claim sets, with everything a writer left out at its default.

        A task that once ended and was put back to pending by an edit begins a new life: its
        retries, rescues and checkpoint are those of the old one.
        """
        reborn = {"$eq": [{"$type": "$completed_at"}, "date"]}

        def kept(field: str, default: Any) -> Document:
            return {"$cond": [reborn, default, {"$ifNull": [f"${field}", default]}]}

        return {
            "status": RUNNING,
            "worker_id": self._worker_id,
            "lease_id": lease,
            "started_at": "$$NOW",
            "last_heartbeat": "$$NOW",
            "updated_at": "$$NOW",
            "completed_at": None,
            "progress": 0.0,
            "result_count": 0,
            "run_number": {"$add": [count_of("run_number"), 1]},
            "current_retry": kept("current_retry", 0),
            "rescues": kept("rescues", 0),
            "checkpoint": kept("checkpoint", {"$literal": {}}),
            "priority": {"$ifNull": ["$priority", DEFAULT_PRIORITY]},
            "immediate": {"$ifNull": ["$immediate", False]},
            "retry_count": {"$ifNull": ["$retry_count", DEFAULT_RETRIES]},
            "timeout": {"$ifNull": ["$timeout", self._default_timeout_s]},
            "name": {"$ifNull": ["$name", "$task_id"]},
            "options": {"$ifNull": ["$options", {"$literal": {}}]},
            "storage_config": {"$ifNull": ["$storage_config", {"$literal": {}}]},
            "created_at": {"$ifNull": ["$created_at", "$$NOW"]},
        }
