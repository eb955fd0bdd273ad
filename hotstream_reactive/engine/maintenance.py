"""Chores that any worker does for all: no leader, and no need of the dead worker's own record."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol

import anyio

from hotstream_reactive.engine.completer import RunHistory
from hotstream_reactive.engine.events import Events
from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.model.run import Rescued


class RescueStore(Protocol):
    """Where leases that have run out are taken back."""

    async def rescue(self, *, zombie_timeout_s: float, max_rescues: int) -> list[Rescued]: ...


class Chore:
    """Does `run_once` at jittered intervals, or soon when asked; a failure is tried again."""

    def __init__(
        self, name: str, interval_s: float, run_once: Callable[[], Awaitable[None]], events: Events
    ) -> None:
        self._name = name
        self._interval_s = interval_s
        self._run_once = run_once
        self._events = events
        self._asked = anyio.Event()

    def soon(self) -> None:
        """Do it now instead of at the next interval."""
        self._asked.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            # Many workers do the same chore: spread them, and stay within the interval.
            with anyio.move_on_after(self._interval_s * random.uniform(0.7, 1.0)):
                await self._asked.wait()
            self._asked = anyio.Event()
            try:
                await self._run_once()
            except DatabaseError as error:
                self._events.emit(f"{self._name}_failed", reason=str(error))


class Rescue:
    """Takes back tasks whose worker died, stalled, or was cut off."""

    def __init__(
        self,
        store: RescueStore,
        history: RunHistory,
        events: Events,
        *,
        zombie_timeout_s: float,
        max_rescues: int,
    ) -> None:
        self._store = store
        self._history = history
        self._events = events
        self._zombie_timeout_s = zombie_timeout_s
        self._max_rescues = max_rescues

    async def run_once(self) -> None:
        """Take back what has run out now.

        Raises:
            DatabaseError: the rest is found the next time.
        """
        rescued = await self._store.rescue(
            zombie_timeout_s=self._zombie_timeout_s, max_rescues=self._max_rescues
        )
        for task in rescued:
            self._events.emit(
                "poisoned" if task.poison else "rescued", task.task_id, from_worker=task.worker_id
            )
        await self._history.record([_lost_run(task) for task in rescued if task.lease_id])


def _lost_run(task: Rescued) -> dict[str, Any]:
    """The history of a run that could not write its own end."""
    return {
        "_id": task.lease_id,
        "task_id": task.task_id,
        "run_number": task.run_number,
        "worker_id": task.worker_id,
        "claimed_at": task.claimed_at,
        # Only the expiry of the history depends on this, so the worker's own clock will do.
        "finished_at": datetime.now(UTC),
        "outcome": "rescued",
        "result_count": 0,
        "error": "its worker sent no heartbeat in time",
    }
