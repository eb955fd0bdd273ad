"""Pacing: one request at a time per host, and no more per minute than the operator allows."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio

_JITTER = 0.25


class Throttle:
    """Hands out turns; one object serves the whole process.

    Args:
        clock: monotonic seconds.
        sleep: waits so many seconds.
        chance: a number from 0 to 1, for the jitter.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._locks: dict[str, anyio.Lock] = {}
        self._next_start: dict[str, float] = {}

    def waiting_s(self, host: str) -> float:
        """How long the host's next turn is away, in seconds; 0 when it may be asked now."""
        return max(0.0, self._next_start.get(host, 0.0) - self._clock())

    @asynccontextmanager
    async def turn(self, host: str, requests_per_minute: float) -> AsyncIterator[None]:
        """Wait for the host to be free and for its next time, then hold it during the request.

        Between two starts lie ``60 / requests_per_minute`` seconds and up to a quarter more, so
        that requests do not come in a beat.
        """
        async with self._locks.setdefault(host, anyio.Lock()):
            wait = self._next_start.get(host, 0.0) - self._clock()
            if wait > 0:
                await self._sleep(wait)
            interval = 60.0 / requests_per_minute
            self._next_start[host] = self._clock() + interval * (1 + _JITTER * self._chance())
            yield
