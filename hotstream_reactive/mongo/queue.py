"""The queue: which waiting tasks come first among those that may start now."""

from __future__ import annotations

import asyncio
from collections.abc import Collection as AnyCollection
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from bson.datetime_ms import DatetimeMS
from loguru import logger

from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.model.bounds import LARGEST_DOCUMENT
from hotstream_reactive.model.place import Place
from hotstream_reactive.model.task import (
    URGENT_PRIORITY,
    Task,
    TaskStatus,
    describe,
    examine,
    too_large,
)
from hotstream_reactive.mongo.driver import Collection, Document
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.indexes import QUEUE_ORDER
from hotstream_reactive.mongo.refusal import refuse

PENDING = int(TaskStatus.PENDING)
#: What a document is read with: known fields only, however much a writer put beside them.
FIELDS = dict.fromkeys((*Task.__struct_fields__[1:],), 1)
#: An array such as `[0]` is equal to 0 for the server, and is no status.
WAITING = {"status": {"$eq": PENDING, "$not": {"$type": "array"}}}
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
URGENT = {"$or": [{"immediate": True}, {"priority": {"$gte": 1, "$lte": URGENT_PRIORITY}}]}
DUE = {"$expr": {"$lte": ["$run_at", "$$NOW"]}, "run_at": {"$type": "date"}}
LATER = {"$expr": {"$gt": ["$run_at", "$$NOW"]}, "run_at": {"$type": "date"}}
#: A document that a claim may add its fields to, far from the 16 MB where that fails.
SMALL = {"$lte": [{"$bsonSize": "$$ROOT"}, LARGEST_DOCUMENT]}
_CANDIDATE = {
    **dict.fromkeys(("immediate", "priority", "created_at", "platform", "task_id"), 1),
    "size": {"$bsonSize": "$$ROOT"},
}
#: How many more tasks of a platform may start; a platform that is not in it has no limit.
Room = Mapping[str, int]


class Page(NamedTuple):
    """The first ids of the queue, and whether more may follow, also more urgent ones.

    `place` is where the next look may begin, if nothing comes before it meanwhile.
    """

    ids: list[Any]
    more: bool
    urgent_more: bool
    place: Place | None


class Queue:
    """Reads the queue, and sets aside what would block it."""

    def __init__(self, tasks: Collection) -> None:
        self._tasks = tasks

    async def first(
        self,
        limit: int,
        urgent_only: bool,
        room: Room,
        only: AnyCollection[str] | None,
        ids: list[Any] | None = None,
        after: Place | None = None,
        skip: int = 0,
    ) -> Page:
        """What comes first in queue order among what may start now; of `ids`, if given.

        With `after`, what stands before that place is known to be gone; `skip` passes over so many
        behind it, which are left to others.

        Raises:
            DatabaseError: unknown.
        """
        full = full_platforms(room)
        kept: list[Document] = []
        whole = not (urgent_only or full or room or only is not None or ids is not None)
        while True:
            among = without(full) if only is None else {"platform": {"$in": sorted({*only} - full)}}
            if ids is not None:
                among = {**among, "_id": {"$in": ids}}
            found = await self._ready_and_due(limit, urgent_only, among, after, skip)
            if after is not None and len(found) < limit:
                # That was all there is of its kind.
                after, skip = None, 0
                continue
            found = (sorted(kept + found, key=_place) if kept else found)[:limit]
            limited = _by_platform(found) if room else {}
            over = {
                platform: own[: room[platform]]
                for platform, own in limited.items()
                if platform not in full and len(own) > room.get(platform, limit)
            }
            if not over:
                more = len(found) == limit
                urgent_more = more and _is_urgent(found[-1])
                place = after if skip else Place.of(found[-1]) if more and whole else None
                return Page([document["_id"] for document in found], more, urgent_more, place)
            # What stands behind a platform's last place makes room for others further back.
            full |= over.keys()
            kept += [document for own in over.values() for document in own]

    async def _ready_and_due(
        self, limit: int, urgent_only: bool, among: Document, after: Place | None, skip: int
    ) -> list[Document]:
        """The first `limit` documents that are ready, and as many that are due, in order."""
        rest = {**ORDERLY, **ARMED, **among}
        ready = {**WAITING, "run_at": None, **rest}
        due = {**WAITING, **DUE, **rest}
        if after is not None:
            ready |= {
                "immediate": after.immediate,
                "priority": after.priority,
                "created_at": {"$gte": after.created_at},
            }
        unreadable = 0
        while True:
            with translated("reading the queue"):
                found_ready, found_due = await asyncio.gather(
                    *(
                        self._tasks.find(
                            query,
                            _CANDIDATE,
                            sort=QUEUE_ORDER,
                            skip=passed_over,
                            limit=limit + unreadable,
                            batch_size=limit + unreadable,
                        ).to_list(None)
                        for query, passed_over in ((ready, skip), (due, 0))
                    )
                )
            all_found = found_ready + found_due
            if found_ready and found_due:
                all_found.sort(key=_place)
            for document in all_found:
                if document["size"] > LARGEST_DOCUMENT:
                    await self._set_aside(document)
            found = [document for document in all_found if _can_be_claimed(document)]
            # What can never be claimed must not stand before what can.
            if len(all_found) - len(found) <= unreadable:
                break
            unreadable = len(all_found) - len(found)
        if urgent_only:
            found = [document for document in found if _is_urgent(document)]
        return found

    async def _set_aside(self, document: Document) -> None:
        """Refuse what could outgrow 16 MB by the fields of a claim, and would block all behind."""
        if not _has_usable_id(document):
            return
        # What cannot be refused either is passed over, now and the next time.
        with suppress(DatabaseError):
            with translated("reading a task that is too large"):
                whole = await self._tasks.find_one({"_id": document["_id"]}, FIELDS)
            message = describe([*examine(whole or {})[1], too_large(document["size"]) or ""])
            if await refuse(self._tasks, {"_id": document["_id"], **WAITING}, message):
                name = document.get("task_id")
                known = {"task_id": name} if isinstance(name, str) else {}
                logger.bind(**known).warning("refused error={}", message)


def _has_usable_id(document: Document) -> bool:
    """Whether it can be found by its `_id` again: broken UTF-8 was replaced on reading."""
    return "\ufffd" not in repr(document["_id"])


def _can_be_claimed(document: Document) -> bool:
    return _has_usable_id(document) and too_large(document["size"]) is None


def without(platforms: AnyCollection[str]) -> Document:
    """A filter that leaves out tasks of these platforms; none at all costs nothing."""
    return {"platform": {"$nin": sorted(platforms)}} if platforms else {}


def full_platforms(room: Room) -> set[str]:
    return {platform for platform, left in room.items() if left <= 0}


def _by_platform(documents: Iterable[Document]) -> dict[str, list[Document]]:
    """The documents by platform in their order; what is no text has no limit either."""
    found: dict[str, list[Document]] = {}
    for document in documents:
        if isinstance(platform := document.get("platform"), str):
            found.setdefault(platform, []).append(document)
    return found


def _is_urgent(document: Document) -> bool:
    return document["immediate"] or _place(document)[1] <= URGENT_PRIORITY


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
