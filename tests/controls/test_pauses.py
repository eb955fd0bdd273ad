"""Pauses: obeyed within a second by every worker, across restarts, and lifted at once."""

from __future__ import annotations

import time

import pytest
from fleet_lab import Lab

pytestmark = pytest.mark.anyio

PROMISED_S = 1.0


async def everywhere(lab: Lab, action: str, control: str) -> float:
    """When the last of the two workers had seen it."""
    seen = await lab.until(
        lambda: (
            {s.worker for s in lab.of(action, control=control)} == {"w1", "w2"}
            and lab.of(action, control=control)
        )
    )
    return max(one.at for one in seen)


async def test_engine_is_paused_and_resumed_within_a_second(lab: Lab) -> None:
    async with lab.workers("w1", "w2"):
        lab.held("before")
        await lab.runs("before")
        began = time.monotonic()
        lab.control("engine", paused=True, reason="deploy")
        assert await everywhere(lab, "paused", "engine") - began < PROMISED_S
        for number in range(6):
            lab.insert(f"t{number}", immediate=number % 2 == 0)
        lab.release("before")
        await lab.event("completed", "before")
        began = time.monotonic()
        lab.control("engine", paused=False)
        assert await everywhere(lab, "resumed", "engine") - began < PROMISED_S
        await lab.until(lambda: len(lab.of("completed")) == 7)
        resumed = lab.of("resumed")[0].at
        claims = [one.at for one in lab.of("claimed")][1:]
        assert min(claims) >= resumed, "nothing is claimed during the pause"
        assert max(claims) < began + PROMISED_S + 1.0, "what waited does not wait for a sweep"


async def test_a_paused_platform_does_not_hold_up_the_others(lab: Lab) -> None:
    lab.control("platform:lab", paused=True, reason="the site is down")
    async with lab.workers("w1", "w2"):
        assert lab.of("paused", control="platform:lab", reason="the site is down")
        for number in range(12):
            lab.insert(f"held{number}", priority=1)
        for number in range(12):
            lab.insert(f"free{number}", platform="other")
        await lab.until(lambda: len(lab.of("completed")) == 12)
        assert {one.event.task_id for one in lab.of("claimed")} == {f"free{n}" for n in range(12)}
        assert lab.database.tasks.count_documents({"platform": "lab", "status": 0}) == 12
        lab.control("platform:lab", paused=False)
        await lab.until(lambda: len(lab.of("completed")) == 24)


async def test_a_promoted_task_of_a_paused_platform_waits_too(lab: Lab) -> None:
    lab.control("platform:lab", paused=True)
    async with lab.worker():
        lab.insert("urgent", immediate=True)
        lab.database.tasks.update_one({"task_id": "urgent"}, {"$set": {"priority": 1}})
        lab.insert("barrier", platform="other", priority=9)
        await lab.event("completed", "barrier")
        assert lab.task("urgent")["status"] == 0
        lab.database.controls.delete_one({"_id": "platform:lab"})
        await lab.event("resumed", control="platform:lab")
        await lab.event("completed", "urgent")


async def test_a_pause_survives_a_restart(lab: Lab) -> None:
    async with lab.worker("w1"):
        lab.control("engine", paused=True)
        await lab.event("paused")
    lab.insert("waits")
    async with lab.worker("w2"):
        first = [one.event.action for one in lab.seen if one.worker == "w2"]
        assert first.index("paused") < first.index("ready")
        lab.control("engine", paused=False)
        await lab.event("completed", "waits")
        assert lab.of("claimed")[0].at >= lab.of("resumed")[0].at


async def test_a_careless_document_starts_at_once_after_a_pause(lab: Lab) -> None:
    """It has no sort keys, so only intake makes it findable: not as late as the next sweep."""
    lab.control("platform:lab", paused=True)
    async with lab.worker():
        lab.insert("careless", priority=..., immediate=..., created_at=...)
        await lab.event("admitted", "careless")
        lab.control("platform:lab", paused=False)
        await lab.event("completed", "careless")


async def test_what_is_wrong_in_a_control_is_reported_once_and_ignored(lab: Lab) -> None:
    lab.control("platform:lab", paused="yes", max_running=2, comment="ours")
    lab.control("platfrom:lab", paused=True)
    expected = "expected 'engine' or 'platform:' and a platform's name"
    async with lab.worker():
        lab.insert("t1")
        await lab.event("completed", "t1")
        lab.control("platform:lab", max_running=3)
        await lab.event("limit_changed", max_running=3)
        problems = [one.event.details for one in lab.of("control_ignored")]
    assert problems == [
        {"control": "platform:lab", "problem": "paused: 'yes', expected true or false"},
        {
            "control": "platfrom:lab",
            "problem": f"_id: 'platfrom:lab', {expected}",
        },
    ]
