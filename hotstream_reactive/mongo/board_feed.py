"""The dashboard's own change stream on `tasks`.

A person wants to see progress, so it carries far more events than the stream of a worker, and none
of them is urgent by itself.
"""

from __future__ import annotations

from typing import Any

from bson import Timestamp
from pymongo.errors import OperationFailure, PyMongoError

from hotstream_reactive.errors import DatabaseError, FeedEnded, FeedUnsupported
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.faults import translate, translated
from hotstream_reactive.mongo.stream import EventStream

_CHANGED = "updateDescription.updatedFields"
#: An update is worth an event when it touches one of these; heartbeats alone are not.
_TELLING = ("status", "progress", "result_count", "priority", "immediate", "run_at", "schedule")
#: ChangeStream on a standalone server; unrecognised stage on servers that are no MongoDB.
_UNSUPPORTED = frozenset({40573, 40324, 59, 13})
_PLAIN_TYPES = ["bool", "int", "long", "double", "decimal", "date", "null"]


def small(path: str, characters: int = 100) -> Document:
    """The field if it is small: numbers, dates and null as they are, texts cut, all else left out.

    Whatever a writer puts into a document, megabytes or a whole tree, stays on the server.
    """
    kind = {"$type": path}
    return {
        "$switch": {
            "branches": [
                {"case": {"$in": [kind, _PLAIN_TYPES]}, "then": path},
                {
                    "case": {"$eq": [kind, "string"]},
                    "then": {"$substrCP": [path, 0, characters]},
                },
            ],
            "default": "$$REMOVE",
        }
    }


_FIELDS = (
    *("status", "progress", "result_count", "priority", "immediate", "run_at", "created_at"),
    *("started_at", "completed_at", "current_retry", "retry_count", "rescues", "timeout"),
    *("task_id", "name", "platform", "task_type", "worker_id", "schedule", "timezone", "armed_for"),
)
_PIPELINE: list[Document] = [
    {
        "$match": {
            "$or": [
                {"operationType": {"$in": ["insert", "replace", "delete"]}},
                {
                    "operationType": "update",
                    "$or": [
                        *({f"{_CHANGED}.{name}": {"$exists": True}} for name in _TELLING),
                        {"updateDescription.removedFields": {"$in": ["run_at", "schedule"]}},
                    ],
                },
            ]
        }
    },
    {"$set": {"fields": {"$ifNull": ["$fullDocument", f"${_CHANGED}"]}}},
    {
        "$project": {
            "operationType": 1,
            "documentKey._id": 1,
            "clusterTime": 1,
            "wallTime": 1,
            "fields": {
                **{name: small(f"$fields.{name}") for name in _FIELDS},
                "error_message": small("$fields.error_message", 300),
                "limit": small("$fields.options.limit"),
            },
        }
    },
]


class BoardFeed:
    """One open stream; use once."""

    def __init__(self, stream: EventStream) -> None:
        self._stream = stream

    @property
    def token(self) -> Any:
        """Where a new stream goes on after what this one has given."""
        return self._stream.token

    @classmethod
    async def open(
        cls, mongo: Mongo, *, after: Any = None, fresh_client: bool = False
    ) -> BoardFeed:
        """Open a stream that begins now, or after a token of an earlier one.

        Raises:
            FeedUnsupported: the server has no change streams, or forbids them to this user.
            FeedEnded: the server has forgotten what came after the token; open one without.
            DatabaseError: the server cannot be reached, or failed.
        """
        start = {"resumeAfter": after} if after is not None else None
        try:
            tasks = await mongo.stream_tasks(fresh_client=fresh_client)
            return cls(await EventStream.open(tasks, _PIPELINE, start=start))
        except PyMongoError as error:
            raise _why_not(error, resuming=after is not None) from error

    async def batch(self) -> list[Document]:
        """What has happened since the last call, waiting a moment for the first event.

        Raises:
            FeedEnded: the stream cannot go on; open a new one.
            DatabaseError: likewise.
        """
        with translated("reading the dashboard's change stream"):
            return [_event(document) for document in await self._stream.batch()]

    async def close(self) -> None:
        """Close the stream; a dying connection does not matter any more."""
        await self._stream.close()


def _why_not(error: PyMongoError, *, resuming: bool) -> DatabaseError:
    code = error.code if isinstance(error, OperationFailure) else None
    if code in _UNSUPPORTED:
        return FeedUnsupported(
            "no privilege changeStream" if code == 13 else "the server has no change streams"
        )
    if resuming and code is not None:
        return FeedEnded("the server has forgotten where the change stream was")
    return translate(error, "opening the dashboard's change stream")


def _event(document: Document) -> Document:
    """The event as `dashboard.fold` takes it: `at` in seconds since 1970, by the server's clock."""
    time: Timestamp = document["clusterTime"]
    wall = document.get("wallTime")
    return {
        "kind": document["operationType"],
        "key": document["documentKey"]["_id"],
        "order": order_of(time),
        "at": wall.timestamp() if wall is not None else float(time.time),
        "fields": document.get("fields") or {},
    }


def order_of(time: Timestamp) -> int:
    """A cluster time as one number, to tell what came before what."""
    return (time.time << 32) | time.inc
