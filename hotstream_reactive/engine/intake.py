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
from hotstream_reactive.errors import DatabaseError, DatabaseUnavailable
from hotstream_reactive.model.schedule import next_due
from hotstream_reactive.model.task import Task, describe, examine, too_large

MOST_AT_ONCE = 500


class AdmissionStore(Protocol):
    """Where disorderly documents are found and mended."""

    async def disorderly(self, limit: int) -> list[dict[str, Any]]: ...
    async def put_in_order(self, document: dict[str, Any], fields: dict[str, Any]) -> bool: ...
    async def refuse(self, document: dict[str, Any], message: str) -> bool: ...
    async def end_cancelled(self) -> None: ...


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
        self._hinted = False

    def want(self, *, hinted: bool = True) -> None:
        """There may be a disorderly document: something hints at one, or it is time to look."""
        self._hinted = self._hinted or hinted
        self._wanted.set()

    async def run(self) -> None:
        """Look whenever wanted, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted = anyio.Event()
            hinted, self._hinted = self._hinted, False
            try:
                await self._store.end_cancelled()
                while await self.run_once(hinted=hinted) == MOST_AT_ONCE:
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

    async def run_once(self, *, hinted: bool = True) -> int:
        """Treat the disorderly documents there are now; gives the number of those that are done.

        Raises:
            DatabaseError: some may be left for the next time.
        """
        documents = await self._store.disorderly(MOST_AT_ONCE)
        admitted = 0
        failures: list[DatabaseError] = []
        for document in documents:
            try:
                admitted += await self._treat(document)
            except DatabaseUnavailable:
                raise
            except DatabaseError as error:
                # What cannot be written to must not keep the others waiting.
                failures.append(error)
        if admitted:
            if not hinted:
                self._events.emit("sweep_found", tasks=admitted)
            self._admitted()
        if failures:
            raise failures[0]
        return len(documents)

    async def _treat(self, document: dict[str, Any]) -> bool:
        """Put one document in order, or refuse it; says whether it is claimable now."""
        task_id = document.get("task_id")
        name = task_id if isinstance(task_id, str) else None
        task, problems = examine(document)
        if (too_much := too_large(document["size"])) is not None:
            problems.append(too_much)
        if problems:
            message = describe(problems)
            if await self._store.refuse(document, message):
                self._events.emit("refused", name, error=message)
            return False
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
        if not await self._store.put_in_order(document, fields):
            return False
        self._events.emit("admitted", name)
        return True
