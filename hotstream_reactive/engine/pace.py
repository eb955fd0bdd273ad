"""The pacer: `requests_per_minute` of a platform, for all workers together.

Tokens come from the database, so the pace is right however many workers there are. While the
database does not answer, each worker keeps to its equal share by itself.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import anyio

from hotstream_reactive.engine.events import Events
from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.model.pace import Turn, burst, local_interval_s

#: After a failure the database is left alone for so long.
RETRY_AFTER_S = 5.0
_JITTER = 0.25


class TokenStore(Protocol):
    """Where tokens are taken."""

    async def take(self, platform: str, requests_per_minute: float, burst: float) -> Turn: ...


class Pacer:
    """Hands out turns to the runs of one worker.

    Args:
        rate: the fleet's requests per minute of a platform, as it is now.
        workers: how many workers live, as far as is known.
        wait_for_edit: waits so many seconds, less when the rate may have been edited.
    """

    def __init__(
        self,
        store: TokenStore,
        events: Events,
        *,
        rate: Callable[[str], float],
        workers: Callable[[], int],
        wait_for_edit: Callable[[float], Awaitable[None]],
    ) -> None:
        self._store = store
        self._events = events
        self._rate = rate
        self._workers = workers
        self._wait_for_edit = wait_for_edit
        self._locks: dict[str, anyio.Lock] = {}
        self._next_start: dict[str, float] = {}
        self._alone_until = 0.0

    async def turn(self, platform: str) -> None:
        """Wait until one more request may be sent."""
        # One asker per worker and platform: many runs that wait cost no more reads than one.
        async with self._locks.setdefault(platform, anyio.Lock()):
            while True:
                turn = await self._ask(platform)
                if turn is None:
                    return await self._turn_alone(platform)
                if turn.granted:
                    return await anyio.sleep(turn.wait_s)
                await self._wait_for_edit(turn.ask_again_s * (1 + random.uniform(0, _JITTER)))

    async def _ask(self, platform: str) -> Turn | None:
        """The database's answer; None when there is none."""
        if time.monotonic() < self._alone_until:
            return None
        rate = self._rate(platform)
        try:
            return await self._store.take(platform, rate, burst(rate))
        except DatabaseError as error:
            self._alone_until = time.monotonic() + RETRY_AFTER_S
            self._events.emit("pacing_failed", reason=str(error), platform=platform)
            return None

    async def _turn_alone(self, platform: str) -> None:
        interval_s = local_interval_s(self._rate(platform), self._workers())
        now = time.monotonic()
        start = max(now, self._next_start.get(platform, 0.0))
        self._next_start[platform] = start + interval_s
        await anyio.sleep(start - now)
