"""Documents that only look pending to the server, and those too large to be claimed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from bson import encode
from workshop import Workshop, task

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("status", [[0], [0, 1], [[0]], []])
async def test_an_array_is_no_status(lab: Workshop, status: list[object]) -> None:
    async with lab.worker(check_interval=1.0):
        await lab.insert(task("array", status=status, immediate=True), task("good"))
        await lab.reaches("good", 2)
        refused = await lab.reaches("array", 3)
    assert "status: [" in refused["error_message"]
    assert "an integer from 0 to 4" in refused["error_message"]
    assert not lab.starts["array"]


@pytest.mark.parametrize("spare", [0, 10, 700, 3_000, 1_000_000])
async def test_a_document_that_cannot_grow_blocks_nobody(lab: Workshop, spare: int) -> None:
    full = {"_id": "full", **task("full", priority=1, immediate=True), "blob": ""}
    full["blob"] = "x" * (16 * 2**20 - len(encode(full)) - spare)
    await lab.insert(full, *(task(f"good{n}") for n in range(5)))
    async with lab.worker(check_interval=1.0):
        for n in range(5):
            await lab.reaches(f"good{n}", 2)
        refused = await lab.reaches("full", 3)
        assert not lab.told("claim_failed")
    assert len(refused["blob"]) == len(full["blob"])
    if spare > 600:
        assert "expected at most 262,144" in refused["error_message"]
    assert not lab.starts["full"]


async def test_a_large_one_is_refused_also_when_it_is_the_only_hint(lab: Workshop) -> None:
    async with lab.worker(check_interval=1.0):
        await lab.insert(task("large", name=7, blob="x" * 300_000))
        refused = await lab.reaches("large", 3)
    for part in ("the document: 300,", "expected at most 262,144", "name: 7"):
        assert part in refused["error_message"]


async def test_what_was_cancelled_while_it_waited_begins_anew(lab: Workshop) -> None:
    """Its old retries do not count against the new life."""
    later = datetime(2100, 1, 1, tzinfo=UTC)
    async with lab.worker(check_interval=1.0):
        await lab.insert(
            task("again", run_at=later, current_retry=3, rescues=2, checkpoint={"page": 7})
        )
        await lab.tasks.update_one({"task_id": "again"}, {"$set": {"status": 4}})

        async def ended() -> bool:
            return bool((await lab.get("again")).get("completed_at"))

        await lab.until(ended)
        await lab.tasks.update_one({"task_id": "again"}, {"$set": {"status": 0, "run_at": None}})
        done = await lab.reaches("again", 2)
    assert (done["current_retry"], done["rescues"], done["checkpoint"]) == (0, 0, {})
