"""Tasks that other workers are to try first, and how long to leave them to those.

A hint reaches all workers. The first in the order of a task tries at once; each of the others looks
a moment later whether this very task is still there. One that has come since is not its business.
"""

from __future__ import annotations

import math
import random
import time
from typing import Any

import anyio

#: How long the second worker in the order of a task waits for the first, and the others for both;
#: longer where claims take long: so many times what one took here of late.
SECOND_WAITS_S, SECOND_WAITS = 0.015, 2
OTHERS_WAIT_S, OTHERS_WAIT = 0.06, 4
#: Each of the others waits so much longer than the one before it: where the first are slow, not all
#: the rest shall try at the same moment.
EACH_WAITS_S = 0.03
#: How much the newest claim counts among the times of claims.
SMOOTHING = 0.25
#: With more than this waiting, the queue itself is the better list.
MOST_LATER = 64


class Later:
    """What is left to the workers before this one."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, Any]] = []
        self._came = anyio.Event()
        self._is_full = False
        self._claim_s = 0.0

    def leave(self, document_id: Any, place: int) -> None:
        """Leave a task to the `place` workers that come before this one."""
        if len(self._waiting) >= MOST_LATER:
            self._is_full = True
            return
        at = time.monotonic() + self._patience_s(place) * random.uniform(1.0, 1.5)
        self._waiting.append((at, document_id))
        self._came.set()

    def claimed_in(self, seconds: float) -> None:
        """Note how long the claim of one task took."""
        self._claim_s += SMOOTHING * (seconds - self._claim_s)

    async def due(self) -> list[Any] | None:
        """Wait for tasks whose time has come; None when there were more than could be noted."""
        while True:
            self._came = anyio.Event()
            now = time.monotonic()
            due = [document_id for at, document_id in self._waiting if at <= now]
            self._waiting = [(at, document_id) for at, document_id in self._waiting if at > now]
            if due:
                was_full, self._is_full = self._is_full, False
                return None if was_full else due
            next_at = min((at for at, _ in self._waiting), default=math.inf)
            with anyio.move_on_after(next_at - now):
                await self._came.wait()

    def _patience_s(self, place: int) -> float:
        if place == 1:
            return max(SECOND_WAITS_S, SECOND_WAITS * self._claim_s)
        return max(OTHERS_WAIT_S, OTHERS_WAIT * self._claim_s) + EACH_WAITS_S * (place - 2)
