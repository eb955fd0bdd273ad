"""Throughput: no-op tasks, from a full queue to durably completed.

Floor: batches of 100 are found, claimed by one `update_many`, read back and completed by one
`update_many`, with nothing else done.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import anyio

from benchmarks import rig
from benchmarks.report import Found

BATCH = 100
ROUNDS = 3
SLOTS = 400


async def run(driver: str, scale: float) -> Found:
    """The batched floor, one worker and four in turn; of each the round in the middle counts."""
    found = Found(part="throughput")
    number = max(2000, int(20_000 * scale))
    floors: list[float] = []
    drained: dict[int, list[tuple[float, float, float]]] = {1: [], 4: []}
    with rig.server() as uri:
        async with rig.client(uri) as outside:
            for n in range(ROUNDS):
                floors.append(await _floor(outside[f"floor{n}"], number))
                for workers, rounds in drained.items():
                    database = outside[f"tp{workers}_{n}"]
                    rounds.append(await drain(uri, database, number, workers, driver))
                    await outside.drop_database(database.name)
    floor = median(floors)
    rates = {workers: median(rate for rate, _, _ in rounds) for workers, rounds in drained.items()}
    for workers, rounds in drained.items():
        name = f"{workers} worker{'s' * (workers > 1)}"
        target = "≥ 0.7" if workers == 1 else ""
        found.add(f"completed per second, {name}", rates[workers], "/s", floor=floor, target=target)
        cpu = median(seconds for _, seconds, _ in rounds)
        found.add(f"worker CPU per 1,000 tasks, {name}", cpu / number * 1000, "s")
        found.add(f"memory of a worker, {name}", max(memory for _, _, memory in rounds), "MB")
    # The floor of this row is the one worker.
    found.add("completed per second, 4 workers to 1", rates[4], "/s", floor=rates[1], target="≥ 1")
    return found


async def drain(
    uri: str, database: Any, number: int, workers: int, driver: str
) -> tuple[float, float, float]:
    """Fill the queue while the engine is paused, let it go, and wait for the last completion.

    Gives tasks per second, seconds of processor of all workers, and MiB of the largest of them.
    """
    await rig.make_indexes(database)
    await database.controls.insert_one({"_id": "engine", "paused": True})
    await rig.fill(database, number)
    async with rig.workers(
        uri, database.name, number=workers, driver=driver, max_concurrent_tasks=SLOTS
    ) as pids:
        before = sum(rig.cpu_seconds(pid) for pid in pids)
        await database.controls.update_one({"_id": "engine"}, {"$set": {"paused": False}})
        # The pause is looked at every second: the clock starts with the first completion.
        while not await database.tasks.find_one({"status": 2}, {"_id": 1}):
            await anyio.sleep(0.005)
        began = time.monotonic()
        first_seen = await database.tasks.count_documents({"status": 2})
        # The number of runs kept is known to the server without looking; any query of the tasks
        # would pass over the traces of all that have changed, and cost more than they do.
        while await database.task_runs.estimated_document_count() < number:
            await anyio.sleep(0.01)
        seconds = time.monotonic() - began
        assert await database.tasks.count_documents({"status": 2}) == number
        cpu = sum(rig.cpu_seconds(pid) for pid in pids) - before
        memory = max(rig.memory_mb(pid) for pid in pids)
    return (number - first_seen) / seconds, cpu, memory


async def _floor(database: Any, number: int) -> float:
    await rig.make_indexes(database)
    await rig.fill(database, number)
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
