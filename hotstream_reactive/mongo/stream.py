"""A change stream that is read a batch at a time.

The drivers' own streams give one event for each call, and with motor each call is a trip to a
thread: a burst of ten thousand inserts would hold up the promotion behind it for two seconds. Read
by plain commands, an event of a batch costs some microseconds. The drivers' own way to resume is
not missed: whoever reads here opens a new stream, and knows what to do about the time between.
"""

from __future__ import annotations

import inspect
import time
from contextlib import suppress
from typing import Any, cast

import anyio
import pymongo
from bson.timestamp import Timestamp
from pymongo.errors import PyMongoError

from hotstream_reactive.errors import FeedEnded
from hotstream_reactive.mongo.driver import CODEC_OPTIONS, Collection, Document, Pipeline

#: So many events at most in one answer, so that others are served in between.
BATCH = 500
_CLOSE_S = 1.0
#: A read that waits is woken by every write to the server, whatever it wrote: some 15 µs of the
#: server for each. While there are more writes a second than the first of these, and not yet fewer
#: than the second, the stream is read at intervals, without waiting.
MANY_WRITES = 2_000
FEW_WRITES = 1_500
INTERVAL_S = 0.02
#: Otherwise a read waits so long for an event, and how busy the server is is known so often.
WAIT_MS = 250
#: Writes are counted over so long at least: they come in bursts.
COUNTED_S = 0.1


class Writes:
    """How many writes the server makes, told by the times it puts on its answers.

    A time of the server is a second and a number that counts the writes within it.
    """

    def __init__(self) -> None:
        self._at = 0.0
        self._time = Timestamp(0, 0)
        #: Whether there are so many that nobody should wait for the next.
        self.many = False

    def seen(self, time: Timestamp | None, at: float) -> None:
        """Take an answer into account that came at this monotonic time."""
        if time is None:
            return
        if time.time == self._time.time:
            elapsed_s = at - self._at
            if elapsed_s < COUNTED_S:
                return
            a_second = (time.inc - self._time.inc) / elapsed_s
            self.many = a_second > (FEW_WRITES if self.many else MANY_WRITES)
        # Of the second before nobody knows how many there were: the count begins anew.
        self._at, self._time = at, time


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
        self._writes = Writes()

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
        """What has happened since the last call, waiting a moment for the first event.

        A server that is busy writing is not kept waiting for: there may be no event then.
        Must not be cancelled while the stream is to live on: what was under way would be lost.

        Raises:
            FeedEnded: the collection was dropped or renamed, and all before that has been given.
            PyMongoError: the stream cannot go on.
        """
        if not self._cursor_id:
            raise FeedEnded("the change stream ended: the collection was dropped or renamed")
        if self._writes.many and not self.behind:
            await anyio.sleep(INTERVAL_S)
        answer = await self._database.command(
            {
                "getMore": self._cursor_id,
                "collection": self._collection,
                "batchSize": BATCH,
                "maxTimeMS": 1 if self._writes.many else WAIT_MS,
            },
            session=self._session,
            codec_options=CODEC_OPTIONS,
        )
        self._writes.seen(answer.get("operationTime"), time.monotonic())
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
