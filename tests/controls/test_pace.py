"""`requests_per_minute`: one pace for the whole fleet, on the server's clock."""

from __future__ import annotations

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

    def since(self, began: float, seconds: float) -> int:
        return sum(began <= at <= began + seconds for at in self.taken)


async def test_three_takers_keep_to_the_rate(lab: Lab) -> None:
    rate = 600.0
    fleet = Fleet(lab, rate)
    async with AsyncExitStack() as stack, anyio.create_task_group() as group:
        pacers = [await fleet.pacer(stack) for _ in range(3)]
        began = time.monotonic()
        for pacer in pacers:
            group.start_soon(fleet.take, pacer)
            group.start_soon(fleet.take, pacer)
        await anyio.sleep(3.0)
        group.cancel_scope.cancel()
    for number, at in enumerate(fleet.taken, 1):
        assert number <= burst(rate) + (at - began) * rate / 60 + 1
    assert len(fleet.taken) >= burst(rate) + 3.0 * rate / 60 * 0.8, "nor do they waste it"


async def test_an_edit_of_the_rate_takes_effect(lab: Lab) -> None:
    fleet = Fleet(lab, 0.1)
    async with AsyncExitStack() as stack, anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(fleet.take, await fleet.pacer(stack))
        while not fleet.taken:
            await anyio.sleep(0.01)
        await anyio.sleep(0.3)
        assert len(fleet.taken) == 1, "the next one is due in ten minutes"
        began = time.monotonic()
        fleet.edit(1200.0)
        while len(fleet.taken) < 11:
            await anyio.sleep(0.01)
        assert time.monotonic() - began < 2.0
        fleet.edit(0.1)
        await anyio.sleep(0.1)  # what was promised before the edit
        count = len(fleet.taken)
        await anyio.sleep(0.5)
        assert len(fleet.taken) - count <= 1
        group.cancel_scope.cancel()


async def test_waiting_takers_leave_the_database_alone(lab: Lab) -> None:
    asked = 0

    class Counting(Buckets):
        async def take(self, *args: Any) -> Any:
            nonlocal asked
            asked += 1
            return await super().take(*args)

    async with lab.connected() as mongo, anyio.create_task_group() as group:
        pacer = Pacer(
            Counting(mongo.rate_limits),
            Events(),
            rate=lambda platform: 12.0,
            workers=lambda: 1,
            wait_for_edit=anyio.sleep,
        )
        for _ in range(200):
            group.start_soon(pacer.turn, "lab")
        await anyio.sleep(1.0)
        group.cancel_scope.cancel()
    assert asked <= 3


@pytest.mark.parametrize(
    "bucket",
    [
        {"tokens": float("nan"), "at": datetime.now(UTC)},
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
    from hotstream_reactive.mongo.client import Mongo

    mongo = Mongo(lab.settings.mongodb, app_name="hotstream/test")
    fleet = Fleet(lab, 1200.0)  # 20 in a second, so less than 7 for each of three
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
        await lab.event("pacing_failed")
        await anyio.sleep(1.0)
        group.cancel_scope.cancel()
    await mongo.close()
    assert 4 <= len(fleet.taken) <= 8
    assert len(lab.of("pacing_failed")) == 1


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
