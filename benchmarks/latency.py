"""Pick-up: an outside program inserts one task at a time; insert → the adapter's first line.

Floor: the bare driver does only what cannot be avoided, a stream event and one claim, with the
read of the stream already waiting when the task is inserted. Blocks of both take turns on the same
server, so that a busy moment of the machine meets both.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
from pymongo import ReturnDocument

from benchmarks import rig
from benchmarks.report import Found

BLOCKS = 6


async def run(driver: str, scale: float) -> Found:
    """Idle workers with the stream, 1, 4 and 16 of them, and one with the sweeps alone."""
    found = Found(part="latency")
    each = max(3, int(300 * scale) // BLOCKS)
    with rig.server() as uri:
        async with rig.client(uri) as outside:
            floor = Floor(uri, outside)
            for number in (1, 4, 16):
                database = outside[f"latency{number}"]
                floors: list[float] = []
                seconds: list[float] = []
                async with rig.workers(uri, database.name, number=number, driver=driver):
                    for _ in range(BLOCKS):
                        floors += await floor.measure(each)
                        seconds += await pick_up(database, each)
                if number == 1:
                    found.durations["bare driver"] = floors
                found.add_durations(
                    f"pick-up, {number} worker{'s' * (number > 1)}",
                    seconds,
                    floors,
                    ("≤ 1.25", "", "≤ 2") if number == 1 else ("", "", ""),
                )
            async with rig.workers(uri, "sweeps", driver=driver, reactive="false"):
                swept = await pick_up(outside["sweeps"], max(2, int(10 * scale)))
    # Not into the plot: seconds beside milliseconds.
    found.add("pick-up, sweeps alone, worst", max(swept), "s", target="≤ 10 s")
    return found


async def pick_up(database: Any, number: int, **fields: Any) -> list[float]:
    """Seconds from the insert of a task to its adapter's first line, `number` times in turn."""
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
            while not await database.tasks.find_one({"task_id": task_id, "status": 2}, {"_id": 1}):
                await anyio.sleep(0.005)
        started = {stamp.task_id: stamp.at for stamp in rig.stamps(path)}
    return [started[task_id] - began for task_id, began in begun.items()]


class Floor:
    """The bare driver on the same server."""

    def __init__(self, uri: str, outside: Any) -> None:
        self._uri = uri
        self._tasks = outside["floor"].tasks

    async def measure(self, number: int) -> list[float]:
        """Seconds from the insert of a task to the answer of its claim, `number` times."""
        await rig.make_indexes(self._tasks.database)
        seconds: list[float] = []
        async with rig.client(self._uri) as watching, rig.client(self._uri) as claiming:
            stream = await watching["floor"].tasks.watch(
                [{"$match": {"operationType": "insert"}}, {"$project": {"documentKey": 1}}]
            )
            for _ in range(number):
                document = rig.task(f"f{time.monotonic_ns()}")
                async with anyio.create_task_group() as group:
                    began = time.monotonic()
                    group.start_soon(self._tasks.insert_one, document)
                    event = await _next(stream.try_next)
                    await claiming["floor"].tasks.find_one_and_update(
                        {"_id": event["documentKey"]["_id"], "status": 0},
                        [{"$set": {"status": 1, "worker_id": "w", "started_at": "$$NOW"}}],
                        return_document=ReturnDocument.AFTER,
                    )
                    seconds.append(time.monotonic() - began)
            await stream.close()
        return seconds


async def _next(read: Callable[[], Awaitable[Any]]) -> Any:
    while (event := await read()) is None:
        pass
    return event
