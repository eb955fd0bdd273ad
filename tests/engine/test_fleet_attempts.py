"""Sixteen idle workers, each a process of its own: how often a claim is tried is bounded."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import fleet, rig

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

TASKS = 60
MOST_ATTEMPTS = 1.5


async def test_claim_attempts_per_task(mongo_server: Any, database_name: str) -> None:
    async with (
        rig.client(mongo_server.uri) as outside,
        rig.workers(mongo_server.uri, database_name, number=fleet.WORKERS, driver="motor"),
    ):
        attempts, _ = await fleet.measure(outside[database_name], TASKS)
    print(f"{attempts:.2f} claim attempts per task with {fleet.WORKERS} idle workers")
    assert attempts <= MOST_ATTEMPTS
