"""Small trials on the server for `hotstream doctor`: what may this user do, and how quickly.

Everything is done with documents of a trial's own in one collection, which `clean_up` removes. The
collection stays: its name is known, so that a role of least privilege can allow it, and another
doctor may be at work in it. Each trial has its own deadline, kept by the driver.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pymongo
from pymongo import IndexModel
from pymongo.errors import PyMongoError

from hotstream_reactive.errors import DatabaseUnavailable, FeedEnded
from hotstream_reactive.mongo.client import STREAM_WAIT_MS, Mongo
from hotstream_reactive.mongo.driver import ChangeStream, Collection, Document
from hotstream_reactive.mongo.faults import translate, translated
from hotstream_reactive.mongo.indexes import ITEM_INDEXES, TASK_INDEXES, run_indexes
from hotstream_reactive.settings import MongoSettings

_DEADLINE_S = 4.0
#: The collection of the trials.
TRIALS = "doctor_trials"


class ClockOffset(msgspec.Struct, frozen=True, kw_only=True):
    """How far the server's clock is ahead of this machine's, and how exactly that is known."""

    ahead_s: float
    uncertainty_s: float


def new_trial() -> str:
    """What the documents of one doctor have as the beginning of their `_id`."""
    return uuid4().hex


async def privileges(mongo: Mongo, trial: str) -> dict[str, str | None]:
    """Try each privilege a worker needs; maps its name to the reason why it is refused, or None.

    Raises:
        DatabaseUnavailable: the server does not answer.
    """
    place = mongo.database[TRIALS]
    key = {"_id": f"{trial}-privileges"}
    trials: dict[str, Callable[[], Awaitable[Any]]] = {
        "find": lambda: mongo.tasks.find_one({}, {"_id": 1}),
        "insert": lambda: place.insert_one(dict(key)),
        "update": lambda: place.update_one(key, [{"$set": {"seen_at": "$$NOW"}}]),
        "delete": lambda: place.delete_one(key),
        "createIndex": lambda: place.create_indexes([IndexModel([("seen_at", 1)])]),
    }
    refused: dict[str, str | None] = {}
    for name, attempt in trials.items():
        try:
            with pymongo.timeout(_DEADLINE_S):
                await attempt()
            refused[name] = None
        except PyMongoError as error:
            failure = translate(error, f"trying to {name}")
            if isinstance(failure, DatabaseUnavailable):
                raise failure from error
            refused[name] = str(failure)
    return refused


async def stream_round_trip_ms(mongo: Mongo, trial: str) -> float:
    """Milliseconds from the start of an insert until its change event is here.

    Raises:
        FeedEnded: the stream closed.
        DatabaseRefused: the user may not open a change stream.
        DatabaseError: no event came in time, or the server has no change streams.
    """
    place = mongo.database[TRIALS]
    key = f"{trial}-stream"
    async with _stream(mongo, place, key) as stream:
        began = time.monotonic()
        with translated("inserting a scratch document"), pymongo.timeout(_DEADLINE_S):
            await place.insert_one({"_id": key})
        while time.monotonic() - began < _DEADLINE_S:
            with translated("reading a change stream"), pymongo.timeout(_DEADLINE_S):
                event = await stream.try_next()
            if event is not None:
                return (time.monotonic() - began) * 1000
            if not stream.alive:
                raise FeedEnded("the change stream on the scratch collection ended")
    raise DatabaseUnavailable(f"no change event within {_DEADLINE_S:g} s")


@asynccontextmanager
async def _stream(mongo: Mongo, place: Collection, key: str) -> AsyncIterator[ChangeStream]:
    mine = [{"$match": {"documentKey._id": key}}]
    with translated("opening a change stream"), pymongo.timeout(_DEADLINE_S):
        stream = await mongo.driver.watch(place, mine, max_await_ms=STREAM_WAIT_MS)
    try:
        yield stream
    finally:
        with translated("closing a change stream"), pymongo.timeout(_DEADLINE_S):
            await stream.close()


async def transaction_ms(mongo: Mongo, trial: str) -> float:
    """Milliseconds that one small transaction takes.

    Raises:
        DatabaseError: it cannot be had, or failed.
    """
    place = mongo.database[TRIALS]

    async def work(session: Any) -> None:
        await place.insert_one({"_id": f"{trial}-transaction"}, session=session)

    began = time.monotonic()
    with translated("trying a transaction"), pymongo.timeout(_DEADLINE_S):
        await mongo.in_transaction(work)
    return (time.monotonic() - began) * 1000


async def clean_up(mongo: Mongo, trial: str) -> None:
    """Remove the documents of a trial; harmless when there are none.

    Raises:
        DatabaseError: they are still there.
    """
    own = {"_id": {"$gte": f"{trial}-", "$lt": f"{trial}~"}}
    with translated("removing the doctor's own documents"), pymongo.timeout(_DEADLINE_S):
        await mongo.database[TRIALS].delete_many(own)


async def indexes(mongo: Mongo) -> set[str]:
    """The indexes that are there, as ``collection.index``, without those of `_id`.

    Raises:
        DatabaseError: unknown.
    """
    found: set[str] = set()
    with translated("reading the indexes"), pymongo.timeout(_DEADLINE_S):
        for collection in (mongo.tasks, mongo.items, mongo.runs):
            names = await collection.index_information()
            found |= {f"{collection.name}.{name}" for name in names if name != "_id_"}
    return found


async def missing_indexes(mongo: Mongo) -> list[str]:
    """The indexes that a worker would create, as ``collection.index``.

    Raises:
        DatabaseError: unknown.
    """
    wanted = {
        f"{collection.name}.{model.document['name']}"
        for collection, models in (
            (mongo.tasks, TASK_INDEXES),
            (mongo.items, ITEM_INDEXES),
            (mongo.runs, run_indexes(1)),
        )
        for model in models
    }
    return sorted(wanted - await indexes(mongo))


async def clock_offset(mongo: Mongo) -> ClockOffset:
    """Compare the server's clock with this machine's.

    Raises:
        DatabaseError: unknown.
    """
    began, began_at = time.monotonic(), datetime.now(UTC)
    with translated("reading the server's clock"), pymongo.timeout(_DEADLINE_S):
        hello = await mongo.database.command("hello")
    half_s = (time.monotonic() - began) / 2
    here = began_at + timedelta(seconds=half_s)
    return ClockOffset(
        ahead_s=(_aware(hello["localTime"]) - here).total_seconds(), uncertainty_s=half_s
    )


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def oplog_window_s(settings: MongoSettings) -> float | None:
    """Seconds between the oldest and the newest entry of the oplog; None when it is empty.

    Raises:
        DatabaseRefused: the user may not read it, as is usual.
        DatabaseError: unknown.
    """
    local = Mongo(msgspec.structs.replace(settings, database="local"), app_name="hotstream-doctor")
    try:
        with translated("reading the oplog"), pymongo.timeout(_DEADLINE_S):
            ends: list[Document | None] = [
                await local.database["oplog.rs"].find_one({}, {"ts": 1}, sort=[("$natural", order)])
                for order in (1, -1)
            ]
    finally:
        await local.close()
    first, last = ends
    return float(last["ts"].time - first["ts"].time) if first and last else None
