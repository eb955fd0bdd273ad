"""Pick-up: an outside program inserts one task at a time; insert → the adapter's first line.

Floor: the bare driver does only what cannot be avoided, a stream event and one claim. Both are
measured in turn on the same server, with the same outside program.
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
from benchmarks.report import Figure, percentiles


async def run(driver: str, scale: float) -> list[Figure]:
    """Idle worker with the stream, against the floor; and with the loops alone."""
    number = max(30, int(300 * scale))
    with rig.server() as uri:
        async with rig.client(uri) as outside:
            floor = await _floor(uri, outside, number)
            async with rig.workers(uri, "latency", driver=driver):
                reactive = await _insert(outside["latency"], number)
            again = await _floor(uri, outside, number)
            async with rig.workers(
                uri, "loops", driver=driver, reactive="false", check_interval=10
            ):
                polled = await _insert(outside["loops"], 3)
    floors = floor + again
    return [
        *percentiles("latency", "pick-up, stream", reactive, floors, ("≤ 1.25", "", "≤ 2")),
        Figure(
            part="latency",
            name="pick-up, loops alone, worst of 3",
            value=max(polled),
            unit="s",
            target="≤ 10 s",
        ),
    ]


async def _insert(database: Any, number: int) -> list[float]:
    """Insert tasks one at a time and read when their adapter began."""
    with tempfile.NamedTemporaryFile("r", suffix=".stamps") as stamps:
        begun: list[tuple[str, float]] = []
        for n in range(number):
            began = time.monotonic()
            await database.tasks.insert_one(
                rig.task(f"l{n}", keywords=["stamp"], options={"limit": 1, "file": stamps.name})
            )
            begun.append((f"l{n}", began))
            while await database.tasks.count_documents({"task_id": f"l{n}", "status": 2}) == 0:
                await anyio.sleep(0.003)
        lines = Path(stamps.name).read_text(encoding="ascii").splitlines()
    started = {task_id: float(moment) for task_id, moment in map(str.split, lines)}
    return [started[task_id] - began for task_id, began in begun]


async def _floor(uri: str, outside: Any, number: int) -> list[float]:
    database = outside["floor"]
    await database.tasks.drop()
    await rig.make_indexes(database)
    async with rig.client(uri) as watching, rig.client(uri) as claiming:
        stream = await watching["floor"].tasks.watch(
            [{"$match": {"operationType": "insert"}}, {"$project": {"documentKey": 1}}]
        )
        seconds: list[float] = []
        for n in range(number):
            began = time.monotonic()
            await database.tasks.insert_one(rig.task(f"f{n}"))
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
