"""`max_running`: strict in the whole fleet, edited live, and no place is left empty."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import anyio
import pytest
from fleet_lab import Lab

from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.stores import MongoStores

pytestmark = pytest.mark.anyio


async def test_three_workers_keep_to_a_limit(lab: Lab) -> None:
    lab.control("platform:lab", max_running=2)
    async with lab.workers("w1", "w2", "w3"):
        for number in range(30):
            lab.insert(f"t{number}", options={"seconds": 0.03}, priority=1 + number % 10)
        began = time.monotonic()
        await lab.until(lambda: len(lab.of("completed")) == 30)
        took_s = time.monotonic() - began
    assert lab.most["lab"] == 2
    tasks = list(lab.database.tasks.find())
    assert {task["status"] for task in tasks} == {2}
    assert {task["current_retry"] for task in tasks} == {0}, "a hand-back uses up no retry"
    assert {task["run_number"] for task in tasks} == {1}, "and counts as no run"
    assert len(lab.database.running_limits.find_one({"_id": "lab"})["leases"]) <= 2
    assert took_s < 8, "places are taken over at once, without a sweep"
    assert sum(one.event.details["tasks"] for one in lab.of("handed_back")) < 60, "no ping-pong"


async def test_workers_that_claim_at_the_same_moment_are_admitted_one_by_one(lab: Lab) -> None:
    """The race itself: claims without counting before, rounds of many at once."""
    async with AsyncExitStack() as stack:
        stores = []
        for number in range(4):
            mongo: Mongo = await stack.enter_async_context(lab.connected())
            stores.append(MongoStores(mongo, worker_id=f"w{number}", default_timeout_s=60))
        for number in range(40):
            lab.insert(f"t{number}")
        admitted: set[str] = set()

        async def claim_and_enter(store: MongoStores) -> None:
            claimed, _ = await store.claims.claim_batch(5)
            leases = {document["lease_id"]: document for document in claimed}
            ours = leases.keys() & await store.limits.admit("lab", 3)
            if beyond := [leases[lease] for lease in leases.keys() - ours]:
                await store.limits.hand_back(beyond)
            admitted.update(ours)

        for _ in range(10):
            async with anyio.create_task_group() as group:
                for store in stores:
                    group.start_soon(claim_and_enter, store)
            running = {task["lease_id"] for task in lab.database.tasks.find({"status": 1})}
            assert running == admitted
            assert len(running) <= 3
            # Some runs end; others go on.
            over = sorted(running)[:2]
            lab.database.tasks.update_many({"lease_id": {"$in": over}}, {"$set": {"status": 2}})
            admitted -= set(over)


async def test_a_lease_that_came_to_light_late_does_not_push_out_another(lab: Lab) -> None:
    """A claim gets its time when it begins: it may be older than one that is already admitted."""
    async with lab.connected() as mongo:
        limits = MongoStores(mongo, worker_id="w1", default_timeout_s=60).limits
        lab.insert("a", status=1, lease_id="a", started_at=datetime(2025, 1, 2, tzinfo=UTC))
        assert await limits.admit("lab", 1) == {"a"}
        lab.insert("b", status=1, lease_id="b", started_at=datetime(2025, 1, 1, tzinfo=UTC))
        assert await limits.admit("lab", 1) == {"a"}
        lab.database.tasks.delete_one({"lease_id": "a"})
        assert await limits.admit("lab", 1) == {"b"}


async def test_a_limit_is_edited_live(lab: Lab) -> None:
    lab.control("platform:lab", max_running=1)
    names = [f"t{number}" for number in range(8)]
    async with lab.workers("w1", "w2"):
        for name in names:
            lab.held(name)
        await lab.until(lambda: len(lab.running) == 1)
        lab.control("platform:lab", max_running=4)
        await lab.until(lambda: len(lab.running) == 4)
        lab.control("platform:lab", max_running=2)
        await lab.until(lambda: len(lab.of("limit_changed", max_running=2)) == 2)
        lab.release(*list(lab.running)[:2])
        await lab.until(lambda: len(lab.of("completed")) == 2)
        lab.insert("barrier", platform="other")
        await lab.event("completed", "barrier")
        assert len(lab.running) == 2, "nothing new starts before the number is below the new limit"
        lab.control("platform:lab", max_running=None)
        await lab.until(lambda: len(lab.running) == 6)
        lab.release(*names)
        await lab.until(lambda: len(lab.of("completed")) == 9)
    assert lab.most["lab"] == 6


async def test_runs_from_before_the_limit_count(lab: Lab) -> None:
    async with lab.workers("w1", "w2"):
        for number in range(4):
            lab.held(f"old{number}")
        await lab.until(lambda: len(lab.running) == 4)
        lab.control("platform:lab", max_running=3)
        await lab.until(lambda: len(lab.of("limit_changed")) == 2)
        lab.held("new")
        lab.release("old0")
        await lab.event("completed", "old0")
        lab.insert("barrier", platform="other")
        await lab.event("completed", "barrier")
        assert "new" not in lab.running
        lab.release("old1")
        await lab.runs("new")
        lab.release("old2", "old3", "new")
    assert lab.most["lab"] == 4


async def test_a_full_platform_does_not_hold_up_the_others(lab: Lab) -> None:
    lab.control("platform:lab", max_running=1)
    async with lab.worker(express_slots=1):
        lab.held("first")
        await lab.runs("first")
        for number in range(20):
            lab.insert(f"behind{number}", immediate=True)
        for number in range(6):
            lab.insert(f"other{number}", platform="other", priority=9)
        await lab.until(lambda: len(lab.of("completed")) == 6)
        assert lab.most["lab"] == 1
        lab.release("first")
        await lab.until(lambda: len(lab.of("completed")) == 27)
        assert lab.most["lab"] == 1, "urgent tasks keep to the limit too"


async def test_a_place_that_another_worker_left_is_taken_by_the_priority_sweep(lab: Lab) -> None:
    lab.control("platform:lab", max_running=1)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(lab.worker("w1"))
        lab.held("first")
        await lab.runs("first")
        lab.insert("second")
        await stack.enter_async_context(lab.worker("w2", priority_check_interval=0.5))
        first.stop()  # it drains: the place it leaves is for the other
        await lab.event("draining")
        lab.insert("barrier", platform="other")
        await lab.event("completed", "barrier")  # no hint is under way any more
        lab.release("first")
        await lab.event("completed", "first")
        assert (await lab.event("claimed", "second")).worker == "w2"


async def test_the_limit_of_the_settings_holds_until_a_control_says_otherwise(lab: Lab) -> None:
    async with lab.worker(platforms={"lab": {"max_running": 1}}):
        for number in range(4):
            lab.held(f"t{number}")
        await lab.runs("t0")
        lab.insert("barrier", platform="other")
        await lab.event("completed", "barrier")
        assert len(lab.running) == 1
        lab.control("platform:lab", max_running=0)
        await lab.until(lambda: len(lab.running) == 4)
        lab.release(*(f"t{number}" for number in range(4)))
        await lab.until(lambda: len(lab.of("completed")) == 5)


async def test_whatever_stands_in_the_list_of_admissions_it_mends_itself(lab: Lab) -> None:
    lab.database.running_limits.insert_one({"_id": "lab", "leases": ["gone", 7, None]})
    lab.database.running_limits.insert_one({"_id": "other", "leases": "nonsense"})
    lab.control("platform:lab", max_running=1)
    lab.control("platform:other", max_running=1)
    async with lab.worker():
        lab.insert("t1")
        lab.insert("t2", platform="other")
        await lab.event("completed", "t1")
        await lab.event("completed", "t2")
