"""A change stream that is read a batch at a time.

The drivers' own streams give one event for each call, and with motor each call is a trip to a
thread: a burst of ten thousand inserts would hold up the promotion behind it for two seconds. Read
by plain commands, an event of a batch costs some microseconds. The drivers' own way to resume is
not missed: whoever reads here opens a new stream, and knows what to do about the time between.
"""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import Any, cast

import pymongo
from pymongo.errors import PyMongoError

from hotstream_reactive.errors import FeedEnded
from hotstream_reactive.mongo.client import STREAM_WAIT_MS
from hotstream_reactive.mongo.driver import CODEC_OPTIONS, Collection, Document, Pipeline

#: So many events at most in one answer, so that others are served in between.
BATCH = 500
_CLOSE_S = 1.0


class EventStream:
    """One open change stream; use once."""

    def __init__(self, database: Any, collection: str, session: Any, cursor: Document) -> None:
        self._database = database
        self._collection = collection
        self._session = session
        self._cursor_id = cursor["id"]
        #: Where a new stream goes on after what this one has given.
        self.token: Any = cursor.get("postBatchResumeToken")
        #: Whether the last batch was full: more has happened than was given.
        self.behind = False

    @classmethod
    async def open(
        cls, collection: Collection, pipeline: Pipeline, *, start: Document | None = None
    ) -> EventStream:
        """Open a stream that begins now, or where the options of `$changeStream` in `start` say.

        It exists on the server when this returns.

        Raises:
            PyMongoError: there is no stream.
        """
        of_driver = cast("Any", collection)
        database = of_driver.database
        session = database.client.start_session()
        if inspect.isawaitable(session):
            session = await session
        try:
            answer = await database.command(
                {
                    "aggregate": of_driver.name,
                    "pipeline": [{"$changeStream": start or {}}, *pipeline],
                    "cursor": {"batchSize": 0},
                },
                session=session,
                codec_options=CODEC_OPTIONS,
            )
        except BaseException:
            await session.end_session()
            raise
        return cls(database, of_driver.name, session, answer["cursor"])

    async def batch(self) -> list[Document]:
        """What has happened since the last call, waiting up to a second for the first event.

        Must not be cancelled while the stream is to live on: what was under way would be lost.

        Raises:
            FeedEnded: the collection was dropped or renamed, and all before that has been given.
            PyMongoError: the stream cannot go on.
        """
        if not self._cursor_id:
            raise FeedEnded("the change stream ended: the collection was dropped or renamed")
        answer = await self._database.command(
            {
                "getMore": self._cursor_id,
                "collection": self._collection,
                "batchSize": BATCH,
                "maxTimeMS": STREAM_WAIT_MS,
            },
            session=self._session,
            codec_options=CODEC_OPTIONS,
        )
        cursor = answer["cursor"]
        self._cursor_id = cursor["id"]
        self.token = cursor.get("postBatchResumeToken", self.token)
        events: list[Document] = cursor["nextBatch"]
        self.behind = len(events) >= BATCH
        return events

    async def close(self) -> None:
        """Close the stream; where the connection is dying, the server does so by itself."""
        with suppress(PyMongoError), pymongo.timeout(_CLOSE_S):
            if self._cursor_id:
                await self._database.command(
                    {"killCursors": self._collection, "cursors": [self._cursor_id]},
                    session=self._session,
                )
        with suppress(PyMongoError):
            await self._session.end_session()
