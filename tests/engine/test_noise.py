"""Much that is no news, and much that is: heartbeats, a burst of inserts, a fleet with one cron."""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import anyio
import pytest
from pymongo import UpdateMany
from workshop import T0, Document, Workshop, item, task

from tests.fault_report import Measure

pytestmark = pytest.mark.anyio
RUNNING = 100
#: Far in the future, so that nobody takes the tasks of the test for abandoned.
LATER = T0.replace(year=2999)


async def pick_ups(lab: Workshop, prefix: str, count: int) -> float:
    """The median of milliseconds from an insert to the adapter's first line."""
    waits = []
    for n in range(count):
        inserted = await lab.insert(task(f"{prefix}{n}"))
        waits.append((await lab.started(f"{prefix}{n}") - inserted) * 1000)
        await lab.reaches(f"{prefix}{n}", 2)
    return statistics.median(waits)


@pytest.mark.slow
@pytest.mark.fault("C5", "hundreds of heartbeats per second from 100 running tasks")
async def test_heartbeats_wake_nobody(lab: Workshop, measured: Measure) -> None:
    foreign = {"status": 1, "worker_id": "elsewhere", "last_heartbeat": LATER, "run_number": 1}
    await lab.insert(*(task(f"r{n}", lease_id=f"l{n}", **foreign) for n in range(RUNNING)))
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            at = {"last_heartbeat": LATER + timedelta(milliseconds=beats), "progress": 0.5}
            await lab.tasks.bulk_write([UpdateMany({"status": 1, **foreign_only}, {"$set": at})])
            await anyio.sleep(0.1)

    foreign_only = {"worker_id": "elsewhere"}
    async with lab.worker() as worker:
        await lab.until(lambda: lab.told("stream_live"))
        quiet = await pick_ups(lab, "quiet", 15)
        assert worker.watcher is not None
        async with anyio.create_task_group() as group:
            group.start_soon(beat)
            await lab.until(lambda: beats > 3)
            told_at, before = worker.watcher.changed_at, beats
            await lab.until(lambda: beats > before + 10)
            assert worker.watcher.changed_at == told_at, "not one of a thousand came through"
            loud = await pick_ups(lab, "loud", 15)
            group.cancel_scope.cancel()
    measured("pick-up under heartbeats, against quiet", loud / quiet, bound=3, unit="times")


@pytest.mark.slow
@pytest.mark.fault("C6", "promotions behind a burst of 10,000 inserts")
async def test_promoted_tasks_start_before_a_large_backlog(
    lab: Workshop, measured: Measure
) -> None:
    lab.hold("b0", "b1")
    order: list[str] = []

    def noting(name: str) -> Any:
        async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
            order.append(name)
            yield item(name, 0)

        return play

    async with lab.worker(max_concurrent_tasks=2, express_slots=0):
        await lab.insert(task("b0"), task("b1"))
        await lab.started("b0")
        await lab.started("b1")
        names = [f"t{n:05}" for n in range(10_000)]
        lab.plays |= {name: noting(name) for name in names}
        await lab.tasks.insert_many([task(name, at=n) for n, name in enumerate(names)])
        promoted = names[5_000:5_050]
        await lab.tasks.update_many({"task_id": {"$in": promoted}}, {"$set": {"priority": 1}})
        freed = time.monotonic()
        lab.gates["b0"].set()
        await lab.until(lambda: order)
        measured("the first of them starts after the slot", time.monotonic() - freed, bound=1.0)
        lab.gates["b1"].set()
        await lab.until(lambda: len(order) >= 60)
    assert set(order[:50]) == set(promoted)


@pytest.mark.slow
@pytest.mark.fault("C6", "a promotion right behind a burst of 5,000 inserts")
async def test_a_promotion_overtakes_the_events_before_it(lab: Workshop, measured: Measure) -> None:
    lab.hold("b0")
    waits: list[float] = []
    async with lab.worker(max_concurrent_tasks=2, express_slots=1):
        await lab.insert(task("b0"))
        await lab.started("b0")
        for burst in range(5):
            chosen = f"t{burst}-2500"
            await lab.tasks.insert_many([task(f"t{burst}-{n}", at=n) for n in range(5_000)])
            began = time.monotonic()
            await lab.tasks.update_one({"task_id": chosen}, {"$set": {"priority": 1}})
            waits.append(await lab.started(chosen) - began)
            await lab.reaches(chosen, 2)
    # The worker, the producer and the test share one process here, and it decodes 5,000 events.
    measured("promotion to start", max(waits), bound=0.5)


@pytest.mark.fault("D4", "four workers, one schedule")
async def test_a_schedule_fires_once_in_a_fleet(lab: Workshop) -> None:
    async with lab.workers("w1", "w2", "w3", "w4", schedule_floor=0.0):
        await lab.insert(task("every", schedule="* * * * * *"))
        await lab.started("every", times=6)

        async def recorded() -> bool:
            return await lab.database.task_runs.count_documents({"outcome": "completed"}) >= 5

        await lab.until(recorded)
    # What a worker hands back at its end goes on elsewhere, in the same second.
    whole = {"task_id": "every", "outcome": "completed"}
    runs: list[Document] = await lab.database.task_runs.find(whole).to_list(None)
    fired = sorted(run["claimed_at"].replace(microsecond=0) for run in runs)
    assert len(set(fired)) == len(fired), f"twice in a second: {runs}"
    assert len({run["run_number"] for run in runs}) == len(runs)
