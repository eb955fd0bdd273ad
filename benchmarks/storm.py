"""Promotions in a storm: 10,000 waiting tasks and 1,000 heartbeats a second beside them."""

from __future__ import annotations

import time
from typing import Any

import anyio

from benchmarks import rig
from benchmarks.report import Figure, percentiles


async def run(driver: str, scale: float) -> list[Figure]:
    """Promotion → running of a waiting task, while others are heartbeating."""
    waiting = int(10_000 * scale)
    with rig.server() as uri:
        async with rig.client(uri) as outside, rig.client(uri) as noise:
            database = outside["storm"]
            await rig.make_indexes(database)
            # A schedule keeps them waiting: the queue is long, the slots are free.
            for first in range(0, waiting, 1000):
                await database.tasks.insert_many(
                    [rig.task(f"w{n}", n=n, platform="other") for n in range(first, first + 1000)]
                )
            await database.controls.insert_one({"_id": "platform:other", "paused": True})
            await database.tasks.insert_many(
                [rig.task(f"r{n}", status=1, lease_id=f"x{n}") for n in range(100)]
            )
            async with rig.workers(uri, "storm", driver=driver, zombie_timeout=86_400):
                async with anyio.create_task_group() as group:
                    group.start_soon(_heartbeats, noise["storm"])
                    seconds = await _promote(database, max(10, int(50 * scale)))
                    group.cancel_scope.cancel()
    return percentiles("storm", "promotion → running", seconds, None, ("", "", "≤ 100 ms"))


async def _heartbeats(database: Any) -> None:
    """About 1,000 single heartbeats a second."""
    while True:
        began = time.monotonic()
        await database.tasks.update_many(
            {"status": 1, "lease_id": {"$regex": "^x"}}, [{"$set": {"last_heartbeat": "$$NOW"}}]
        )
        await anyio.sleep(max(0.0, 0.1 - (time.monotonic() - began)))


async def _promote(database: Any, number: int) -> list[float]:
    seconds = []
    for n in range(number):
        await database.tasks.update_one(
            {"task_id": f"w{n}"}, {"$set": {"run_at": None, "platform": "noop", "updated_at": None}}
        )
        began = time.monotonic()
        await database.tasks.update_one(
            {"task_id": f"w{n}"}, {"$set": {"priority": 1, "immediate": True}}
        )
        while (
            await database.tasks.count_documents({"task_id": f"w{n}", "status": {"$in": [1, 2]}})
            == 0
        ):
            await anyio.sleep(0.002)
        seconds.append(time.monotonic() - began)
    return seconds
