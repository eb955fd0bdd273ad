"""Intake: documents that cannot stand in the queue are put in order, or refused with a reason.

Only `task_id`, `platform` and what the task type needs are demanded of a writer. A document without
a status, or with a priority that is missing or no number, would never be found or would jump the
queue; here it gets its defaults, or ends as failed with every wrong field named.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import anyio

from hotstream_reactive.engine.events import Events
from hotstream_reactive.errors import DatabaseError, InvalidTask
from hotstream_reactive.model.schedule import next_due
from hotstream_reactive.model.task import Task, admit

MOST_AT_ONCE = 500


class AdmissionStore(Protocol):
    """Where disorderly documents are found and mended."""

    async def disorderly(self, limit: int) -> list[dict[str, Any]]: ...
    async def put_in_order(self, document: dict[str, Any], fields: dict[str, Any]) -> bool: ...
    async def refuse(self, document: dict[str, Any], message: str) -> bool: ...


class Intake:
    """Puts documents in order.

    Args:
        admitted: called after documents became claimable.
    """

    def __init__(
        self,
        store: AdmissionStore,
        events: Events,
        *,
        admitted: Callable[[], None],
    ) -> None:
        self._store = store
        self._events = events
        self._admitted = admitted
        self._wanted = anyio.Event()

    def want(self) -> None:
        """There may be a disorderly document."""
        self._wanted.set()

    async def run(self) -> None:
        """Look whenever wanted, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted = anyio.Event()
            try:
                while await self.run_once() == MOST_AT_ONCE:
                    pass
            except DatabaseError as error:
                self._events.emit("intake_failed", reason=str(error))

    def _first_due(self, task: Task, now: datetime) -> datetime | None:
        """When the task is due: by its new or edited schedule, else as the writer said.

        A writer who gives both a schedule and `run_at` names the first time himself.
        """
        if task.schedule is None or task.arming == task.armed_for:
            return task.run_at
        if task.armed_for is None and task.run_at is not None:
            return task.run_at
        return next_due(task.schedule, task.timezone, after=now, floor_s=0.0)

    async def run_once(self) -> int:
        """Treat the disorderly documents there are now; gives their number.

        Raises:
            DatabaseError: some may be left for the next time.
        """
        documents = await self._store.disorderly(MOST_AT_ONCE)
        mended = 0
        for document in documents:
            task_id = document.get("task_id")
            name = task_id if isinstance(task_id, str) else None
            try:
                task = admit(document)
            except InvalidTask as error:
                if await self._store.refuse(document, str(error)):
                    self._events.emit("refused", name, error=str(error))
                continue
            fields: dict[str, Any] = {
                "status": int(task.status),
                "priority": task.priority,
                "immediate": task.immediate,
            }
            if task.created_at is not None:
                fields["created_at"] = task.created_at
            run_at = self._first_due(task, document["now"])
            if run_at is not None:
                fields["run_at"] = run_at
            if task.arming is not None:
                fields["armed_for"] = task.arming
            if await self._store.put_in_order(document, fields):
                mended += 1
                self._events.emit("admitted", name)
        if mended:
            self._admitted()
        return len(documents)
