"""The timer: a hint at the very moment at which the next delayed task is due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import anyio

from hotstream_reactive.engine.events import Events
from hotstream_reactive.errors import DatabaseError


class Timetable(Protocol):
    """Where delayed tasks are looked up."""

    async def next_due_in(self) -> float | None: ...


class Timer:
    """Waits for the next delayed task.

    Args:
        looked: called after the timetable was looked at: what became due before is not in it.
        due: called at the moment at which a task is due.
    """

    def __init__(
        self,
        timetable: Timetable,
        events: Events,
        *,
        looked: Callable[[], None],
        due: Callable[[], None],
    ) -> None:
        self._timetable = timetable
        self._events = events
        self._looked = looked
        self._due = due
        self._recheck = anyio.Event()

    def recheck(self) -> None:
        """The time of a delayed task may have changed."""
        self._recheck.set()

    async def run(self) -> None:
        """Keep time until cancelled."""
        while True:
            self._recheck = anyio.Event()
            try:
                wait_s = await self._timetable.next_due_in()
            except DatabaseError as error:
                self._events.emit("timer_failed", reason=str(error))
                wait_s = None
            self._looked()
            with anyio.move_on_after(wait_s) as due:
                await self._recheck.wait()
            if due.cancelled_caught:
                self._due()
