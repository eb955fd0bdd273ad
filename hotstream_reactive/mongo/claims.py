"""Claims: the atomic move from pending to running that makes one worker the owner."""

from __future__ import annotations

from collections.abc import Collection as AnyCollection
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import msgspec
from bson.datetime_ms import DatetimeMS
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
_CANDIDATE = {"immediate": 1, "priority": 1, "created_at": 1, "platform": 1}
#: How many more tasks of a platform may start; a platform that is not in it has no limit.
Room = Mapping[str, int]

#: What a claimed document is read with: known fields only, however much a writer put beside them.
FIELDS = dict.fromkeys((*Task.__struct_fields__[1:],), 1)


def count_of(field: str) -> Document:
    """The field as a number: `$add` fails on anything else a writer may have put there."""
    return {"$cond": [{"$isNumber": f"${field}"}, f"${field}", 0]}


class Taken(msgspec.Struct, frozen=True):
    """A batch that was claimed, or perhaps was: `failure` is why it is not known.

    `ids` and `lease_ids` belong together one by one; `more` says whether the queue goes on.
    """

    ids: list[Any] = []
    lease_ids: list[str] = []
    more: bool = False
    failure: PyMongoError | None = None

    def __len__(self) -> int:
        return len(self.ids)


class Claims:
    """Claims tasks for one worker."""

    def __init__(
        self, tasks: Collection, driver: Driver, *, worker_id: str, default_timeout_s: float
    ) -> None:
        self._tasks = tasks
        self._driver = driver
        self._worker_id = worker_id
        self._default_timeout_s = default_timeout_s

    async def claim_one(
        self, document_id: Any, *, room: Room = MappingProxyType({})
    ) -> Document | None:
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
                    **without(_full(room)),
                },
                [{"$set": self._owned(lease_id)}],
                projection=FIELDS,
                return_document=ReturnDocument.AFTER,
            )
        except PyMongoError as error:
            mine = await self._mine([document_id], [lease_id], error)
            return mine[0] if mine else None

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
    ) -> Taken:
        """Claim up to `limit` tasks in queue order; `read` gives their documents.

        Fewer than `limit` and more to be had means that others were quicker. Of a platform in
        `room` no more are claimed than it has room for; `only` looks at these platforms alone.

        Raises:
            DatabaseError: the queue could not be read, and nothing was claimed.
        """
        ids = await self._candidates(limit, urgent_only, room, only)
        more = len(ids) == limit
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
                {"_id": {"$in": ids}, "status": PENDING}, [{"$set": self._owned(lease)}]
            )
            if result.modified_count == 0:
                return Taken(more=more)
        except PyMongoError as error:
            failure = error
        return Taken(ids, [f"{claim}-{n}" for n in range(len(ids))], more=more, failure=failure)

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
                    {"$match": {"status": PENDING, **_LATER}},
                    {"$sort": {"run_at": 1}},
                    {"$limit": 1},
                    {"$project": {"wait_ms": {"$subtract": ["$run_at", "$$NOW"]}}},
                ],
            )
        return max(0.0, found[0]["wait_ms"] / 1000) if found else None

    async def _candidates(
        self, limit: int, urgent_only: bool, room: Room, only: AnyCollection[str] | None
    ) -> list[Any]:
        """The ids that come first in queue order among what may start now."""
        full = _full(room)
        kept: list[Document] = []
        while True:
            among = without(full) if only is None else {"platform": {"$in": sorted({*only} - full)}}
            found = kept + await self._first(limit, urgent_only, among)
            found = sorted(found, key=_place)[:limit]
            over = {
                platform: own[: room[platform]]
                for platform, own in _by_platform(found).items()
                if platform not in full and len(own) > room.get(platform, limit)
            }
            if not over:
                return [document["_id"] for document in found]
            # What stands behind a platform's last place makes room for others further back.
            full |= over.keys()
            kept += [document for own in over.values() for document in own]

    async def _first(self, limit: int, urgent_only: bool, among: Document) -> list[Document]:
        """The first `limit` documents that are ready, and as many that are due."""
        rest = {**ORDERLY, **ARMED, **among}
        ready = {"status": PENDING, "run_at": None, **rest}
        due = {"status": PENDING, **DUE, **rest}
        unreadable = 0
        while True:
            with translated("reading the queue"):
                all_found = [
                    document
                    for query in (ready, due)
                    for document in await self._tasks.find(
                        query, _CANDIDATE, sort=QUEUE_ORDER, limit=limit + unreadable
                    ).to_list(None)
                ]
            found = [document for document in all_found if _has_usable_id(document)]
            # What can never be claimed must not stand before what can.
            if len(all_found) - len(found) <= unreadable:
                break
            unreadable = len(all_found) - len(found)
        if urgent_only:
            found = [d for d in found if d["immediate"] or _place(d)[1] <= URGENT_PRIORITY]
        return found

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
            "worker_id": {"$literal": self._worker_id},
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


def _has_usable_id(document: Document) -> bool:
    """Whether it can be found by its `_id` again: broken UTF-8 was replaced on reading."""
    return "\ufffd" not in repr(document["_id"])


def without(platforms: AnyCollection[str]) -> Document:
    """A filter that leaves out tasks of these platforms; none at all costs nothing."""
    return {"platform": {"$nin": sorted(platforms)}} if platforms else {}


def _full(room: Room) -> set[str]:
    return {platform for platform, left in room.items() if left <= 0}


def _by_platform(documents: Iterable[Document]) -> dict[str, list[Document]]:
    """The documents by platform in their order; what is no text has no limit either."""
    found: dict[str, list[Document]] = {}
    for document in documents:
        if isinstance(platform := document.get("platform"), str):
            found.setdefault(platform, []).append(document)
    return found


def _place(document: Document) -> tuple[bool, float, int]:
    """The place in the queue, by value and whatever the type.

    Decimal128 does not compare with numbers, nor a date beyond the calendar with one inside. An
    array that matched by one of its elements comes first, to be refused once it is claimed.
    """
    priority, created = document["priority"], document["created_at"]
    if isinstance(created, datetime):
        created = DatetimeMS(created)
    return (
        not document["immediate"],
        0.0 if isinstance(priority, list) else float(str(priority)),
        int(created) if isinstance(created, DatetimeMS) else 0,
    )
