"""A claim with 100,000 waiting and 1,000,000 finished tasks against a small collection."""

from __future__ import annotations

import time
from typing import Any

from benchmarks import rig
from benchmarks.report import Figure
from hotstream_reactive.mongo.claims import Claims
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.settings import MongoSettings


async def run(driver: str, scale: float) -> list[Figure]:
    """Milliseconds of a batch claim of 10, small and large."""
    waiting, finished = int(100_000 * scale), int(1_000_000 * scale)
    with rig.server() as uri:
        async with rig.client(uri) as outside:
            small = await _claim_ms(uri, outside, "small", driver, waiting=500, finished=0)
            large = await _claim_ms(
                uri, outside, "large", driver, waiting=waiting, finished=finished
            )
    return [
        Figure(
            part="backlog",
            name=f"claim of 10 with {waiting:,} waiting, {finished:,} finished",
            value=large,
            unit="ms",
            floor=small,
            target="≤ 1.2",
        )
    ]


async def _claim_ms(
    uri: str, outside: Any, name: str, driver: str, *, waiting: int, finished: int
) -> float:
    database = outside[name]
    await rig.make_indexes(database)
    for status, number in ((2, finished), (0, waiting)):
        for first in range(0, number, 5000):
            last = min(number, first + 5000)
            await database.tasks.insert_many(
                [rig.task(f"{status}-{n}", n=n, status=status) for n in range(first, last)],
                ordered=False,
            )
    mongo = Mongo(MongoSettings(uri=uri, database=name, driver=driver), app_name="bench")
    await mongo.connect()
    claims = Claims(mongo.tasks, mongo.driver, worker_id="bench", default_timeout_s=60)
    seconds = []
    for _ in range(40):
        began = time.monotonic()
        documents, _ = await claims.claim_batch(10)
        seconds.append(time.monotonic() - began)
        assert len(documents) == 10
    await mongo.close()
    return sorted(seconds)[len(seconds) // 2] * 1000
