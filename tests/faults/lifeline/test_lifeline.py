"""The lifeline in a loop of this process, with a store that notes what it is asked."""

from __future__ import annotations

import heapq
import re
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from hotstream_reactive.engine import frames, lifeline
from hotstream_reactive.engine.alarm import Alarm
from hotstream_reactive.engine.events import Event, Events
from hotstream_reactive.engine.heartbeat import Heartbeat
from hotstream_reactive.engine.lifeline import EXIT_STUCK, Lifeline
from hotstream_reactive.engine.running import ActiveRun, ActiveRuns
from hotstream_reactive.errors import DatabaseUnavailable
from hotstream_reactive.model.task import Task
from hotstream_reactive.settings import SchedulerSettings

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second between two looks, so that blocking is short."""
    monkeypatch.setattr(lifeline, "TICK_S", 0.1)
    monkeypatch.setattr(lifeline, "BLOCKED_AFTER_S", 0.4)


class Leases:
    """Notes the renewals; fails as long as `down`."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.closed = 0
        self.down = False

    def renew(self, leases: Mapping[str, Any], *, timeout_s: float) -> set[str]:
        """Renew as the thread does."""
        if self.down:
            raise DatabaseUnavailable("not there")
        self.asked.append(dict(leases))
        return set(leases)

    def close(self) -> None:
        self.closed += 1


class NoDatabase:
    """The asynchronous way, which is of no use here."""

    async def renew(self, leases: Mapping[str, Any]) -> dict[str, int | None]:
        raise DatabaseUnavailable("not there")

    async def report(self, reports: Any) -> None:
        raise AssertionError("nothing reports here")


class Lab:
    """A lifeline at work and what it did."""

    def __init__(self, **settings: Any) -> None:
        self.leases = Leases()
        self.active = ActiveRuns()
        self.events: list[Event] = []
        self.exits: list[int] = []
        self.lost: list[str] = []
        self.came_back = 0
        self.settings = SchedulerSettings(heartbeat_interval=0.4, zombie_timeout=1, **settings)
        events = Events()
        events.listen(self.events.append)
        self.heartbeat = Heartbeat(NoDatabase(), events, interval_s=0.4, zombie_timeout_s=1)
        self.lifeline = Lifeline(
            self.heartbeat,
            self.active,
            events,
            self.leases,
            self.settings,
            came_back=self._came_back,
            end_process=self.exits.append,
        )

    def _came_back(self) -> None:
        self.came_back += 1

    def hold(self, task_id: str, *, timeout: float = 60.0) -> None:
        task = Task(document_id=task_id, task_id=task_id, platform="lab", timeout=timeout)
        self.active.add(ActiveRun(task, f"lease-{task_id}"))
        self.heartbeat.hold(
            f"lease-{task_id}", task_id, lambda status, reason: self.lost.append(reason)
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as group:
            group.start_soon(self.lifeline.run)
            await anyio.sleep(0.1)
            yield
            group.cancel_scope.cancel()


def block(seconds: float) -> None:
    time.sleep(seconds)


async def test_a_healthy_loop_needs_no_connection() -> None:
    lab = Lab()
    lab.hold("a")
    async with lab.running():
        await anyio.sleep(1.0)
    assert lab.leases.asked == []
    assert lab.events == []


async def test_a_blocked_loop_keeps_its_leases_and_tells_when_it_is_back() -> None:
    lab = Lab()
    lab.hold("a")
    lab.hold("over", timeout=0.2)
    async with lab.running():
        block(1.6)
        assert lab.events == [], "listeners hear nothing while the loop cannot run them"
        await lab.heartbeat.renew_once()
        await anyio.sleep(0.3)
    # A task that is beyond its timeout is not kept alive.
    assert {tuple(asked) for asked in lab.leases.asked} == {("lease-a",)}
    assert len(lab.leases.asked) >= 2
    (back,) = [event for event in lab.events if event.action == "loop_unblocked"]
    assert back.details["where"].startswith("test_lifeline.py:")
    assert back.details["where"].split(" < ")[0].endswith(" block")
    assert 1.5 < back.details["blocked_s"] < 4
    assert lab.came_back == 1
    # The worker fences itself for the lease nobody renewed, not for the other one.
    assert len(lab.lost) == 1
    assert lab.leases.closed >= 1, "the connection is given up when the loop is back"


async def test_an_unreachable_database_is_tried_again_and_ends_nothing() -> None:
    lab = Lab()
    lab.hold("a")
    lab.leases.down = True
    async with lab.running():
        block(0.9)
        lab.leases.down = False
        block(0.5)
        await anyio.sleep(0.3)
    assert lab.leases.asked
    assert lab.exits == []


async def test_a_loop_blocked_for_too_long_ends_the_process() -> None:
    lab = Lab(stuck_after=0.8)
    async with lab.running():
        block(1.6)
        await anyio.sleep(0.3)
    assert set(lab.exits) == {EXIT_STUCK}
    assert lab.leases.asked == [], "there is no lease to renew"


async def test_a_hung_task_is_not_kept_alive_for_ever() -> None:
    """With nothing else to do, the process ends some time after the timeout of its last task."""
    lab = Lab()
    lab.hold("short", timeout=0.1)
    lab.hold("hung", timeout=0.9)
    async with lab.running():
        block(1.5)
        assert lab.exits == [], "one of them may still be cleaning up"
        block(1.0)
        await anyio.sleep(0.3)
    assert set(lab.exits) == {EXIT_STUCK}
    assert {tuple(asked) for asked in lab.leases.asked} == {("lease-hung",)}


def test_the_alarm_lets_threads_run_during_a_hopeless_expression() -> None:
    """Without it, no thread of the process would run before the expression has ended."""
    beats: list[float] = []
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(0.1):
            beats.append(time.monotonic())

    thread = threading.Thread(target=beat)
    alarm = Alarm(rung=lambda: None, busy=lambda: False)
    alarm.install()
    alarm.put_off(0.2)
    thread.start()
    length, took, began = 16, 0.0, 0.0
    while took < 1.0:
        length += 1
        alarm.put_off(0.2)
        began = time.monotonic()
        re.match("(a+)+$", "a" * length + "b")
        took = time.monotonic() - began
    alarm.remove()
    stop.set()
    thread.join()
    assert len([at for at in beats if began + 0.15 < at < began + took - 0.05]) >= 2


def test_the_place_of_an_error_has_no_directories_above_the_package() -> None:
    try:
        anyio.run(_never)
    except ExceptionGroup as error:
        places = frames.tail(error)
    assert re.fullmatch(r"test_lifeline\.py:\d+ _break", places[-1])
    assert 1 < len(places) <= 3
    assert all(not place.startswith("/") for place in places)


def test_a_frame_of_the_standard_library_is_not_to_blame() -> None:
    seen: list[str] = []

    class Key:
        def __lt__(self, other: object) -> bool:
            seen.extend(frames.blocking(sys._getframe().f_back))
            return False

    list(heapq.merge([Key()], [Key()]))
    assert seen[0].startswith("test_lifeline.py:"), seen


async def _never() -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(_break)


async def _break() -> None:
    raise ValueError("no")
