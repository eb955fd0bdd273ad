"""The runner: brings one attempt at a task to an outcome, whatever happens in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import anyio
import msgspec
from loguru import logger

from hotstream_reactive.engine import frames
from hotstream_reactive.engine.attempt import Attempt, Toolbox
from hotstream_reactive.engine.heartbeat import Heartbeat
from hotstream_reactive.engine.parking import park
from hotstream_reactive.engine.retry import cause, judge
from hotstream_reactive.engine.running import ActiveRun
from hotstream_reactive.errors import HotStreamError, LeaseLost, LoginRequired, TransientError
from hotstream_reactive.model.outcome import Completed, Outcome
from hotstream_reactive.model.run import FinishedRun
from hotstream_reactive.settings import SchedulerSettings


class Runner:
    """Runs tasks; one instance serves all runs of a worker.

    Args:
        pace: waits until the fleet may send one more request to the platform of this name.
    """

    def __init__(
        self,
        toolbox: Toolbox,
        heartbeat: Heartbeat,
        settings: SchedulerSettings,
        *,
        batch_size: int,
        pace: Callable[[str], Awaitable[None]],
    ) -> None:
        self._toolbox = toolbox
        self._heartbeat = heartbeat
        self._settings = settings
        self._batch_size = batch_size
        self._pace = pace

    async def run(self, active: ActiveRun) -> FinishedRun:
        """Run to an outcome; only the cancellation of the worker itself is raised."""
        attempt = Attempt(active, self._toolbox, self._heartbeat, self._batch_size, self._pace)
        outcome = await self._outcome(attempt, active)
        return FinishedRun(
            task=active.task,
            lease_id=active.lease_id,
            outcome=outcome,
            elapsed_s=time.monotonic() - attempt.started_at,
            timings_ms={step: round(s * 1000, 1) for step, s in attempt.seconds.items()},
            checkpoint=active.checkpoint,
            progress=active.progress,
            trace=active.trace,
            cause=active.cause,
        )

    async def _outcome(self, attempt: Attempt, active: ActiveRun) -> Outcome:
        task = active.task
        failure: BaseException | None = None
        scope = active.scope
        scope.deadline = asyncio.get_running_loop().time() + task.timeout
        try:
            with scope:
                await attempt.all_steps()
        except BaseException as error:
            # A plugin may raise anything, also SystemExit; only a real cancellation goes on up.
            if isinstance(error, anyio.get_cancelled_exc_class()) and _cancelled_from_outside():
                raise
            failure = error
        if isinstance(failure, LeaseLost) and active.verdict is None:
            # The storage knows only that the task is not ours now; it may have been cancelled.
            await self._heartbeat.renew_once()
        if active.verdict is not None:
            # What was being stored when it was stopped counts as well.
            return msgspec.structs.replace(active.verdict, result_count=active.result_count)
        if failure is None and scope.cancelled_caught:
            failure = TransientError(
                f"ran longer than its timeout of {task.timeout:g} s", kind="timeout"
            )
        if failure is not None:
            active.cause = cause(failure)
            logger.bind(task_id=task.task_id).opt(exception=failure).debug("run failed")
            if not isinstance(failure, HotStreamError):
                active.trace = frames.tail(failure)
            if isinstance(failure, LoginRequired) and failure.path:
                park(active, failure)
            return judge(failure, task, self._settings, result_count=active.result_count)
        return Completed(active.result_count)


def _cancelled_from_outside() -> bool:
    """Whether the run's job is cancelled, in contrast to a plugin's own CancelledError."""
    job = asyncio.current_task()
    return job is not None and job.cancelling() > 0
