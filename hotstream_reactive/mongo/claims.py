"""Claims: the atomic move from pending to running that makes one worker the owner."""

from __future__ import annotations

from collections.abc import Collection as AnyCollection
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import msgspec
import pymongo
from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from hotstream_reactive.model.place import Place
from hotstream_reactive.model.task import (
    DEFAULT_PRIORITY,
    DEFAULT_RETRIES,
    TaskStatus,
)
from hotstream_reactive.mongo.crowd import Crowd
from hotstream_reactive.mongo.driver import Collection, Document, Driver
from hotstream_reactive.mongo.faults import translate, translated
from hotstream_reactive.mongo.indexes import BY_ID
from hotstream_reactive.mongo.queue import (
    ARMED,
    DUE,
    FIELDS,
    LATER,
    PENDING,
    SMALL,
    URGENT,
    WAITING,
    Queue,
    Room,
    full_platforms,
    without,
)
from hotstream_reactive.mongo.updates import setting

RUNNING = int(TaskStatus.RUNNING)
#: What a claim fills in where a writer left it out, beside the timeout.
DEFAULTS: Document = {
    "priority": DEFAULT_PRIORITY,
    "immediate": False,
    "retry_count": DEFAULT_RETRIES,
    "name": "$task_id",
    "options": {"$literal": {}},
    "storage_config": {"$literal": {}},
    "created_at": "$$NOW",
}
#: A task that was never claimed, has no time and no schedule, and leaves nothing to be filled in.
FRESH: Document = {
    **dict.fromkeys(("run_at", "schedule", "completed_at", "run_number", "rescues", "checkpoint")),
    **{name: {"$ne": None} for name in (*DEFAULTS, "timeout", "current_retry")},
}
#: For a look into the queue, which is repeated without harm. A connection that is being opened to a
#: server that has just been lost is waited for until the operation's own deadline and no sooner:
#: the driver's `connectTimeoutMS` gives way to it, and nobody cuts it as a dead one.
LOOK_S = 5.0


def count_of(field: str) -> Document:
    """The field as a number: `$add` fails on anything else a writer may have put there."""
    return {"$cond": [{"$isNumber": f"${field}"}, f"${field}", 0]}


class Taken(msgspec.Struct, frozen=True):
    """A batch that was claimed, or perhaps was: `failure` is why it is not known.

    `ids` and `lease_ids` belong together one by one; `more` says whether the queue goes on, and
    `urgent_more` whether it goes on with urgent tasks. `place` is where the next look may begin.
    """

    ids: list[Any] = []
    lease_ids: list[str] = []
    more: bool = False
    urgent_more: bool = False
    place: Place | None = None
    failure: PyMongoError | None = None

    def __len__(self) -> int:
        return len(self.ids)


