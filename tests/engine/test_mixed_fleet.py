"""Workers with different plugins side by side: a task goes to one that knows its platform."""

from __future__ import annotations

import pytest
from workshop import Workshop, task

pytestmark = pytest.mark.anyio


async def test_tasks_are_left_to_the_workers_that_know_their_platform(lab: Workshop) -> None:
    async with (
        lab.worker("knows", check_interval=1.0),
        lab.worker("knows-not", unknown=["lab"], check_interval=1.0) as other,
    ):
        await lab.until(lambda: "lab" in other._fleet.elsewhere)
        await lab.insert(*(task(f"t{n}") for n in range(30)))
        for n in range(30):
            done = await lab.reaches(f"t{n}", 2)
            assert done["worker_id"] == "knows"
        await lab.insert(task("nobody", platform="labb"))
        refused = await lab.reaches("nobody", 3)
    assert "platform: 'labb'" in refused["error_message"]


async def test_they_wait_while_the_one_that_knows_starts_anew(lab: Workshop) -> None:
    """A rolling restart fails nothing."""
    async with lab.worker("knows-not", unknown=["lab"], check_interval=0.5) as other:
        async with lab.worker("knows"):
            await lab.until(lambda: "lab" in other._fleet.elsewhere)
        await lab.insert(task("waits", immediate=True), task("other", platform="raw"))
        await lab.reaches("other", 2)
        assert (await lab.get("waits"))["status"] == 0
        async with lab.worker("knows-again"):
            await lab.reaches("waits", 2)
