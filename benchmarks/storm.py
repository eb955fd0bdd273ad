"""Promotions and cancellations in a storm.

All ordinary slots are held by long tasks, 10,000 more wait, and 1,000 heartbeats a second of other
workers' tasks go through the server. One `updateOne` promotes a task (priority 1, immediate, short
keywords): it must start next, in the express lane. Another one cancels a running task.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
from pymongo import UpdateOne

from benchmarks import rig
from benchmarks.report import Found

SLOTS = 20
#: Tasks of other workers that run, and how often each is heard of in a second.
FOREIGN, BEATS = 100, 10


async def run(driver: str, scale: float) -> Found:
    """Promotion → adapter's first line, and cancellation → adapter stopped."""
    found = Found(part="storm")
    waiting, times = max(200, int(10_000 * scale)), max(5, int(50 * scale))
    with rig.server() as uri, tempfile.NamedTemporaryFile("r", suffix=".stamps") as file:
        path = Path(file.name)
        options = {"limit": 1, "file": file.name}
        async with rig.client(uri) as outside, rig.client(uri) as noise:
            database = outside["storm"]
            await rig.make_indexes(database)
            foreign = [
                rig.task(f"f{n}", status=1, lease_id=f"f{n}", worker_id="other")
                for n in range(FOREIGN)
            ]
            await database.tasks.insert_many(foreign)
            async with anyio.create_task_group() as group:
                beats = Beats(noise["storm"], [document["_id"] for document in foreign])
                group.start_soon(beats.run)
                slots = {"max_concurrent_tasks": SLOTS + 1, "express_slots": 1}
                async with rig.workers(uri, "storm", driver=driver, shutdown_grace=0, **slots):
                    await rig.fill(database, SLOTS, prefix="h", keywords=["hold"], options=options)
                    await rig.lines(path, SLOTS)
                    await rig.fill(
                        database, waiting, prefix="w", keywords=["hold"], options=options
                    )
                    promoted = await _promote(database, path, waiting, times)
                    cancelled = await _cancel(database, path, times)
                group.cancel_scope.cancel()
    targets = ("", "", "≤ 100 ms")
    found.add_durations("promotion → first line", promoted, targets=targets)
    found.add_durations("cancellation → stopped", cancelled, targets=targets)
    found.add("heartbeats beside them", beats.rate, "/s")
    return found


class Beats:
    """Heartbeats of tasks that other workers run, each a statement of its own."""

    def __init__(self, database: Any, ids: list[Any]) -> None:
        self._tasks = database.tasks
        self._ids = ids
        self._written = 0
        self._began = time.monotonic()

    @property
    def rate(self) -> float:
        """Heartbeats a second so far."""
        return self._written / (time.monotonic() - self._began)

    async def run(self) -> None:
        """Write them until cancelled."""
        updates = [
            UpdateOne({"_id": i}, [{"$set": {"last_heartbeat": "$$NOW"}}]) for i in self._ids
        ]
        while True:
            began = time.monotonic()
            await self._tasks.bulk_write(updates, ordered=False)
            self._written += len(updates)
            await anyio.sleep(max(0.0, 1 / BEATS - (time.monotonic() - began)))


async def _promote(database: Any, path: Path, waiting: int, times: int) -> list[float]:
    """Seconds until each promoted task began, from all over the queue."""
    seconds: list[float] = []
    for n in range(times):
        task_id = f"w{waiting - 1 - n * (waiting // times)}"
        began = time.monotonic()
        await database.tasks.update_one(
            {"task_id": task_id},
            {"$set": {"priority": 1, "immediate": True, "keywords": ["stamp"]}},
        )
        await rig.lines(path, SLOTS + n + 1)
        last = rig.stamps(path)[-1]
        assert last.task_id == task_id, f"{last.task_id} began before the promoted {task_id}"
        seconds.append(last.at - began)
        while not await database.tasks.find_one({"task_id": task_id, "status": 2}, {"_id": 1}):
            await anyio.sleep(0.005)
    return seconds


async def _cancel(database: Any, path: Path, times: int) -> list[float]:
    """Seconds until each cancelled run was stopped; a waiting task takes its slot each time."""
    seconds: list[float] = []
    for _ in range(times):
        before = rig.stamps(path)
        ended = {stamp.task_id for stamp in before if stamp.word == "stopped"}
        # The promoted ones did not hold: they are over.
        holders = [stamp.task_id for stamp in before if stamp.task_id not in ended]
        running = await database.tasks.find_one(
            {"task_id": {"$in": holders}, "status": 1}, {"task_id": 1}
        )
        task_id = running["task_id"]
        began = time.monotonic()
        await database.tasks.update_one({"task_id": task_id}, {"$set": {"status": 4}})
        # The end of this one, and the begin of the one that takes its slot.
        await rig.lines(path, len(before) + 2)
        seconds += [
            stamp.at - began
            for stamp in rig.stamps(path)
            if stamp.word == "stopped" and stamp.task_id == task_id
        ]
    return seconds
