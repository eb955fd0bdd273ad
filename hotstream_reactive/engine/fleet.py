"""The fleet: which workers live, and which of them is to try a task first.

A hint reaches every worker. Rendezvous hashing (D. Thaler, C. Ravishankar, "Using Name-Based
Mappings to Increase Hit Rates", 1998) gives each task an order of the workers that all of them
compute alike: the first tries at once, the others only when it is still there after a moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from hashlib import blake2b
from typing import Any, Protocol

import anyio

from hotstream_reactive.engine.events import Events
from hotstream_reactive.errors import DatabaseError

#: A worker that was silent for so many beats does not count any more.
MISSED_BEATS = 3
#: A platform that only others run is left to them for so long after the last of them was seen: they
#: may be restarting, and here its tasks could only be refused.
LEFT_TO_OTHERS_S = 600.0


class WorkerRegister(Protocol):
    """Where living workers are listed."""

    async def beat(self, worker_id: str, facts: Mapping[str, Any]) -> None: ...
    async def living(self, *, silent_s: float) -> Mapping[str, Collection[str]]: ...
    async def leave(self, worker_id: str) -> None: ...


def rank(worker_id: str, workers: Iterable[str], document_id: Any) -> int:
    """How many of the workers come before this one for this document: 0 is the first."""
    mine = _weight(worker_id, document_id)
    return sum(1 for other in workers if other != worker_id and _weight(other, document_id) > mine)


def _weight(worker_id: str, document_id: Any) -> tuple[bytes, str]:
    digest = blake2b(f"{worker_id}\x00{document_id!r}".encode(), digest_size=8).digest()
    return digest, worker_id


class Fleet:
    """Keeps this worker's entry in the register fresh, and knows the others.

    Args:
        platforms: what this worker runs.
        facts: what the entry says of this worker now (slots, running tasks, stream state, …).
    """

    def __init__(
        self,
        register: WorkerRegister,
        events: Events,
        *,
        worker_id: str,
        interval_s: float,
        platforms: Collection[str],
        facts: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._register = register
        self._events = events
        self._worker_id = worker_id
        self._interval_s = interval_s
        self._platforms = platforms
        self._facts = facts
        self._living: Collection[str] = [worker_id]
        #: Platforms that others run and this worker does not: monotonic time of their last sign.
        self._elsewhere: dict[str, float] = {}
        #: Monotonic time at which the database last answered a beat.
        self.answered_at = 0.0

    @property
    def size(self) -> int:
        """How many workers live, as far as is known; at least 1."""
        return max(len(self._living), 1)

    @property
    def elsewhere(self) -> set[str]:
        """Platforms whose tasks are to be left to other workers."""
        since = time.monotonic() - LEFT_TO_OTHERS_S
        return {name for name, seen_at in self._elsewhere.items() if seen_at > since}

    def rank(self, document_id: Any) -> int:
        """This worker's place in the order for a document; 0 when it is alone."""
        if len(self._living) < 2:
            return 0
        return rank(self._worker_id, self._living, document_id)

    async def beat_once(self) -> None:
        """Write this worker's entry and read who else lives.

        Raises:
            DatabaseError: the last known fleet stays in use.
        """
        await self._register.beat(self._worker_id, self._facts())
        living = await self._register.living(silent_s=self._interval_s * MISSED_BEATS)
        if len(living) != len(self._living):
            self._events.emit("fleet", workers=len(living))
        self._living = sorted(living)
        self.answered_at = time.monotonic()
        others = {name for platforms in living.values() for name in platforms}
        self._elsewhere |= dict.fromkeys(others - {*self._platforms}, self.answered_at)

    async def run(self) -> None:
        """Beat until cancelled, then leave the register."""
        try:
            while True:
                try:
                    await self.beat_once()
                except DatabaseError as error:
                    self._events.emit("fleet_failed", reason=str(error))
                await anyio.sleep(self._interval_s)
        finally:
            with anyio.move_on_after(2.0, shield=True):
                await self._leave()

    async def _leave(self) -> None:
        try:
            await self._register.leave(self._worker_id)
        except DatabaseError as error:
            # The entry goes out of date by itself.
            self._events.emit("fleet_failed", reason=str(error))
