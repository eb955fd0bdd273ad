"""The launcher: begins the run of a claimed document, and hands its outcome over at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from hotstream_reactive.engine.completer import Completer
from hotstream_reactive.engine.events import Events
from hotstream_reactive.engine.heartbeat import Heartbeat
from hotstream_reactive.engine.runlog import RunLog
from hotstream_reactive.engine.runner import Runner
from hotstream_reactive.engine.running import ActiveRun, ActiveRuns, current_run
from hotstream_reactive.errors import InvalidTask
from hotstream_reactive.model.outcome import Failed
from hotstream_reactive.model.run import FinishedRun
from hotstream_reactive.model.schedule import next_due
from hotstream_reactive.model.task import Task, admit
from hotstream_reactive.settings import SchedulerSettings


class Launcher:
    """Starts runs in `group`, which is set as long as the worker works.

    It is asyncio's own: a run has a scope of its own and needs none from the group, and a task of
    anyio's would cost as much as all else that is done to start it.
    """

    def __init__(
        self,
        active: ActiveRuns,
        heartbeat: Heartbeat,
        runner: Runner,
        completer: Completer,
        run_log: RunLog,
        events: Events,
        settings: SchedulerSettings,
    ) -> None:
        self._active = active
        self._heartbeat = heartbeat
        self._runner = runner
        self._completer = completer
        self._run_log = run_log
        self._events = events
        self._settings = settings
        self.group: asyncio.TaskGroup | None = None

    def start(self, document: Mapping[str, Any]) -> None:
        """Begin the run of a document that was claimed just now."""
        lease_id = str(document["lease_id"])
        try:
            task = admit(document, default_timeout_s=self._settings.task_timeout)
        except InvalidTask as error:
            self._refuse(document, lease_id, str(error))
            return
        active = ActiveRun(task, lease_id)
        self._active.add(active)
        self._heartbeat.hold(lease_id, task.document_id, active.taken)
        self._run_log.open(task.task_id, lease_id)
        self._events.emit(
            "claimed",
            task.task_id,
            platform=task.platform,
            task_type=task.task_type,
            priority=task.priority,
            immediate=task.immediate,
            run_number=task.run_number,
            waited_s=_waited_s(task),
        )
        assert self.group is not None
        self.group.create_task(self._run(active))

    async def _run(self, active: ActiveRun) -> None:
        current_run.set(active)
        active.begin()
        finished = await self._runner.run(active)
        if not active.ended:
            active.ended = True
            self.submit(active, finished)
        active.end()

    def submit(self, active: ActiveRun, finished: FinishedRun) -> None:
        """Hand the outcome of a run over to be written."""
        self._heartbeat.settled(active.lease_id)
        finished.log.extend(self._run_log.close(active.lease_id))
        if active.task.schedule is not None:
            finished = msgspec.structs.replace(finished, rearm_at=self._next_due(finished))
        self._completer.submit(finished)

    def _next_due(self, run: FinishedRun) -> datetime | None:
        """When the task is due again, from the server's clock; times missed meanwhile run once."""
        task = run.task
        if task.schedule is None or task.started_at is None:
            return None
        return next_due(
            task.schedule,
            task.timezone,
            after=task.started_at + timedelta(seconds=run.elapsed_s),
            floor_s=self._settings.schedule_floor,
        )

    def _refuse(self, document: Mapping[str, Any], lease_id: str, reason: str) -> None:
        """End a claimed document that cannot be understood."""
        task_id = document.get("task_id")
        task = Task(
            document_id=document["_id"],
            task_id=task_id if isinstance(task_id, str) else repr(task_id)[:100],
            platform=str(document.get("platform"))[:64],
            started_at=document.get("started_at"),
            lease_id=lease_id,
        )
        refused = ActiveRun(task, lease_id)
        refused.ended = True
        self._active.add(refused)
        self._completer.submit(
            FinishedRun(task=task, lease_id=lease_id, outcome=Failed(reason), cause="invalid_task")
        )


def _waited_s(task: Task) -> float | None:
    """Seconds from when the task was due to its claim; None when nobody can know.

    A time to start is by the server's clock, `created_at` by the writer's. A task that was put back
    to pending by an edit says nowhere when.
    """
    due = task.run_at or (task.created_at if task.run_number == 1 else None)
    if due is None or task.started_at is None:
        return None
    return max(0.0, round((task.started_at - due).total_seconds(), 3))
