"""The change stream on `tasks`, as a sequence of changes.

The server filters: only what may start or stop a task reaches a worker, heartbeats and progress
never do. Nothing is looked up afterwards (`updateLookup`), so one huge document cannot stop the
stream.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymongo.errors import OperationFailure, PyMongoError

from hotstream_reactive.errors import FeedUnsupported
from hotstream_reactive.model.change import Change
from hotstream_reactive.model.task import too_large
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.faults import translate, translated
from hotstream_reactive.mongo.stream import EventStream

#: Writers who give these leave nothing out, as a rule.
_SELDOM_GIVEN = ("timeout", "current_retry")
_QUEUE_FIELDS = ("priority", "immediate", "run_at", "schedule", "timezone")
_UPDATED = "updateDescription.updatedFields"
_REMOVED = {"$ifNull": ["$updateDescription.removedFields", []]}
#: ChangeStream on a standalone server; unrecognised stage on servers that are no MongoDB.
_UNSUPPORTED = frozenset({40573, 40324, 59})


def _given(field: str) -> Document:
    return {"$ne": [{"$type": field}, "missing"]}


#: An update that may start or stop a task, and is no claim or end of the engine's own.
_TELLING: Document = {
    "$and": [
        {"$not": {"$in": [f"${_UPDATED}.status", [1, 2, 3]]}},
        {
            "$or": [
                *(_given(f"${_UPDATED}.{field}") for field in ("status", *_QUEUE_FIELDS)),
                {"$ne": [{"$setIntersection": [_REMOVED, ["run_at", "schedule", "timezone"]]}, []]},
            ]
        },
    ]
}
#: The server looks through all its writes, whoever made them, so what the first step asks of each
#: is what a stream costs: it knows the engine's own writes by the heartbeat that they set. Only
#: what is left is looked at closely.
PIPELINE: list[Document] = [
    {
        "$match": {
            "$or": [
                {"operationType": {"$in": ["insert", "delete"]}},
                # A small document may be replaced as a whole by the server although it was
                # updated; claims and completions of the engine itself are no news.
                {"operationType": "replace", "fullDocument.status": {"$nin": [1, 2, 3]}},
                {
                    "operationType": "update",
                    "$or": [
                        {f"{_UPDATED}.status": {"$in": [0, 4]}},
                        {f"{_UPDATED}.last_heartbeat": {"$not": {"$type": "date"}}},
                    ],
                },
            ]
        }
    },
    {
        "$project": {
            "operationType": 1,
            "documentKey": 1,
            **{
                f"fullDocument.{f}": 1
                for f in ("status", "created_at", *_QUEUE_FIELDS, *_SELDOM_GIVEN)
            },
            **{f"{_UPDATED}.{f}": 1 for f in ("status", *_QUEUE_FIELDS)},
            "size": {"$bsonSize": "$fullDocument"},
            "news": {"$or": [{"$ne": ["$operationType", "update"]}, _TELLING]},
        }
    },
    {"$match": {"news": True}},
]


class TaskFeed:
    """One open change stream; use once."""

    def __init__(self, stream: EventStream) -> None:
        self._stream = stream

    @property
    def behind(self) -> bool:
        """Whether more has happened than the last batch tells."""
        return self._stream.behind

    @classmethod
    async def open(cls, mongo: Mongo, *, fresh_client: bool = False) -> TaskFeed:
        """Open a stream that begins now.

        Raises:
            FeedUnsupported: the server has no change streams, or forbids them to this user.
            DatabaseError: the server cannot be reached, or failed.
        """
        try:
            tasks = await mongo.stream_tasks(fresh_client=fresh_client)
            return cls(await EventStream.open(tasks, PIPELINE))
        except OperationFailure as error:
            if error.code in _UNSUPPORTED:
                raise FeedUnsupported(
                    "the server has no change streams (they need a replica set): "
                    "tasks are found by the polling loops alone"
                ) from None
            if error.code == 13:
                raise FeedUnsupported(
                    "the user lacks the privilege changeStream on the tasks collection: "
                    "tasks are found by the polling loops alone"
                ) from None
            raise translate(error, "opening the change stream") from error
        except PyMongoError as error:
            raise translate(error, "opening the change stream") from error

    async def batch(self) -> list[Change]:
        """The changes since the last call, none after a moment without one.

        Must not be cancelled while the stream is to live on: the changes would be lost.

        Raises:
            FeedEnded: the stream cannot go on; open a new one and sweep.
            DatabaseError: likewise.
        """
        with translated("reading the change stream"):
            events = await self._stream.batch()
        return [_change(event) for event in events]

    async def close(self) -> None:
        """Close the stream; a dying connection does not matter any more."""
        await self._stream.close()


def _change(event: Document) -> Change:
    kind = event["operationType"]
    fields: dict[str, Any] = (
        event.get("fullDocument") or event.get("updateDescription", {}).get("updatedFields") or {}
    )
    run_at = fields.get("run_at")
    return Change(
        document_id=event["documentKey"]["_id"],
        deleted=kind == "delete",
        inserted=kind in {"insert", "replace"},
        status=fields.get("status"),
        priority=fields.get("priority"),
        immediate=fields.get("immediate"),
        created_at=fields.get("created_at"),
        run_at=run_at if isinstance(run_at, datetime) else None,
        rescheduled=bool(fields.get("schedule")) or "timezone" in fields,
        reordered=kind == "update" and "status" not in fields,
        fresh=kind == "insert"
        and all(fields.get(name) is not None for name in _SELDOM_GIVEN)
        and too_large(event["size"]) is None,
    )
