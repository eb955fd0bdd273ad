"""Runs that neither end nor heed their cancellation: given up, reported, their slots freed.

An adapter that swallows every cancellation cannot be stopped from outside. Its run is ended without
it: the outcome is written, and whatever it still does is refused by the lease.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio

from hotstream_reactive.engine import collect
from hotstream_reactive.engine.events import Events
from hotstream_reactive.engine.retry import judge
from hotstream_reactive.engine.running import ActiveRun, ActiveRuns
from hotstream_reactive.errors import TransientError
from hotstream_reactive.model.run import FinishedRun
from hotstream_reactive.settings import SchedulerSettings

#: Cleaning up has this many steps, each of which may take `collect.CLEAN_UP_S`.
_CLEAN_UP_STEPS = 3


class StuckWatch:
    """Looks for stuck runs.

    Args:
        submit: takes the outcome of a run that was given up.
    """

    def __init__(
        self,
        active: ActiveRuns,
        settings: SchedulerSettings,
        events: Events,
        *,
        submit: Callable[[ActiveRun, FinishedRun], None],
    ) -> None:
        self._active = active
        self._settings = settings
        self._events = events
        self._submit = submit
        self._given_up: list[ActiveRun] = []

    def still_at_work(self) -> list[ActiveRun]:
        """The runs that were given up and have not returned since."""
        self._given_up = [active for active in self._given_up if not active.returned]
        return self._given_up

    async def run(self) -> None:
        """Look at times, until cancelled."""
        while True:
            await anyio.sleep(collect.CLEAN_UP_S / 4)
            self.look()

    def look(self) -> None:
        """Give up the runs that should have ended long ago."""
        patience_s = collect.CLEAN_UP_S * _CLEAN_UP_STEPS
        now = time.monotonic()
        self.still_at_work()
        for active in self._active:
            over_at = min(active.timeout_at, active.stopped_at or active.timeout_at)
            if not active.ended and now - over_at > patience_s:
                self._give_up(active, now)

    def _give_up(self, active: ActiveRun, now: float) -> None:
        active.ended = True
        self._given_up.append(active)
        task = active.task
        late = TransientError(
            f"stuck: did not end within its timeout of {task.timeout:g} s, and cannot be stopped",
            kind="timeout",
        )
        self._events.emit("stuck", task.task_id, platform=task.platform, where=active.where())
        self._submit(
            active,
            FinishedRun(
                task=task,
                lease_id=active.lease_id,
                outcome=active.verdict
                or judge(late, task, self._settings, result_count=active.result_count),
                elapsed_s=now - active.started_at,
                checkpoint=active.checkpoint,
                progress=active.progress,
            ),
        )