class Claims:
    """Claims tasks for one worker."""

    def __init__(
        self, tasks: Collection, driver: Driver, *, worker_id: str, default_timeout_s: float
    ) -> None:
        self._tasks = tasks
        self._queue = Queue(tasks)
        self._crowd = Crowd()
        self._driver = driver
        self._worker_id = worker_id
        self._default_timeout_s = default_timeout_s

    async def claim_one(
        self,
        document_id: Any,
        *,
        fresh: bool = False,
        urgent_only: bool = False,
        room: Room = MappingProxyType({}),
    ) -> Document | None:
        """Claim this very task in one round trip; None when it is not to be had.

        `fresh` says that the task is a new one, seems complete and is not too large. That is tried
        first, as it is quicker; if the task is not, the claim takes one more round trip.

        Raises:
            DatabaseError: it is unknown whether the claim took place. If it did, the lease runs
                out unused and the task is rescued.
        """
        lease_id = f"{uuid4().hex}-0"
        waiting = {"_id": document_id, **WAITING}
        ready = {
            **waiting,
            "$expr": SMALL,
            "$and": [{"$or": [{"run_at": None}, DUE]}, URGENT if urgent_only else {}],
            **ARMED,
            **without(full_platforms(room)),
        }
        try:
            if fresh and not urgent_only and not room:
                claimed = await self._update({**waiting, **FRESH}, self._owned_fresh(lease_id))
                if claimed is not None:
                    return claimed
            return await self._update(ready, self._owned(lease_id))
        except PyMongoError as error:
            mine = await self._mine([document_id], [lease_id], error)
            return mine[0] if mine else None

    async def _update(self, query: Document, fields: Document) -> Document | None:
        return await self._tasks.find_one_and_update(
            query, setting(fields), projection=FIELDS, return_document=ReturnDocument.AFTER
        )

    async def claim_batch(
        self,
        limit: int,
        *,
        urgent_only: bool = False,
        room: Room = MappingProxyType({}),
        only: AnyCollection[str] | None = None,
    ) -> tuple[list[Document], bool]:
        """Claim up to `limit` tasks in queue order, and say whether there may be more.

        Raises:
            DatabaseError: as for `claim_one`.
        """
        taken = await self.take_batch(limit, urgent_only=urgent_only, room=room, only=only)
        return await self.read(taken), taken.more

    async def take_batch(
        self,
        limit: int,
        *,
        urgent_only: bool = False,
        room: Room = MappingProxyType({}),
        only: AnyCollection[str] | None = None,
        ids: list[Any] | None = None,
        after: Place | None = None,
    ) -> Taken:
        """Claim up to `limit` tasks in queue order; `read` gives their documents.

        Fewer than `limit` and more to be had means that others were quicker. Of a platform in
        `room` no more are claimed than it has room for; `only` looks at these platforms alone,
        `ids` at these documents. All before `after` is known to be gone.

        Raises:
            DatabaseError: the queue could not be read, and nothing was claimed.
        """
        with pymongo.timeout(LOOK_S):
            # Behind a known place, and only there, others may be left what comes next.
            skip = self._crowd.skip(limit) if after is not None and not after.urgent else 0
            page = await self._queue.first(limit, urgent_only, room, only, ids, after, skip)
        ids = page.ids
        if not ids:
            return Taken()
        claim = uuid4().hex
        # Each task gets a lease id of its own, so that a late owner of one task can never be taken
        # for the owner of another from the same batch.
        lease = {
            "$concat": [f"{claim}-", {"$toString": {"$indexOfArray": [{"$literal": ids}, "$_id"]}}]
        }
        failure: PyMongoError | None = None
        try:
            result = await self._tasks.update_many(
                {"_id": {"$in": ids}, **WAITING}, setting(self._owned(lease)), hint=BY_ID
            )
            if after is not None:
                self._crowd.tried(len(ids), result.modified_count)
            if result.modified_count == 0:
                return Taken(more=page.more, urgent_more=page.urgent_more, place=page.place)
        except PyMongoError as error:
            failure = error
        lease_ids = [f"{claim}-{n}" for n in range(len(ids))]
        place = None if failure else page.place
        return Taken(ids, lease_ids, page.more, page.urgent_more, place, failure)

    async def read(self, taken: Taken) -> list[Document]:
        """The documents of a batch that really became ours.

        Raises:
            DatabaseError: as for `claim_one`.
        """
        return await self._mine(taken.ids, taken.lease_ids, taken.failure) if taken else []

    async def next_due_in(self) -> float | None:
        """Seconds until the next delayed task is due, by the server's clock; None if none waits."""
        with translated("looking for the next due task"):
            found = await self._driver.aggregate(
                self._tasks,
                [
                    {"$match": {"status": PENDING, **LATER}},
                    {"$sort": {"run_at": 1}},
                    {"$limit": 1},
                    {"$project": {"wait_ms": {"$subtract": ["$run_at", "$$NOW"]}}},
                ],
            )
        return max(0.0, found[0]["wait_ms"] / 1000) if found else None

    async def _mine(
        self, ids: list[Any], lease_ids: list[str], failure: PyMongoError | None
    ) -> list[Document]:
        """Read back which of the tried claims took place, also after a lost reply."""
        try:
            found = await self._tasks.find(
                {"_id": {"$in": ids}, "status": RUNNING, "lease_id": {"$in": lease_ids}},
                FIELDS,
                # All in one answer; a server left to itself gives 101 first.
                batch_size=len(ids) + 1,
                hint=BY_ID,
            ).to_list(None)
        except PyMongoError as error:
            raise translate(failure or error, "claiming tasks") from error
        # In queue order, as the ids were.
        rank = {lease_id: n for n, lease_id in enumerate(lease_ids)}
        return sorted(found, key=lambda document: rank[document["lease_id"]])

    def _owned_anyhow(self, lease: Any) -> Document:
        """The fields that a claim sets whatever was there before."""
        return {
            "status": RUNNING,
            "worker_id": {"$literal": self._worker_id},
            "lease_id": lease,
            "started_at": "$$NOW",
            "last_heartbeat": "$$NOW",
            "updated_at": "$$NOW",
            "completed_at": None,
            "progress": 0.0,
            "result_count": 0,
        }

    def _owned_fresh(self, lease: Any) -> Document:
        """The fields that a claim sets in a document that is `FRESH`."""
        return {
            **self._owned_anyhow(lease),
            "run_number": 1,
            "rescues": 0,
            "checkpoint": {"$literal": {}},
        }

    def _owned(self, lease: Any) -> Document:
        """The fields a claim sets, with everything a writer left out at its default.

        A task that once ended and was put back to pending by an edit begins a new life: its
        retries, rescues and checkpoint are those of the old one.
        """
        reborn = {"$eq": [{"$type": "$completed_at"}, "date"]}

        def kept(field: str, default: Any) -> Document:
            return {"$cond": [reborn, default, {"$ifNull": [f"${field}", default]}]}

        return {
            **self._owned_anyhow(lease),
            "run_number": {"$add": [count_of("run_number"), 1]},
            "current_retry": kept("current_retry", 0),
            "rescues": kept("rescues", 0),
            "checkpoint": kept("checkpoint", {"$literal": {}}),
            "timeout": {"$ifNull": ["$timeout", self._default_timeout_s]},
            **{name: {"$ifNull": [f"${name}", value]} for name, value in DEFAULTS.items()},
        }
