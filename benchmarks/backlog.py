"""Claims and urgent pick-up with a long queue and a million finished tasks, against an empty one.

A new ordinary task waits behind a backlog, by design; what must stay quick is a claim from the head
of the queue, and the start of an immediate task in the express lane while the other slots are held.
The server's profiler tells which indexes were used, by the worker as by the claims.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import anyio

from benchmarks import rig
from benchmarks.latency import pick_up
from benchmarks.report import Found, percentile
from hotstream_reactive.mongo.claims import Claims
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.settings import MongoSettings

#: Tasks in one claim, and slots that are held.
BATCH, SLOTS = 10, 4
#: Index entries that one statement about the queue may look at: a few batches.
MOST_KEYS = 200
#: A round of the worker's slowest loop but one; maintenance comes every 30 s.
LOOPS_S = 12.0


async def run(driver: str, scale: float) -> Found:
    """Each size in turn with the empty collection."""
    found = Found(part="backlog")
    finished = int(1_000_000 * scale)
    rounds = max(3, int(30 * min(1.0, scale * 10)))
    with rig.server() as uri:
        async with rig.client(uri) as outside:
            await rig.make_indexes(outside["small"])
            await rig.fill(outside["large"], finished, prefix="done", status=2)
            await rig.make_indexes(outside["large"])
            there = 0
            for waiting in (max(400, int(1_000 * scale)), max(800, int(100_000 * scale))):
                await rig.fill(outside["large"], waiting - there, prefix=f"w{waiting}-")
                await rig.fill(outside["small"], rounds * BATCH, prefix=f"s{waiting}-")
                there = waiting
                size = f"{waiting:,} waiting, {finished:,} finished"
                small, large = await _claims(uri, outside, driver, rounds)
                found.add(
                    f"claim of {BATCH} with {size}",
                    percentile(large, 50) * 1000,
                    "ms",
                    floor=percentile(small, 50) * 1000,
                    target="≤ 1.2",
                )
                small, large = await _pick_up(uri, outside, driver, rounds)
                found.add_durations(
                    f"immediate pick-up with {size}", large, small, ("≤ 1.2", "", "")
                )
                keys, shape = await _worst_plan(outside["large"])
                found.add(f"index entries read by one statement ({shape})", keys, "")
    return found


async def _claims(
    uri: str, outside: Any, driver: str, rounds: int
) -> tuple[list[float], list[float]]:
    """Seconds of batch claims from the small and from the large collection, in turn."""
    seconds: dict[str, list[float]] = {"small": [], "large": []}
    for _ in range(2):
        for name, kept in seconds.items():
            mongo = Mongo(MongoSettings(uri=uri, database=name, driver=driver), app_name="bench")
            await mongo.connect()
            claims = Claims(mongo.tasks, mongo.driver, worker_id="bench", default_timeout_s=60)
            for _ in range(rounds // 2):
                began = time.monotonic()
                documents, _ = await claims.claim_batch(BATCH)
                kept.append(time.monotonic() - began)
                assert len(documents) == BATCH
            await mongo.close()
            # They ended well: nobody shall have to rescue them.
            await outside[name].tasks.update_many({"status": 1}, {"$set": {"status": 2}})
    return seconds["small"], seconds["large"]


async def _pick_up(
    uri: str, outside: Any, driver: str, rounds: int
) -> tuple[list[float], list[float]]:
    """Seconds until an immediate task began while long tasks hold the ordinary slots."""
    seconds: dict[str, list[float]] = {"small": [], "large": []}
    with tempfile.NamedTemporaryFile("r", suffix=".stamps") as file:
        for name in seconds:
            # Holders come first in the queue, and the waiting tasks never start.
            await rig.fill(
                outside[name],
                SLOTS,
                prefix=f"h{time.monotonic_ns()}-",
                keywords=["hold"],
                priority=4,
                options={"limit": 1, "file": file.name},
            )
        slots = {"max_concurrent_tasks": SLOTS + 1, "express_slots": 1, "shutdown_grace": 0}
        async with rig.workers(uri, "small", driver=driver, **slots):
            async with rig.workers(uri, "large", driver=driver, **slots):
                await rig.lines(Path(file.name), 2 * SLOTS)
                for _ in range(3):
                    for name in seconds:
                        seconds[name] += await pick_up(
                            outside[name], max(3, rounds // 3), immediate=True, priority=1
                        )
                # Not while it is timed: the profiler costs a write for each statement. Long enough
                # for every loop of the worker to come round.
                await outside["large"].command("profile", 2)
                await pick_up(outside["large"], 3, immediate=True, priority=1)
                await anyio.sleep(LOOPS_S)
                await outside["large"].command("profile", 0)
        for name in seconds:
            await outside[name].tasks.delete_many({"keywords": "hold"})
    return seconds["small"], seconds["large"]


async def _worst_plan(database: Any) -> tuple[int, str]:
    """The most index entries that one statement of the product read, and of which kind it was.

    Raises:
        AssertionError: a collection was scanned, or the queue was read beyond its head.
    """
    worst, shape = 0, "none"
    async for seen in database.system.profile.find({"ns": f"{database.name}.tasks"}):
        first = seen.get("originatingCommand", seen.get("command", {}))
        if "$changeStream" in str(first.get("pipeline")):
            continue  # it reads the oplog, and no task
        plan = seen.get("planSummary", "")
        # A worker that starts reads one document to see that it may.
        scanned = "COLLSCAN" in plan and seen["docsExamined"] > 1
        assert not scanned, f"scanned the tasks: {seen.get('command')}"
        keys = int(seen.get("keysExamined", 0))
        if "immediate" in plan:
            assert keys <= MOST_KEYS, f"{keys} entries of the queue read: {seen.get('command')}"
        if keys > worst:
            # A filter of alternatives has a plan for each: the first is enough to know it again.
            worst, shape = keys, f"{seen['op']}, {plan.partition('}')[0]}}}"
    await database.system.profile.drop()
    return worst, shape
