"""A stream is waited for while little is written, and asked at intervals while much is."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
from bson.timestamp import Timestamp
from pymongo.database import Database
from shelf import Document, orderly, until

from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.feed import TaskFeed
from hotstream_reactive.mongo.stream import COUNTED_S, FEW_WRITES, MANY_WRITES, Writes

Tasks = Database[Document]


def rate(a_second: float, *, many: bool = False) -> bool:
    """Whether so many writes a second are many, where before they were or were not."""
    writes = Writes()
    writes.many = many
    for tenth in range(4):
        at = tenth * COUNTED_S
        writes.seen(Timestamp(7, 1 + int(a_second * at)), at)
    return writes.many


def test_writes_are_counted_by_the_time_of_the_server() -> None:
    assert not rate(0)
    assert not rate(MANY_WRITES * 0.95)
    assert rate(MANY_WRITES * 1.05)


def test_between_the_limits_it_stays_as_it_is() -> None:
    between = (FEW_WRITES + MANY_WRITES) / 2
    assert not rate(between)
    assert rate(between, many=True)
    assert not rate(FEW_WRITES * 0.95, many=True)


def test_a_burst_is_no_lasting_rate() -> None:
    """Ten heartbeats in a bulk, within a millisecond, and then nothing for nine more."""
    writes = Writes()
    for hundredth in range(20):
        for inc, at in ((hundredth * 10, 0.0), (hundredth * 10 + 10, 0.001)):
            writes.seen(Timestamp(7, 1 + inc), hundredth / 100 + at)
    assert not writes.many


def test_a_new_second_counts_anew() -> None:
    writes = Writes()
    writes.seen(Timestamp(7, 5000), 0.9)
    writes.seen(Timestamp(8, 4000), 1.1)
    assert not writes.many
    writes.seen(Timestamp(8, 4001), 1.5)
    assert not writes.many


def test_without_a_time_nothing_is_known() -> None:
    writes = Writes()
    writes.seen(None, 1.0)
    assert not writes.many


@contextmanager
def flood(database: Tasks) -> Iterator[None]:
    """Write as much as the server takes, into a collection that nobody watches."""
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            database.flood.insert_many([{"n": n} for n in range(200)], ordered=False)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


@pytest.mark.anyio
async def test_a_flood_elsewhere_is_polled_through(mongo: Mongo, sync_database: Tasks) -> None:
    sync_database.create_collection("tasks")
    feed = await TaskFeed.open(mongo)
    answers: list[float] = []
    told: dict[Any, float] = {}

    async def read() -> None:
        while True:
            for change in await feed.batch():
                told[change.document_id] = time.monotonic()
            answers.append(time.monotonic())

    async def answered(least: int, most: int) -> bool:
        """Whether that many reads were answered within the last second."""
        return least <= sum(at > time.monotonic() - 1.0 for at in answers) <= most

    async def was_told() -> bool:
        return "a" in told

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        await until(lambda: answered(2, 8))
        with flood(sync_database):
            await until(lambda: answered(20, 60))
            began = time.monotonic()
            await anyio.to_thread.run_sync(sync_database.tasks.insert_one, orderly("a"))
            await until(was_told)
            assert told["a"] - began < 1.0
        await until(lambda: answered(2, 8))
        group.cancel_scope.cancel()
    await feed.close()
