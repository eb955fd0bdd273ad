"""Sixteen idle workers and one task at a time: how many claims are tried for each.

The attempts are counted by the server's own profile-free counters: every claim is a findAndModify
or an update of `tasks`, and what is no claim (completion, renewal) is known.
"""

from __future__ import annotations

import time

import anyio

from benchmarks import rig
from benchmarks.report import Found

WORKERS = 16


async def run(driver: str, scale: float) -> Found:
    """Attempts per task and pick-up with 16 workers."""
    number = max(20, int(100 * scale))
    with rig.server() as uri:
        async with rig.client(uri) as outside:
            database = outside["fleet"]
            async with rig.workers(uri, "fleet", number=WORKERS, driver=driver):
                before = await _claims(outside)
                seconds = []
                for n in range(number):
                    began = time.monotonic()
                    await database.tasks.insert_one(rig.task(f"t{n}"))
                    while (
                        await database.tasks.count_documents({"task_id": f"t{n}", "status": 2}) == 0
                    ):
                        await anyio.sleep(0.005)
                    seconds.append(time.monotonic() - began)
                attempts = await _claims(outside) - before
    found = Found(part="fleet")
    found.add(
        f"claim attempts per task, {WORKERS} idle workers", attempts / number, "", target="≤ 1.5"
    )
    found.add_durations(f"insert to completed, {WORKERS} workers", seconds)
    return found


async def _claims(outside: object) -> int:
    """findAndModify commands so far: the form of a claim by an idle worker."""
    status = await outside.admin.command("serverStatus")  # type: ignore[attr-defined] # a client
    return int(status["metrics"]["commands"]["findAndModify"]["total"])
