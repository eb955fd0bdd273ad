"""Sixteen idle workers and one task at a time: how often a claim is tried is bounded."""

from __future__ import annotations

import msgspec
import pytest
from workshop import Workshop, task

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

WORKERS = 16
TASKS = 40
MOST_ATTEMPTS = 1.5


@pytest.mark.parametrize("priority", [5, 1], ids=["ordinary", "urgent"])
async def test_claim_attempts_per_task(lab: Workshop, priority: int) -> None:
    """Counted by the profiler of the server: a claim is a write that asks for the pending state."""
    # Sixteen streams in one process would take all the threads of the other driver.
    mongodb = msgspec.structs.replace(lab.settings.mongodb, driver="pymongo")
    lab.settings = msgspec.structs.replace(lab.settings, mongodb=mongodb)
    async with lab.workers(*(f"w{n}" for n in range(WORKERS))) as workers:

        async def all_known() -> bool:
            return await lab.database.workers.count_documents({}) == WORKERS

        await lab.until(all_known)
        # The order of the workers is theirs only when each has read the whole register.
        await lab.until(lambda: all(worker._fleet.size == WORKERS for worker in workers))
        # Of the usual size it would forget the first ones.
        await lab.database.create_collection("system.profile", capped=True, size=64 * 2**20)
        await lab.database.command("profile", 2)
        for n in range(TASKS):
            await lab.insert(task(f"t{n}", priority=priority))
            await lab.reaches(f"t{n}", 2)
        await lab.database.command("profile", 0)
    claims = [
        entry
        async for entry in lab.database["system.profile"].find(
            {"ns": f"{lab.database.name}.tasks", "op": {"$in": ["update", "command"]}}
        )
        if _is_claim(entry)
    ]
    assert len(claims) >= TASKS, "the profiler saw the claims"
    attempts = len(claims) / TASKS
    print(f"{attempts:.2f} claim attempts per task with {WORKERS} idle workers")
    assert attempts <= MOST_ATTEMPTS


def _is_claim(entry: dict[str, object]) -> bool:
    command = entry.get("command")
    assert isinstance(command, dict)
    query = command.get("q") or command.get("query") or {}
    status = query.get("status")
    return isinstance(status, dict) and status.get("$eq") == 0 and "u" in str(command.keys())
