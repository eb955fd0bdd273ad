"""The change stream behind the history: every change of a task that is more than a heartbeat.

The server drops heartbeats and progress, and cuts values that are too large to be told, so that
neither a thousand beats a second nor a document of 15 MB reach the recorder. Nothing is looked up
afterwards (`updateLookup`). The old values come from images of documents before their change, which
MongoDB 6 and later keep for collections that are told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pymongo.errors import OperationFailure, PyMongoError

from hotstream_reactive.errors import FeedEnded, FeedUnsupported, HistoryLost
from hotstream_reactive.model.history import MOST_CHANGES, NOISE, Large, TaskEvent
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import ChangeStream, Document
from hotstream_reactive.mongo.faults import translate

#: Changes with this number were read through the pipeline below. It is kept with the position: a
#: position must not be used with another pipeline, so increase it with every change of `$match`.
SHAPE = 1
LARGEST_VALUE_BYTES = 1_000
#: How long the server waits for a change; also the longest delay of a record.
_WAIT_MS = 500
_UNSUPPORTED = frozenset({40573, 40324, 59})
#: ChangeStreamHistoryLost, CappedPositionLost, InvalidResumeToken, ChangeStreamFatalError,
#: CloseChangeStream, and the codes of tokens that are no tokens: TypeMismatch, FailedToParse,
#: Overflow, and those of the decoder of tokens.
_LOST = frozenset({286, 136, 260, 280, 222, 14, 9, 15, 40647, 40648, 40649, 50811, 50795})
#: Beside the changed fields, these are always told of the state before.
_ALWAYS = ("task_id", "worker_id", "status", "priority", "immediate", "run_at", "error_message")
_UPDATE = "$updateDescription"


def _pairs(document: str) -> Document:
    return {"$objectToArray": {"$ifNull": [document, {}]}}


def _tops(array: Any, name: str) -> Document:
    """The top-level names of dotted fields."""
    top = {"$arrayElemAt": [{"$split": [name, "."]}, 0]}
    return {"$map": {"input": array, "as": "f", "in": top}}


def _list(name: str) -> Document:
    return {"$ifNull": [f"{_UPDATE}.{name}", []]}


_TOUCHED: Document = {
    "$concatArrays": [
        _tops(_pairs(f"{_UPDATE}.updatedFields"), "$$f.k"),
        _tops(_list("removedFields"), "$$f"),
        _tops(_list("truncatedArrays"), "$$f.field"),
    ]
}


def _told(pairs: Document) -> Document:
    """Names, types, sizes, and those values that are not too large."""
    size = {"$bsonSize": {"v": "$$f.v"}}
    pair = {
        "k": "$$f.k",
        "t": {"$type": "$$f.v"},
        "n": size,
        "v": {"$cond": [{"$lte": [size, LARGEST_VALUE_BYTES]}, "$$f.v", "$$REMOVE"]},
    }
    return {"$map": {"input": {"$slice": [pairs, MOST_CHANGES]}, "as": "f", "in": pair}}


_BEFORE: Document = {
    "$filter": {
        "input": _pairs("$fullDocumentBeforeChange"),
        "as": "f",
        "cond": {
            "$or": [
                {"$eq": ["$operationType", "replace"]},
                {"$in": ["$$f.k", {"$concatArrays": [_TOUCHED, list(_ALWAYS)]}]},
            ]
        },
    }
}

PIPELINE: list[Document] = [
    {
        "$match": {
            "$or": [
                {"operationType": {"$in": ["insert", "replace", "delete", "invalidate"]}},
                {
                    "operationType": "update",
                    "$expr": {"$gt": [{"$size": {"$setDifference": [_TOUCHED, list(NOISE)]}}, 0]},
                },
            ]
        }
    },
    {
        "$project": {
            "operationType": 1,
            "documentKey": 1,
            "clusterTime": 1,
            "wallTime": 1,
            "changed": _told(_pairs(f"{_UPDATE}.updatedFields")),
            "removed": {"$slice": [_list("removedFields"), MOST_CHANGES]},
            "shortened": {"$slice": [_list("truncatedArrays"), MOST_CHANGES]},
            "document": _told(_pairs("$fullDocument")),
            "has_before": {"$eq": [{"$type": "$fullDocumentBeforeChange"}, "object"]},
            "before": _told(_BEFORE),
        }
    },
]


class TaskHistoryFeed:
    """One open change stream; use once."""

    def __init__(self, stream: ChangeStream) -> None:
        self._stream = stream

    @classmethod
    async def open(cls, mongo: Mongo, token: Mapping[str, Any] | None) -> TaskHistoryFeed:
        """Open a stream that goes on after the token, or begins now.

        Raises:
            HistoryLost: the server cannot go on from there.
            FeedUnsupported: the server has no change streams, or forbids them to this user.
            DatabaseError: the server cannot be reached, or failed.
        """
        options: dict[str, Any] = {}
        if token is not None:
            # Unlike resumeAfter, this also goes on behind the end of a collection.
            options["start_after"] = token
        if mongo.server is not None and mongo.server.major >= 6:
            options["full_document_before_change"] = "whenAvailable"
        try:
            tasks = await mongo.stream_tasks()
            return cls(await mongo.driver.watch(tasks, PIPELINE, max_await_ms=_WAIT_MS, **options))
        except OperationFailure as error:
            if error.code in _UNSUPPORTED or error.code == 13:
                raise FeedUnsupported(
                    "no history is recorded: it needs change streams (a replica set) and the "
                    "privileges find and changeStream on the tasks collection"
                ) from None
            raise _lost_or_failed(error, opening=token is not None) from error
        except PyMongoError as error:
            raise translate(error, "opening the stream of the history") from error

    @property
    def token(self) -> dict[str, Any] | None:
        """The position after the last change that was given; it moves also without changes."""
        token = self._stream.resume_token
        return dict(token) if token is not None else None

    async def next(self) -> TaskEvent | None:
        """The next change, or None after a moment without one; must not be cancelled.

        Raises:
            HistoryLost: this stream fell too far behind.
            FeedEnded, DatabaseError: open a new one at the last position.
        """
        try:
            event = await self._stream.try_next()
        except OperationFailure as error:
            raise _lost_or_failed(error, opening=False) from error
        except PyMongoError as error:
            raise translate(error, "reading the stream of the history") from error
        if event is not None:
            return _event(event)
        if not self._stream.alive:
            raise FeedEnded("the stream of the history ended")
        return None

    async def close(self) -> None:
        """Close the stream.

        Raises:
            DatabaseError: its connection is dying, which does not matter any more.
        """
        try:
            await self._stream.close()
        except PyMongoError as error:
            raise translate(error, "closing the stream of the history") from error


def _lost_or_failed(error: OperationFailure, *, opening: bool) -> Exception:
    lost = error.code in _LOST or (opening and "resume token" in str(error).lower())
    if lost:
        return HistoryLost(
            f"the server cannot go on from the last position of the history (code {error.code})"
        )
    return translate(error, "reading the stream of the history")


def _event(event: Document) -> TaskEvent:
    kind = event["operationType"]
    at = event.get("wallTime")
    if not isinstance(at, datetime):  # before MongoDB 6
        at = datetime.fromtimestamp(event["clusterTime"].time, UTC)
    return TaskEvent(
        position=str(event["_id"]["_data"]),
        kind="end" if kind == "invalidate" else kind,
        at=at,
        document_id=event.get("documentKey", {}).get("_id"),
        after=_values(event["changed" if kind == "update" else "document"]),
        removed=event["removed"],
        shortened={cut["field"]: cut["newSize"] for cut in event["shortened"]},
        before=_values(event["before"]) if event["has_before"] else None,
    )


def _values(told: list[Document]) -> dict[str, Any]:
    return {
        pair["k"]: pair["v"] if "v" in pair else Large(pair["t"], pair["n"] - _wrapping(pair["t"]))
        for pair in told
    }


def _wrapping(kind: str) -> int:
    """What the size counts too much, in bytes: the document around the value, a text's length."""
    return 13 if kind == "string" else 8
