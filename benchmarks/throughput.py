"""Throughput: no-op tasks, from a full queue to durably completed.

Floor: batches of 100 are found, claimed by one `update_many`, read back and completed by one
`update_many`, with nothing else done.
"""

from __future__ import annotations

import time
from typing import Any

import anyio

from benchmarks import rig
from benchmarks.report import Figure

BATCH = 100


async def run(driver: str, scale: float) -> list[Figure]:
    """One worker and four, against the batched floor."""
    number = max(2000, int(20_000 * scale))
    figures: list[Figure] = []
    with rig.server() as uri:
        async with rig.client(uri) as outside:
            floor = await _floor(outside["floor"], number)
            for workers in (1, 4):
                database = f"tp{workers}"
                rate, cpu, memory = await _drain(uri, outside[database], number, workers, driver)
                figures += [
                    Figure(
                        part="throughput",
                        name=f"completed per second, {workers} worker(s)",
                        value=rate,
                        unit="/s",
                        floor=floor,
                        target="≥ 0.7" if workers == 1 else "≥ one worker",
                    ),
                    Figure(
                        part="throughput",
                        name=f"worker CPU per 1,000 tasks, {workers} worker(s)",
                        value=cpu / number * 1000,
                        unit="s",
                    ),
                    Figure(
                        part="throughput",
                        name=f"memory of a worker, {workers} worker(s)",
                        value=memory,
                        unit="MB",
                    ),
                ]
    return figures


async def _drain(
    uri: str, database: Any, number: int, workers: int, driver: str
) -> tuple[float, float, float]:
    """Fill the queue while the engine is paused, let it go, and wait for the last completion."""
    await rig.make_indexes(database)
    await database.controls.insert_one({"_id": "engine", "paused": True})
    for first in range(0, number, 1000):
        await database.tasks.insert_many(
            [rig.task(f"t{n}", n=n) for n in range(first, first + 1000)]
        )
    async with rig.workers(
        uri, database.name, number=workers, driver=driver, max_concurrent_tasks=400
    ) as pids:
        before = sum(rig.cpu_seconds(pid) for pid in pids)
        await database.controls.update_one({"_id": "engine"}, {"$set": {"paused": False}})
        # The pause is looked at every second: the clock starts with the first completion.
        while not await database.tasks.find_one({"status": 2}, {"_id": 1}):
            await anyio.sleep(0.005)
        began = time.monotonic()
        first_seen = await database.tasks.count_documents({"status": 2})
        # To count each time would cost the server more than the tasks do.
        while await database.tasks.find_one({"status": {"$in": [0, 1]}}, {"_id": 1}):
            await anyio.sleep(0.02)
        seconds = time.monotonic() - began
        assert await database.tasks.count_documents({"status": 2}) == number
        cpu = sum(rig.cpu_seconds(pid) for pid in pids) - before
        memory = max(rig.memory_mb(pid) for pid in pids)
    return (number - first_seen) / seconds, cpu, memory


async def _floor(database: Any, number: int) -> float:
    await rig.make_indexes(database)
    for first in range(0, number, 1000):
        await database.tasks.insert_many(
            [rig.task(f"t{n}", n=n) for n in range(first, first + 1000)]
        )
    began = time.monotonic()
    claim = 0
    while True:
        found = await database.tasks.find(
            {"status": 0, "run_at": None},
            {"_id": 1},
            sort=[("immediate", -1), ("priority", 1), ("created_at", 1)],
            limit=BATCH,
        ).to_list()
        if not found:
            return number / (time.monotonic() - began)
        ids = [document["_id"] for document in found]
        claim += 1
        await database.tasks.update_many(
            {"_id": {"$in": ids}, "status": 0},
            [{"$set": {"status": 1, "lease_id": str(claim), "started_at": "$$NOW"}}],
        )
        await database.tasks.find({"_id": {"$in": ids}, "lease_id": str(claim)}).to_list()
        await database.tasks.update_many(
            {"_id": {"$in": ids}, "lease_id": str(claim), "status": 1},
            [{"$set": {"status": 2, "completed_at": "$$NOW"}}],
        )
