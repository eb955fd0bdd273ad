"""Sixteen idle workers and one task at a time: how many claims are tried for each.

Counted by the server's profiler: a claim, of one task or of a batch, is a write that asks for the
pending state. Ordinary and urgent tasks in turn.
"""

from __future__ import annotations

import time
from typing import Any

import anyio

from benchmarks import rig
from benchmarks.report import Found

WORKERS = 16
#: Of the usual size the profile would forget the first claims.
_PROFILE_BYTES = 256 * 2**20


async def run(driver: str, scale: float) -> Found:
    """Attempts per task and pick-up with 16 workers."""
    number = max(20, int(100 * scale))
    with rig.server() as uri:
        async with rig.client(uri) as outside:
            database = outside["fleet"]
            async with rig.workers(uri, "fleet", number=WORKERS, driver=driver):
                attempts, seconds = await measure(database, number)
    found = Found(part="fleet")
    found.add(f"claim attempts per task, {WORKERS} idle workers", attempts, "", target="≤ 1.5")
    found.add_durations(f"insert to completed, {WORKERS} workers", seconds)
    return found


async def measure(database: Any, number: int) -> tuple[float, list[float]]:
    """Insert tasks one at a time; gives claim attempts per task, and the seconds each one took."""
    await database.create_collection("system.profile", capped=True, size=_PROFILE_BYTES)
    await database.command("profile", 2)
    seconds = []
    for n in range(number):
        began = time.monotonic()
        await database.tasks.insert_one(rig.task(f"t{n}", priority=5 if n % 2 else 1))
        while await database.tasks.count_documents({"task_id": f"t{n}", "status": 2}) == 0:
            await anyio.sleep(0.005)
        seconds.append(time.monotonic() - began)
    await database.command("profile", 0)
    writes = {"ns": f"{database.name}.tasks", "op": {"$in": ["update", "command"]}}
    attempts = 0
    async for entry in database["system.profile"].find(writes):
        command = entry["command"]
        attempts += _asks_for_pending(command.get("q") or command.get("query") or {})
    assert attempts >= number, "the profiler saw every claim"
    return attempts / number, seconds


def _asks_for_pending(query: dict[str, Any]) -> bool:
    status = query.get("status")
    return isinstance(status, dict) and status.get("$eq") == 0
