"""The self-fence: a run stops before its lease ends, in whatever way the database fails."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import anyio
import pytest

from hotstream_reactive.engine.events import Events
from hotstream_reactive.engine.heartbeat import Heartbeat
from hotstream_reactive.engine.running import ActiveRun
from hotstream_reactive.errors import DatabaseUnavailable
from hotstream_reactive.model.run import Progress
from hotstream_reactive.model.task import Task

pytestmark = pytest.mark.anyio
LEASE_S = 3.0


class FlakyLeases:
    """Refuses at once so many times, then never answers; or answers after `back_at` tries."""

    def __init__(self, refusals: int, back_at: int = 1000) -> None:
        self.refusals = refusals
        self.back_at = back_at
        self.tries = 0

    async def renew(self, leases: Mapping[str, Any]) -> dict[str, int | None]:
        self.tries += 1
        if self.tries >= self.back_at:
            return {}
        if self.tries <= self.refusals:
            raise DatabaseUnavailable("no route to the host")
        await anyio.sleep_forever()
        raise AssertionError("unreachable")

    async def report(self, reports: Iterable[Progress]) -> None:
        return


async def lost_after(leases: FlakyLeases, *, at_most: float) -> float | None:
    """Seconds after which a held lease was given up; None when it was not."""
    heartbeat = Heartbeat(leases, Events(), interval_s=LEASE_S / 3, zombie_timeout_s=LEASE_S)
    began = time.monotonic()
    lost = anyio.Event()
    heartbeat.hold("l", "d", lambda status, reason: lost.set())
    async with anyio.create_task_group() as group:
        group.start_soon(heartbeat.renew_for_ever)
        with anyio.move_on_after(at_most):
            await lost.wait()
        group.cancel_scope.cancel()
    return time.monotonic() - began if lost.is_set() else None


@pytest.mark.parametrize("refusals", [0, 1, 2, 1000])
async def test_a_run_stops_well_before_its_lease_ends(refusals: int) -> None:
    waited = await lost_after(FlakyLeases(refusals), at_most=2 * LEASE_S)
    assert waited is not None
    assert LEASE_S * 0.6 < waited < LEASE_S * 0.85


async def test_a_connection_that_never_answers_costs_no_lease() -> None:
    """It is not waited for alone until the run has to stop."""
    assert await lost_after(FlakyLeases(0, back_at=2), at_most=LEASE_S) is None


async def test_a_short_fault_costs_no_lease() -> None:
    """It is asked again soon, and not only when the next heartbeat is due."""
    leases = FlakyLeases(1000, back_at=3)
    assert await lost_after(leases, at_most=LEASE_S) is None
    assert leases.tries >= 3


class SlowToWrite(FlakyLeases):
    """Fails to write progress once, and keeps what it is given."""

    def __init__(self) -> None:
        super().__init__(0)
        self.given: list[list[Progress]] = []
        self.written = anyio.Event()

    async def report(self, reports: Iterable[Progress]) -> None:
        self.given.append(list(reports))
        if len(self.given) == 1:
            # While it is under way the run goes on, without another checkpoint.
            self.meanwhile()
            raise DatabaseUnavailable("no route to the host")
        self.written.set()

    def meanwhile(self) -> None:
        raise NotImplementedError


async def test_a_checkpoint_that_could_not_be_written_comes_with_the_next_progress() -> None:
    leases = SlowToWrite()
    heartbeat = Heartbeat(leases, Events(), interval_s=LEASE_S / 3, zombie_timeout_s=LEASE_S)
    run = ActiveRun(Task(document_id="d", task_id="t", platform="lab"), "l")
    heartbeat.hold("l", "d", run.taken)

    def go_on() -> None:
        run.progress = 0.5
        heartbeat.report(run)

    leases.meanwhile = go_on  # type: ignore[method-assign] # the run of this test
    run.progress, run.checkpoint, run.result_count = 0.3, {"cursor": "c"}, 7
    heartbeat.report(run, checkpoint=True)
    async with anyio.create_task_group() as group:
        group.start_soon(heartbeat.write_reports)
        with anyio.fail_after(5):
            await leases.written.wait()
        group.cancel_scope.cancel()
    [[first], [second]] = leases.given
    assert (first.progress, first.checkpoint) == (0.3, {"cursor": "c"})
    assert (second.progress, second.result_count, second.checkpoint) == (0.5, 7, {"cursor": "c"})
