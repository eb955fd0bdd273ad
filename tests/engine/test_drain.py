"""Stopping: what can finish finishes, the rest is handed back, and the worker always ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from workshop import Workshop, item, task

from hotstream_reactive.engine.events import Event, Events
from hotstream_reactive.engine.intake import Intake

pytestmark = pytest.mark.anyio


async def test_running_tasks_finish_within_the_grace_and_no_other_is_claimed(
    lab: Workshop,
) -> None:
    lab.hold("a", "b")
    async with lab.worker(max_concurrent_tasks=2, express_slots=0) as worker:
        await lab.insert(task("a"), task("b"))
        await lab.started("a")
        await lab.started("b")
        await lab.insert(task("waiting"))
        worker.stop()
        await lab.until(lambda: lab.told("draining"))
        await lab.insert(task("late"))
        lab.gates["a"].set()
        await lab.reaches("a", 2)
        lab.gates["b"].set()
        await lab.until(lambda: lab.told("stopped"))
    assert (await lab.get("b"))["status"] == 2
    for name in ("waiting", "late"):
        assert (await lab.get(name))["status"] == 0
        assert not lab.starts[name]


async def test_what_does_not_finish_is_handed_back_without_burning_a_retry(lab: Workshop) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        start = adapter.context.checkpoint.get("next", 0)
        for number in range(start, 6):
            yield item("a", number)
            await adapter.context.save_checkpoint({"next": number + 1})
            if number == 2 and start == 0:
                await anyio.sleep_forever()

    lab.plays["a"] = play
    async with lab.worker("w1", shutdown_grace=0.3) as worker:
        await lab.insert(task("a"))
        await lab.until(lambda: _count(lab, 3))
        worker.stop()
        began = time.monotonic()
        await lab.until(lambda: lab.told("stopped"))
        assert time.monotonic() - began < 3
    assert lab.closed["a"]
    handed_back = await lab.get("a")
    assert (handed_back["status"], handed_back["current_retry"]) == (0, 0)
    assert handed_back["checkpoint"]["next"] == 3
    async with lab.worker("w2"):
        done = await lab.reaches("a", 2, 2)
    assert (done["worker_id"], done["result_count"], done["current_retry"]) == ("w2", 6, 0)
    assert len(await lab.items("a")) == 6


async def _count(lab: Workshop, count: int) -> bool:
    return len(await lab.items("a")) == count


async def test_a_second_stop_hands_back_at_once(lab: Workshop) -> None:
    lab.hold("a")
    async with lab.worker(shutdown_grace=60.0) as worker:
        await lab.insert(task("a"))
        await lab.started("a")
        worker.stop()
        await lab.until(lambda: lab.told("draining"))
        began = time.monotonic()
        worker.stop()
        await lab.until(lambda: lab.told("stopped"))
        assert time.monotonic() - began < 2
    assert (await lab.get("a"))["status"] == 0


async def test_a_task_that_is_handed_back_starts_elsewhere_at_once(lab: Workshop) -> None:
    lab.hold("a")
    async with lab.workers("w1", "w2", shutdown_grace=0.0) as workers:
        await lab.insert(task("a"))
        await lab.started("a")
        owner = (await lab.get("a"))["worker_id"]
        workers[0 if owner == "w1" else 1].stop()
        stopped = time.monotonic()
        assert await lab.started("a", times=2) - stopped < 2
        lab.gates["a"].set()
        assert (await lab.reaches("a", 2))["worker_id"] != owner


async def test_an_idle_worker_stops_at_once(lab: Workshop) -> None:
    async with lab.worker(shutdown_grace=60.0) as worker:
        began = time.monotonic()
        worker.stop()
        await lab.until(lambda: lab.told("stopped"))
        assert time.monotonic() - began < 2


async def test_the_last_outcome_is_written_before_the_end(lab: Workshop) -> None:
    async with lab.worker() as worker:
        await lab.insert(*(task(f"t{n}") for n in range(5)))
        await lab.started("t0")
        worker.stop()
        await lab.until(lambda: lab.told("stopped"))
    assert await lab.tasks.count_documents({"status": 1}) == 0


async def test_a_worker_that_is_cancelled_ends(lab: Workshop) -> None:
    lab.may_die = True
    lab.hold("a")
    async with lab.worker() as worker:
        await lab.insert(task("a"))
        await lab.started("a")
        [run] = [
            job
            for job in asyncio.all_tasks()
            if getattr(job.get_coro(), "__qualname__", "") == "Worker.run"
        ]
        assert worker
        run.cancel()
        done, _ = await asyncio.wait([run], timeout=5)
        assert done, "cancelled, it neither works nor ends"
        worker.stop()


async def test_a_service_that_fails_ends_the_worker_instead_of_leaving_it_deaf(
    lab: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(self: Intake) -> int:
        raise RuntimeError("a fault nobody thought of")

    lab.may_die = True
    lab.hold("a")
    async with lab.worker():
        await lab.insert(task("a"))
        await lab.started("a")
        [run] = [
            job
            for job in asyncio.all_tasks()
            if getattr(job.get_coro(), "__qualname__", "") == "Worker.run"
        ]
        monkeypatch.setattr(Intake, "run_once", fail)
        await lab.insert({"task_id": "odd", "platform": "lab"})
        done, _ = await asyncio.wait([run], timeout=5)
        still_works = not done and await _still_works(lab)
        assert done or still_works, "it neither works nor ends"
        if done:
            run.exception()


async def _still_works(lab: Workshop) -> bool:
    await lab.insert(task("next"))
    return bool(await lab.reaches("next", 2, 5))


def test_events_reach_every_listener_in_order() -> None:
    events = Events()
    seen: list[tuple[int, Event]] = []
    events.listen(lambda event: seen.append((1, event)))
    events.listen(lambda event: seen.append((2, event)))
    events.emit("claimed", "a", priority=5)
    assert [(n, event.action, event.details) for n, event in seen] == [
        (1, "claimed", {"priority": 5}),
        (2, "claimed", {"priority": 5}),
    ]
