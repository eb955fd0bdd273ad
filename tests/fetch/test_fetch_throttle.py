"""Pacing on a clock of the test's own."""

from __future__ import annotations

import anyio
import pytest

from hotstream_reactive.fetch.throttle import Throttle

pytestmark = pytest.mark.anyio


class Time:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def throttle(time: Time, chance: float = 0.0) -> Throttle:
    return Throttle(clock=time.clock, sleep=time.sleep, chance=lambda: chance)


async def test_requests_keep_their_distance():
    time = Time()
    pace = throttle(time)
    starts = []
    for _ in range(4):
        async with pace.turn("h", 30):
            starts.append(time.now)
    assert starts == [0, 2, 4, 6]


async def test_time_spent_on_a_request_counts():
    time = Time()
    pace = throttle(time)
    async with pace.turn("h", 30):
        time.now += 1.5
    async with pace.turn("h", 30):
        assert time.now == pytest.approx(2.0)
    time.now += 60
    async with pace.turn("h", 30):
        assert time.slept == [pytest.approx(0.5)]


async def test_jitter_only_slows_down():
    time = Time()
    pace = throttle(time, chance=1.0)
    for _ in range(2):
        async with pace.turn("h", 60):
            pass
    assert time.slept == [pytest.approx(1.25)]


async def test_hosts_do_not_wait_for_each_other():
    time = Time()
    pace = throttle(time)
    for host in ("a", "b"):
        async with pace.turn(host, 1):
            pass
    assert time.slept == []


async def test_one_request_at_a_time_per_host():
    pace = Throttle()
    inside = 0
    most = 0

    async def request() -> None:
        nonlocal inside, most
        async with pace.turn("h", 1_000_000):
            inside += 1
            most = max(most, inside)
            await anyio.lowlevel.checkpoint()
            inside -= 1

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(request)
    assert most == 1


async def test_a_failed_or_cancelled_request_frees_the_host():
    pace = Throttle()
    with pytest.raises(RuntimeError):
        async with pace.turn("h", 1_000_000):
            raise RuntimeError
    with anyio.CancelScope() as scope:
        async with pace.turn("h", 1_000_000):
            scope.cancel()
            await anyio.sleep_forever()
    with anyio.fail_after(5):
        async with pace.turn("h", 1_000_000):
            pass
