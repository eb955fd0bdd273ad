"""The watcher: one change stream per process, kept alive for ever, turned into hints.

A stream that ends, fails or goes silent is replaced by a new one that begins now, and a full sweep
is ordered at once: whatever happened in between is found by query. So no position is ever stored,
and no history can be lost.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Protocol

import anyio

from hotstream_reactive.engine.backoff import full_jitter
from hotstream_reactive.engine.events import Events
from hotstream_reactive.errors import (
    DatabaseError,
    DatabaseUnavailable,
    FeedEnded,
    FeedUnsupported,
)
from hotstream_reactive.model.change import Change

#: The server answers a waiting read within a second; silence for this long is a dead connection.
SILENCE_LIMIT_S = 6.0
#: A server in good health opens a stream within milliseconds.
OPENING_LIMIT_S = 1.5
#: A server that offers no stream may be replaced by one that does.
UNSUPPORTED_RETRY_S = 60.0
#: Without a stream, sweeps come this often until it is back.
DEGRADED_SWEEP_S = 2.0
#: A stream that lived this long was a good one.
STEADY_S = 5.0
#: Streams that the server refuses, or opens and ends again, are so far apart, from and to: each
#: costs it work, and the workers of a fleet are not to come all together. One that is refused once
#: is back within two seconds, and there are at most three openings in ten.
REOPEN_SOON_S = (0.5, 0.6)
REOPEN_S = (4.75, 4.9)
#: About as long as a claim takes to be answered.
CLAIM_FIRST_S = 0.002


class StreamState(StrEnum):
    """Whether the change stream works; in every state the sweeps give the same result, later."""

    OFF = "off"
    RESUMING = "resuming"
    LIVE = "live"
    DEGRADED = "degraded"
    UNSUPPORTED = "unsupported"


class Feed(Protocol):
    """An open stream of changes."""

    @property
    def behind(self) -> bool: ...
    async def batch(self) -> list[Change]: ...
    async def close(self) -> None: ...


class Hints(Protocol):
    """Who is told that there may be work."""

    def changed(self, change: Change) -> None: ...
    def sweep(self) -> None: ...
    def behind(self) -> None: ...


OpenFeed = Callable[[bool], Awaitable[Feed]]


class _FeedSilentError(FeedEnded):
    """The server does not answer, although the connection stands."""


class Watcher:
    """Keeps one stream open and passes its changes on.

    Args:
        open_feed: opens a stream that begins now; its argument asks for a fresh connection.
        gap: called when a stream has ended, after which anything may have happened.
    """

    def __init__(
        self, open_feed: OpenFeed, hints: Hints, events: Events, *, gap: Callable[[], None]
    ) -> None:
        self._open_feed = open_feed
        self._gap = gap
        self._hints = hints
        self._events = events
        self._stop = anyio.Event()
        self._first_try = anyio.Event()
        self.state = StreamState.RESUMING
        #: Monotonic time of the last change; None before the first.
        self.changed_at: float | None = None

    async def ready(self) -> None:
        """Wait until the stream is open or known not to open now."""
        await self._first_try.wait()

    def stop(self) -> None:
        """Ask `run` to end; it does so within about a second."""
        self._stop.set()

    async def run(self) -> None:
        """Watch until stopped."""
        failures = 0
        silent = False
        while not self._stop.is_set():
            opened_at = None
            try:
                feed = await self._open(fresh_client=silent or failures > 1)
                opened_at = time.monotonic()
                if failures < 2:
                    self._enter(StreamState.LIVE)
                # Order matters: first the stream is open, then the query; nothing falls between.
                self._hints.sweep()
                await self._read(feed)
            except FeedUnsupported as reason:
                self._enter(StreamState.UNSUPPORTED, str(reason))
                await self._pause(UNSUPPORTED_RETRY_S)
            except DatabaseError as error:
                steady = opened_at is not None and time.monotonic() - opened_at > STEADY_S
                failures = 1 if steady else failures + 1
                silent = isinstance(error, _FeedSilentError)
                mends_itself = failures == 1 and not silent
                self._enter(
                    StreamState.RESUMING if mends_itself else StreamState.DEGRADED, str(error)
                )
                self._gap()
                self._hints.sweep()
                away = opened_at is None and isinstance(error, DatabaseUnavailable)
                await self._wait_to_reopen(failures, away=away)

    async def _open(self, *, fresh_client: bool) -> Feed:
        """Open a stream; a server that lets it wait is asked by query meanwhile."""
        failure: DatabaseError | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._do_without)
            try:
                feed = await self._open_feed(fresh_client)
            except DatabaseError as error:
                failure = error  # as it is, not in a group of errors
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure
        return feed

    async def _do_without(self) -> None:
        """Once the stream has not opened for a while: say so, and sweep often."""
        await anyio.sleep(OPENING_LIMIT_S)
        self._enter(StreamState.DEGRADED, f"it has not opened for {OPENING_LIMIT_S:g} s")
        self._first_try.set()
        while True:
            self._hints.sweep()
            await anyio.sleep(DEGRADED_SWEEP_S)

    async def _wait_to_reopen(self, failures: int, *, away: bool) -> None:
        """Wait before the next try; the first comes at once.

        A server that is away is asked again soon, as a refused connection costs nobody anything;
        one that refuses streams, or opens them and ends them, is not hammered.
        """
        if failures == 1:
            self._first_try.set()
            return
        refused_s = random.uniform(*(REOPEN_SOON_S if failures == 2 else REOPEN_S))
        wait_s = full_jitter(failures, 0.2, DEGRADED_SWEEP_S) if away else refused_s
        while wait_s > DEGRADED_SWEEP_S and not self._stop.is_set():
            await self._pause(DEGRADED_SWEEP_S)
            self._hints.sweep()
            wait_s -= DEGRADED_SWEEP_S
        await self._pause(wait_s)

    async def _read(self, feed: Feed) -> None:
        """Pass changes on until the stream ends.

        A pending read is cancelled only to abandon a stream that has gone silent: what it was
        about to give would be lost.
        """
        with anyio.CancelScope() as patience:
            while not self._stop.is_set():
                patience.deadline = anyio.current_time() + SILENCE_LIMIT_S
                changes = await feed.batch()
                # After several failures a stream counts as live only when it has answered.
                self._enter(StreamState.LIVE)
                if changes:
                    self.changed_at = time.monotonic()
                for change in changes:
                    self._hints.changed(change)
                if feed.behind:
                    self._hints.behind()
                if changes:
                    # The claim first: the next read costs the processor as well.
                    await anyio.sleep(0 if feed.behind else CLAIM_FIRST_S)
            patience.deadline = anyio.current_time() + 1.0
            await feed.close()
        if not self._stop.is_set():
            raise _FeedSilentError(f"the change stream was silent for {SILENCE_LIMIT_S:g} s")

    async def _pause(self, seconds: float) -> None:
        self._first_try.set()
        with anyio.move_on_after(seconds):
            await self._stop.wait()

    def _enter(self, state: StreamState, reason: str = "") -> None:
        if state is not self.state or (reason and state is StreamState.RESUMING):
            self.state = state
            self._events.emit(f"stream_{state}", reason=reason)
        if state is StreamState.LIVE:
            self._first_try.set()
