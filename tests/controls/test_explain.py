"""Every hold, made by a real situation, and lifted: the engine does what was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fleet_lab import Lab

from hotstream_reactive.errors import NotFound

pytestmark = pytest.mark.anyio


async def test_a_task_without_holds_starts(lab: Lab) -> None:
    lab.control("engine", paused=True)
    async with lab.worker():
        lab.insert("t1")
        assert list(await lab.explain("t1")) == ["engine_paused"]
        lab.control("engine", paused=False)
        await lab.event("completed", "t1")


async def test_no_such_task(lab: Lab) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await lab.explain("nobody")


async def test_nobody_is_there(lab: Lab) -> None:
    lab.insert("t1")
    hold = (await lab.explain("t1"))["no_worker"]
    assert "hotstream start-daemon" in hold.reason
    async with lab.worker():
        await lab.event("completed", "t1")


async def test_a_document_that_is_wrong(lab: Lab) -> None:
    lab.insert("t1", priority="high", keywords=[])
    holds = await lab.explain("t1")
    async with lab.worker():
        await lab.event("refused", "t1")
    task = lab.task("t1")
    assert list(holds) == ["invalid"]
    assert holds["invalid"].reason.startswith(task["error_message"])
    failed = (await lab.explain("t1"))["failed"]
    assert task["error_message"] in failed.reason


@pytest.mark.parametrize("status", [7, "pending", True, float("nan")])
async def test_a_status_that_is_none(lab: Lab, status: Any) -> None:
    lab.insert("t1", status=status)
    assert "status: " in (await lab.explain("t1"))["invalid"].reason
    async with lab.worker():
        await lab.event("refused", "t1")


async def test_a_careless_document_waits_for_intake(lab: Lab) -> None:
    run_at = datetime(2001, 1, 1, tzinfo=UTC).isoformat()
    lab.insert("t1", status=..., priority=..., created_at=..., run_at=run_at)
    hold = (await lab.explain("t1"))["not_admitted"]
    assert "status, priority, created_at, run_at" in hold.reason
    async with lab.worker():
        await lab.event("admitted", "t1")
        await lab.event("completed", "t1")


async def test_not_due(lab: Lab) -> None:
    run_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    async with lab.worker():
        lab.insert("t1", run_at=run_at)
        holds = await lab.explain("t1")
        assert list(holds) == ["not_due"]
        assert holds["not_due"].until == run_at
        lab.database.tasks.update_one({"task_id": "t1"}, {"$set": {"run_at": datetime.now(UTC)}})
        await lab.event("completed", "t1")


async def test_a_schedule_is_armed_first_and_then_not_due(lab: Lab) -> None:
    lab.insert("t1", schedule="0 9 * * *", timezone="Asia/Shanghai")
    assert set(await lab.explain("t1")) == {"not_armed", "no_worker"}
    async with lab.worker():
        await lab.event("admitted", "t1")
        holds = await lab.explain("t1")
        assert list(holds) == ["not_due"]
        assert holds["not_due"].until == lab.task("t1")["run_at"].replace(tzinfo=UTC)


async def test_backoff_names_the_failure(lab: Lab) -> None:
    async with lab.worker():
        lab.insert("t1", options={"fail": True})
        await lab.event("retry", "t1")
        hold = (await lab.explain("t1"))["backoff"]
        assert hold.until == lab.task("t1")["run_at"].replace(tzinfo=UTC)
        assert "failure 1 of 4: the site is away" in hold.reason


async def test_both_pauses_are_named_with_their_reasons(lab: Lab) -> None:
    lab.control("engine", paused=True, reason="deploy")
    lab.control("platform:lab", paused=True, reason="blocked\x1b[2J")
    async with lab.worker():
        lab.insert("t1")
        holds = await lab.explain("t1")
        assert {name: (hold.reason, hold.by) for name, hold in holds.items()} == {
            "engine_paused": ("the engine is paused: deploy", ["engine"]),
            "platform_paused": ("platform lab is paused: blocked[2J", ["platform:lab"]),
        }
        lab.control("engine", paused=False)
        await lab.event("resumed", control="engine")
        lab.insert("barrier", platform="other")
        await lab.event("completed", "barrier")
        assert list(await lab.explain("t1")) == ["platform_paused"]
        assert lab.task("t1")["status"] == 0
        lab.control("platform:lab", paused=False)
        await lab.event("completed", "t1")


@pytest.mark.parametrize("by", ["control", "settings"])
async def test_a_limit_names_the_tasks_that_fill_it(lab: Lab, by: str) -> None:
    platforms = {"lab": {"max_running": 2}} if by == "settings" else {}
    if by == "control":
        lab.control("platform:lab", max_running=2)
    async with lab.worker(platforms=platforms):
        for name in ("a", "b", "c"):
            lab.held(name)
        await lab.runs("a", "b")
        lab.insert("barrier", platform="other")
        await lab.event("completed", "barrier")
        holds = await lab.explain("c")
        assert list(holds) == ["platform_limit"]
        assert holds["platform_limit"].by == ["a", "b"]
        assert lab.task("c")["status"] == 0
        lab.release("a")
        await lab.runs("c")
        lab.release("b", "c")


async def test_a_platform_nobody_runs(lab: Lab) -> None:
    lab.control("engine", paused=True)
    async with lab.worker(platforms={"other": {"enabled": False}}):
        lab.insert("t1", platform="nope")
        lab.insert("t2", platform="other")
        for name in ("t1", "t2"):
            holds = await lab.explain(name)
            assert list(holds) == ["engine_paused", "platform_unknown"]
            assert "there are lab" in holds["platform_unknown"].reason
        lab.control("engine", paused=False)
        for name in ("t1", "t2"):
            await lab.event("failed", name)
            assert "platform: " in lab.task(name)["error_message"]


async def test_all_slots_are_busy(lab: Lab) -> None:
    async with lab.worker(max_concurrent_tasks=2, express_slots=1):
        lab.held("first")
        await lab.runs("first")
        lab.insert("before")
        lab.insert("t1")
        hold = (await lab.explain("t1"))["no_slot"]
        assert hold.by == ["first"]
        assert "all ordinary slots of 1 worker are busy, place 2 in the queue" in hold.reason
        assert "express slot" in hold.reason
        lab.held("urgent", immediate=True)
        await lab.runs("urgent")
        lab.insert("urgent2", immediate=True)
        assert "all 2 slots" in (await lab.explain("urgent2"))["no_slot"].reason
        assert "place 3 in the queue" in (await lab.explain("t1"))["no_slot"].reason
        lab.release("urgent")
        await lab.event("completed", "urgent2")
        lab.release("first")
        await lab.event("completed", "t1")


async def test_the_queue_is_counted_without_what_is_held(lab: Lab) -> None:
    async with lab.worker(max_concurrent_tasks=1):
        lab.held("first")
        await lab.runs("first")
        lab.control("platform:other", paused=True)
        for number in range(3):
            lab.insert(f"paused{number}", platform="other", immediate=True)
        lab.insert("t1")
        assert "place 1 in the queue" in (await lab.explain("t1"))["no_slot"].reason
        lab.release("first")
        await lab.event("completed", "t1")


async def test_without_a_stream_sweeps_find_it(lab: Lab) -> None:
    async with lab.worker(reactive=False, check_interval=30.0, priority_check_interval=0.3):
        lab.insert("t0", immediate=True)  # afterwards the sweep at the start is over
        await lab.event("completed", "t0")
        lab.insert("t1")
        lab.insert("t2", immediate=True)
        slow = (await lab.explain("t1"))["no_stream"]
        assert "the change stream is off: sweeps find it within 30 s" in slow.reason
        assert slow.until is not None
        await lab.event("completed", "t2")
        assert lab.task("t1")["status"] == 0


async def test_a_worker_that_drains_takes_nothing(lab: Lab) -> None:
    async with lab.worker() as worker:
        lab.held("first")
        await lab.runs("first")
        worker.stop()
        await lab.event("draining")
        await worker._fleet.beat_once()
        lab.insert("t1")
        assert (await lab.explain("t1"))["no_worker"].by == ["w1"]
        lab.release("first")


async def test_the_states_of_a_task_that_does_not_wait(lab: Lab) -> None:
    async with lab.worker():
        lab.held("t1")
        await lab.runs("t1")
        running = (await lab.explain("t1"))["running"]
        assert running.by == ["w1"]
        assert "lease held by w1, last heartbeat " in running.reason
        lab.release("t1")
        await lab.event("completed", "t1")
        assert list(await lab.explain("t1")) == ["completed"]
        lab.held("t2")
        await lab.runs("t2")
        lab.database.tasks.update_one({"task_id": "t2"}, {"$set": {"status": 4}})
        await lab.event("cancelled", "t2")
        assert list(await lab.explain("t2")) == ["cancelled"]


async def test_a_lease_that_ran_out_is_said_to_be_rescued(lab: Lab) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    lab.insert("t1", status=1, worker_id="dead", last_heartbeat=long_ago, lease_id="x")
    assert "about to be rescued" in (await lab.explain("t1"))["running"].reason
    async with lab.worker():
        await lab.event("rescued", "t1")
