"""Pick-up: an outside program inserts one task at a time; insert → the adapter's first line.

Floor: a worker process of the same bare driver that does only what cannot be avoided, a stream
event and one claim. Blocks of both take turns on the same server, so that a busy moment of the
machine meets both, and the next task comes when the worker is idle again. A worker on motor is
compared with PyMongo's own async API as well, which is the quicker of the two.

Beside it stands a figure that no worker can reach: the same calls in the process that inserts,
without a change from process to process.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from pymongo import ReturnDocument

from benchmarks import rig
from benchmarks.report import Found

BLOCKS = 6
#: Between two tasks that are picked up one at a time.
REST_S = 0.02


async def run(driver: str, scale: float) -> Found:
    """Idle workers with the stream, 1, 4 and 16 of them, and one with the sweeps alone."""
    found = Found(part="latency")
    each = max(3, int(300 * scale) // BLOCKS)
    with rig.server() as uri:
        async with rig.client(uri) as outside:
            for number in (1, 4, 16):
                database, bare = outside[f"latency{number}"], outside[f"bare{number}"]
                floors: list[float] = []
                pymongo: list[float] = []
                inside: list[float] = []
                seconds: list[float] = []
                other = outside["pymongo"] if number == 1 and driver != "pymongo" else None
                async with AsyncExitStack() as alive:
                    await alive.enter_async_context(
                        rig.workers(uri, database.name, number=number, driver=driver)
                    )
                    await alive.enter_async_context(bare_worker(uri, bare, driver))
                    if other is not None:
                        await alive.enter_async_context(bare_worker(uri, other, "pymongo"))
                    for _ in range(BLOCKS):
                        floors += await pick_up(bare, each)
                        if number == 1:
                            inside += await in_one_process(uri, outside["inside"], each)
                        seconds += await pick_up(database, each)
                        if other is not None:
                            pymongo += await pick_up(other, each)
                name = f"pick-up, {number} worker{'s' * (number > 1)}"
                targets = ("≤ 1.25", "", "≤ 2") if number == 1 else ("", "", "")
                found.add_durations(name, seconds, floors, targets)
                if number == 1:
                    found.durations["bare driver"] = floors
                    if pymongo:
                        found.add_durations(f"{name}, to PyMongo's own API", seconds, pymongo)
                    found.add_durations("the bare driver in the inserting process", inside)
            async with rig.workers(uri, "sweeps", driver=driver, reactive="false"):
                swept = await pick_up(outside["sweeps"], max(2, int(10 * scale)))
    # Not into the plot: seconds beside milliseconds. The sweep comes every 10 s, and then claims.
    found.add("pick-up, sweeps alone, worst", max(swept), "s", target="≤ 10.1 s")
    return found


async def pick_up(database: Any, number: int, **fields: Any) -> list[float]:
    """Seconds from the insert of a task to its adapter's first line, `number` times in turn.

    The next one is inserted a moment after the run of the last was kept: all are at rest then. A
    machine whose processors have just been busy wakes up sooner.
    """
    with tempfile.NamedTemporaryFile("r", suffix=".stamps") as stamps:
        path = Path(stamps.name)
        begun: dict[str, float] = {}
        for n in range(number):
            task_id = f"p{time.monotonic_ns()}"
            document = rig.task(
                task_id, keywords=["stamp"], options={"limit": 1, "file": stamps.name}, **fields
            )
            begun[task_id] = time.monotonic()
            await database.tasks.insert_one(document)
            # The file, not the server: nobody but the worker shall keep the server busy.
            await rig.lines(path, n + 1)
            while not await database.task_runs.find_one({"task_id": task_id}, {"_id": 1}):
                await anyio.sleep(0.005)
            await anyio.sleep(REST_S)
        started = {stamp.task_id: stamp.at for stamp in rig.stamps(path)}
    return [started[task_id] - began for task_id, began in begun.items()]


@asynccontextmanager
async def bare_worker(uri: str, database: Any, driver: str) -> AsyncIterator[None]:
    """A worker of the bare driver that works on this database."""
    await rig.make_indexes(database)
    arguments = [sys.executable, "-m", "benchmarks.bare_worker", uri, database.name, driver]
    async with await anyio.open_process(arguments, stdin=None, stderr=None) as process:
        assert process.stdout is not None
        assert b"ready" in await process.stdout.receive()
        try:
            yield
        finally:
            process.kill()


async def in_one_process(uri: str, database: Any, number: int) -> list[float]:
    """Seconds from an insert to the answer of the claim, all in this process, `number` times."""
    await rig.make_indexes(database)
    seconds: list[float] = []
    async with rig.client(uri) as watching, rig.client(uri) as claiming:
        stream = await watching[database.name].tasks.watch(
            [{"$match": {"operationType": "insert"}}, {"$project": {"documentKey": 1}}]
        )
        for _ in range(number):
            document = rig.task(f"f{time.monotonic_ns()}")
            async with anyio.create_task_group() as group:
                began = time.monotonic()
                group.start_soon(database.tasks.insert_one, document)
                event = await _next(stream.try_next)
                await claiming[database.name].tasks.find_one_and_update(
                    {"_id": event["documentKey"]["_id"], "status": 0},
                    [{"$set": {"status": 1, "worker_id": "w", "started_at": "$$NOW"}}],
                    return_document=ReturnDocument.AFTER,
                )
                seconds.append(time.monotonic() - began)
            await anyio.sleep(REST_S)
        await stream.close()
    return seconds


async def _next(read: Callable[[], Awaitable[Any]]) -> Any:
    while (event := await read()) is None:
        pass
    return event
