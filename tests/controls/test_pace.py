"""`requests_per_minute`: one pace for the whole fleet, on the server's clock."""

from __future__ import annotations

import itertools
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import anyio
import msgspec
import pytest
from fleet_lab import Lab

from hotstream_reactive.engine.events import Events
from hotstream_reactive.engine.pace import Pacer
from hotstream_reactive.model.pace import burst
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.pace import Buckets

pytestmark = pytest.mark.anyio


class Fleet:
    """Takers with a rate that all of them read."""

    def __init__(self, lab: Lab, rate: float) -> None:
        self._lab = lab
        self.rate = rate
        self.taken: list[float] = []
        self.edited = anyio.Event()

    def edit(self, rate: float) -> None:
        self.rate = rate
        self.edited.set()
        self.edited = anyio.Event()

    async def wait_for_edit(self, longest_s: float) -> None:
        with anyio.move_on_after(longest_s):
            await self.edited.wait()

    async def pacer(self, stack: AsyncExitStack) -> Pacer:
        mongo = await stack.enter_async_context(self._lab.connected())
        return Pacer(
            Buckets(mongo.rate_limits),
            Events(),
            rate=lambda platform: self.rate,
            workers=lambda: 3,
            wait_for_edit=self.wait_for_edit,
        )

    async def take(self, pacer: Pacer) -> None:
        while True:
            await pacer.turn("lab")
            self.taken.append(time.monotonic())
            self._lab.tell()


async def test_three_takers_keep_to_the_rate(lab: Lab) -> None:
    rate = 600.0
    fleet = Fleet(lab, rate)
    async with AsyncExitStack() as stack, anyio.create_task_group() as group:
        pacers = [await fleet.pacer(stack) for _ in range(3)]
        began = time.monotonic()
        for pacer in pacers:
            group.start_soon(fleet.take, pacer)
            group.start_soon(fleet.take, pacer)
        await lab.until(lambda: len(fleet.taken) >= burst(rate) + 25)
        took_s = time.monotonic() - began
        group.cancel_scope.cancel()
    for number, at in enumerate(fleet.taken, 1):
        assert number <= burst(rate) + (at - began) * rate / 60 + 1
    assert took_s < 25 / (rate / 60) * 1.3 + 1.0, "nor do they waste it"


async def test_an_edit_of_the_rate_takes_effect(lab: Lab) -> None:
    fleet = Fleet(lab, 0.1)
    async with AsyncExitStack() as stack, anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(fleet.take, await fleet.pacer(stack))
        await lab.until(lambda: fleet.taken)
        buckets = Buckets((await stack.enter_async_context(lab.connected())).rate_limits)
        turn = await buckets.take("lab", 0.1, 1.0)
        assert not turn.granted
        assert turn.wait_s > 590, "the next one is due in ten minutes"
        assert len(fleet.taken) == 1
        began = time.monotonic()
        fleet.edit(1200.0)
        await lab.until(lambda: len(fleet.taken) >= 11)
        assert time.monotonic() - began < 2.0
        fleet.edit(0.1)
        turn = await buckets.take("lab", 0.1, 1.0)
        # What was promised before the edit does not make it wait longer than the new rate does.
        assert not turn.granted
        assert turn.wait_s < 610
        group.cancel_scope.cancel()


async def test_waiting_takers_leave_the_database_alone(lab: Lab) -> None:
    asked = 0
    fleet = Fleet(lab, 120.0)

    class Counting(Buckets):
        async def take(self, *args: Any) -> Any:
            nonlocal asked
            asked += 1
            return await super().take(*args)

    async with lab.connected() as mongo, anyio.create_task_group() as group:
        pacer = Pacer(
            Counting(mongo.rate_limits),
            Events(),
            rate=lambda platform: fleet.rate,
            workers=lambda: 1,
            wait_for_edit=fleet.wait_for_edit,
        )
        for _ in range(200):
            group.start_soon(fleet.take, pacer)
        await lab.until(lambda: len(fleet.taken) >= burst(fleet.rate) + 2)
        taken = len(fleet.taken)
        group.cancel_scope.cancel()
    assert asked <= taken + 1


@pytest.mark.parametrize(
    "bucket",
    [
        {"tokens": float("nan"), "at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"tokens": "many", "at": "never"},
        {"tokens": 1e300, "at": datetime(1970, 1, 1, tzinfo=UTC)},
        {"tokens": -1e300, "at": datetime(9999, 1, 1, tzinfo=UTC)},
        {"tokens": None},
        {},
    ],
    ids=str,
)
async def test_whatever_stands_in_a_bucket_it_mends_itself(lab: Lab, bucket: Any) -> None:
    lab.database.rate_limits.insert_one({"_id": "lab", **bucket})
    async with lab.connected() as mongo:
        buckets = Buckets(mongo.rate_limits)
        turns = [await buckets.take("lab", 60.0, 2.0) for _ in range(8)]
    waits = [turn.wait_s for turn in turns if turn.granted]
    assert waits[:2] == [0.0, 0.0]
    assert 2 < len(waits) < 6
    assert all(0 <= turn.wait_s < 4 for turn in turns)


async def test_a_server_whose_clock_went_back_stops_nobody(lab: Lab) -> None:
    future = datetime(2100, 1, 1, tzinfo=UTC)
    lab.database.rate_limits.insert_one({"_id": "lab", "tokens": 1.0, "at": future})
    async with lab.connected() as mongo:
        assert (await Buckets(mongo.rate_limits).take("lab", 60.0, 5.0)).granted


async def test_without_a_database_each_worker_keeps_to_its_share(lab: Lab) -> None:
    lab.settings = msgspec.structs.replace(
        lab.settings,
        mongodb=msgspec.structs.replace(lab.settings.mongodb, uri="mongodb://127.0.0.1:9/"),
    )
    mongo = Mongo(lab.settings.mongodb, app_name="hotstream/test")
    fleet = Fleet(lab, 1200.0)
    events = Events()
    events.listen(lab.listener("w1"))
    pacer = Pacer(
        Buckets(mongo.rate_limits),
        events,
        rate=lambda platform: fleet.rate,
        workers=lambda: 3,
        wait_for_edit=fleet.wait_for_edit,
    )
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.take, pacer)
        await lab.until(lambda: len(fleet.taken) >= 5)
        group.cancel_scope.cancel()
    await mongo.close()
    pauses = [after - before for before, after in itertools.pairwise(fleet.taken)]
    assert min(pauses) > 60 / 1200 * 3 - 0.02
    assert len(lab.of("pacing_failed")) == 1


async def test_a_run_that_waits_for_its_pace_hears_of_an_edit(lab: Lab) -> None:
    lab.control("platform:lab", requests_per_minute=0.1)
    async with lab.worker():
        lab.insert("a", options={"requests": 3})
        await lab.event("request")
        lab.control("platform:lab", requests_per_minute=6000)
        changed = await lab.event("limit_changed", requests_per_minute=6000.0)
        assert (await lab.event("completed", "a")).at - changed.at < 1.0


async def test_runs_of_a_worker_are_paced_by_the_control(lab: Lab) -> None:
    lab.control("platform:lab", requests_per_minute=120)
    async with lab.workers("w1", "w2"):
        lab.insert("a", options={"requests": 8})
        lab.insert("b", options={"requests": 8})
        await lab.event("completed", "a")
        await lab.event("completed", "b")
    first, last = lab.of("request")[0].at, lab.of("request")[-1].at
    # A burst of 10, then 2 in a second.
    assert last - first > (16 - burst(120) - 1) / 2 - 0.1
