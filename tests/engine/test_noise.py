"""Much that is no news, and much that is: heartbeats, a burst of inserts, a fleet with one cron."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
from workshop import T0, Document, Workshop, item, task

from hotstream_reactive.mongo.indexes import TASK_INDEXES
from tests.fault_report import Measure

pytestmark = pytest.mark.anyio
RUNNING = 100
#: Pick-ups in one go, and how often in turn with heartbeats, without, and with those of others.
EACH = 50
ROUNDS = 10
#: Far in the future, so that nobody takes the tasks of the test for abandoned.
LATER = T0.replace(year=2999)


#: A fleet elsewhere, in a process of its own, so that it takes no time from the worker's loop: a
#: line on its standard input names the collection whose tasks it keeps alive from then on.
BEATER = """
import select, sys, time
from datetime import datetime, timedelta
from pymongo import MongoClient, UpdateOne

uri, name, running = sys.argv[1], sys.argv[2], int(sys.argv[3])
database = MongoClient(uri)[name]
later, beats, collection, due = datetime(2999, 1, 1), 0, "", time.monotonic()
while True:
    if select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
        collection = sys.stdin.readline().strip()
        print(beats, flush=True)
    if time.monotonic() < due:
        continue
    due = max(due + 0.01, time.monotonic() - 0.5)
    if collection:
        writes = []
        for n in range(10):
            beats += 1
            moment = later + timedelta(milliseconds=beats)
            at = {"last_heartbeat": moment, "progress": 0.5, "beats": beats}
            writes.append(UpdateOne({"_id": f"r{beats % running}"}, {"$set": at}))
        database[collection].bulk_write(writes, ordered=False)
"""


class Beater:
    """A process that writes a thousand heartbeats per second."""

    def __init__(self, uri: str, database: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", BEATER, uri, database, str(RUNNING)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.rates: dict[str, list[float]] = {}
        self._mode = ""
        self._beats = 0
        self._since = time.monotonic()

    def beat(self, collection: str) -> None:
        """Go over to this collection; "" is rest."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{collection}\n")
        self._process.stdin.flush()
        beats, now = int(self._process.stdout.readline()), time.monotonic()
        rate = (beats - self._beats) / (now - self._since)
        self.rates.setdefault(self._mode, []).append(rate)
        self._mode, self._beats, self._since = collection, beats, now

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


async def pick_ups(lab: Workshop, prefix: str, count: int) -> list[float]:
    """Milliseconds from an insert to the adapter's first line, for each of `count` tasks."""
    waits = []
    for n in range(count):
        began = time.monotonic()
        await lab.insert(task(f"{prefix}{n}"))
        waits.append((await lab.started(f"{prefix}{n}") - began) * 1000)
        await lab.reaches(f"{prefix}{n}", 2)
    return waits


def p95(waits: list[float]) -> float:
    return statistics.quantiles(waits, n=20, method="inclusive")[18]


@pytest.mark.slow
@pytest.mark.fault("C5", "1,000 heartbeats per second from 100 running tasks")
async def test_heartbeats_wake_nobody(lab: Workshop, measured: Measure) -> None:
    foreign = {"status": 1, "worker_id": "elsewhere", "last_heartbeat": LATER, "run_number": 1}
    running = [task(f"r{n}", _id=f"r{n}", lease_id=f"l{n}", **foreign) for n in range(RUNNING)]
    await lab.insert(*running)
    # The same work for the server where nobody watches and nobody claims: what heartbeats cost
    # anyway, as they take a part of this machine from everybody.
    await lab.database.unwatched.insert_many(running)
    await lab.database.unwatched.create_indexes(TASK_INDEXES)
    waits: dict[str, list[float]] = {"": [], "unwatched": [], "tasks": []}
    beater = Beater(lab.settings.mongodb.uri, lab.settings.mongodb.database)
    try:
        async with lab.worker() as worker:
            await lab.until(lambda: lab.told("stream_live"))
            assert worker.watcher is not None
            await pick_ups(lab, "warm-up", 50)
            beater.beat("tasks")
            told_at = worker.watcher.changed_at
            await lab.until(lambda: lab.tasks.find_one({"beats": {"$gte": 2000}}))
            woken = worker.watcher.changed_at != told_at
            measured("wakes by 2,000 heartbeats", float(woken), bound=0, unit="wakes")
            for number in range(ROUNDS):
                # In turn, so that whatever else this machine does meets all three alike.
                for where, found in waits.items():
                    beater.beat(where)
                    found.extend(await pick_ups(lab, f"{where}-{number}-", EACH))
            beater.beat("")
    finally:
        beater.end()
    rate = statistics.median(beater.rates["tasks"])
    assert rate > 900, f"{rate:.0f} heartbeats per second prove nothing"
    for figure, of in (("median", statistics.median), ("p95", p95)):
        quiet, unwatched, loud = (of(found) for found in waits.values())
        measured(f"{figure} without heartbeats", quiet, unit="ms")
        name = f"{figure} under heartbeats, against heartbeats on a collection that nobody watches"
        measured(name, loud / unwatched, bound=1.2, unit="times")
        excuse = f"also where nobody watches it is {unwatched / quiet:.2f} times"
        name = f"{figure} under heartbeats, against none"
        measured(name, loud / quiet, bound=1.2, unit="times", excuse=excuse)
    measured("longest under heartbeats", max(waits["tasks"]), unit="ms")


@pytest.mark.slow
@pytest.mark.fault("C6", "promotions behind a burst of 10,000 inserts")
async def test_promoted_tasks_start_before_a_large_backlog(
    lab: Workshop, measured: Measure
) -> None:
    lab.hold("b0", "b1")
    order: list[str] = []
    starts: list[float] = []

    def noting(name: str) -> Any:
        async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
            order.append(name)
            starts.append(time.monotonic())
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
        first = starts[0] - freed
        lab.gates["b1"].set()
        await lab.until(lambda: len(order) >= 60)
        waits = [first, *(later - sooner for sooner, later in pairwise(starts[:50]))]
        name = "from a free slot to the next of them, median of 50"
        measured(name, statistics.median(waits), bound=0.1)
        measured("p95", p95(waits), bound=0.1)
        measured("the first", first)
        measured("longest", max(waits))
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
    measured("promotion to start, median of 5", statistics.median(waits), bound=0.1)
    measured("longest", max(waits), bound=0.5)


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
