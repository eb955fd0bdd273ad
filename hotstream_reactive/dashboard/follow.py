"""Keeps a snapshot fresh: one change stream, and a small read every few seconds.

The stream tells what changes, the read what cannot be told by events: ages, workers, numbers. Each
stands in for the other: without a stream everything comes by reads, later; after a gap in the
stream a read shows what was missed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import anyio

from hotstream_reactive.dashboard.apply import (
    apply_history,
    apply_read,
    apply_tasks,
    apply_totals,
    unnamed,
)
from hotstream_reactive.dashboard.fold import fold
from hotstream_reactive.dashboard.snapshot import LIVE, ONCE, READS_ONLY, RECONNECTING, Snapshot
from hotstream_reactive.errors import DatabaseError, FeedEnded, FeedUnsupported
from hotstream_reactive.mongo.board import BoardRead
from hotstream_reactive.text import clean, redact

READ_EVERY_S = 3.0
#: A read that an event asks for comes at once; when events ask for one after the other, the pause
#: between two reads grows from the first to the second of these.
_SHORTEST_PAUSE_S, _LONGEST_READ_PAUSE_S = 0.2, 1.0
#: Events gather for this long, so that a thousand a second come in a dozen answers.
_GATHER_S = 0.1
_UNSUPPORTED_RETRY_S = 60.0
_LONGEST_PAUSE_S = 5.0
#: The slow reads take at most this part of the time, however much there is to count.
_SLOW_PART = 0.05
_SLOW_AT_MOST_EVERY_S = 5.0
_SLOW_AT_LEAST_EVERY_S = 60.0
#: How often it is asked whether a slow read is due.
_LOOK_EVERY_S = 1.0
#: So many waiting tasks are shown at most; with fewer known, more are read.
_ENOUGH_WAITING = 20


class Feed(Protocol):
    """An open stream of events."""

    @property
    def token(self) -> Any: ...
    async def batch(self) -> list[dict[str, Any]]: ...
    async def close(self) -> None: ...


class Source(Protocol):
    """Where events and reads come from; all raise DatabaseError."""

    async def open_feed(self, *, after: Any = None, fresh_client: bool = False) -> Feed: ...
    async def read(self, *, full: bool) -> BoardRead: ...
    async def totals(self) -> list[dict[str, Any]]: ...
    async def history(self) -> list[dict[str, Any]]: ...
    async def tasks(self, keys: list[Any]) -> list[dict[str, Any]]: ...


class _Pace:
    """When a slow read is due again: the longer it takes, the later."""

    def __init__(self) -> None:
        self._ended_at = float("-inf")
        self._took_s = 0.0

    @property
    def fresh(self) -> bool:
        """Whether nothing was read yet."""
        return self._ended_at == float("-inf")

    def due(self, *, changed: bool) -> bool:
        """Whether to read again, now that something has changed, or not."""
        passed_s = time.monotonic() - self._ended_at
        shortest_s = max(_SLOW_AT_MOST_EVERY_S, self._took_s / _SLOW_PART)
        shortest_s = min(shortest_s, _SLOW_AT_LEAST_EVERY_S)
        return passed_s > (shortest_s if changed else _SLOW_AT_LEAST_EVERY_S)

    def ended(self, began_at: float) -> None:
        """Note how long it took."""
        self._ended_at = time.monotonic()
        self._took_s = self._ended_at - began_at


class Follower:
    """Follows the database into a snapshot.

    Args:
        changed: called after each change of the snapshot; it must be quick.
        named: so many of the latest events get the name of their task.
    """

    def __init__(
        self,
        source: Source,
        snapshot: Snapshot,
        *,
        changed: Callable[[], None] = lambda: None,
        named: int = 20,
    ) -> None:
        self._source = source
        self._changed = changed
        self._named = named
        self.snapshot = snapshot
        self._server_ahead_s = time.time() - time.monotonic()
        self._full = True
        self._gap = True
        self._soon = anyio.Event()
        self._recount = anyio.Event()
        self._read_once = anyio.Event()
        self._totals = _Pace()
        self._history = _Pace()
        self._counted_at = -1

    def now(self) -> float:
        """The server's time, in seconds since 1970."""
        return time.monotonic() + self._server_ahead_s

    async def run(self) -> None:
        """Follow until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch)
            group.start_soon(self._read_on)
            group.start_soon(self._count_on)

    async def once(self) -> None:
        """Read everything one time.

        Raises:
            DatabaseError: the server failed.
        """
        self.snapshot.stream = ONCE
        await self._read()
        await self._read_totals()
        await self._read_history()

    # The stream

    async def _watch(self) -> None:
        failures = 0
        token: Any = None
        while True:
            try:
                feed = await self._source.open_feed(after=token, fresh_client=failures > 1)
                # What happened before the stream began is found by a read that comes after. When it
                # goes on where it was, reads may have failed as it did: they come at once as well.
                self._full = self._full or token is None
                self._gap = True
                self._soon.set()
                self._recount.set()
                self._enter(LIVE)
                failures = 0
                try:
                    while True:
                        await self._take(feed)
                        token = feed.token
                finally:
                    await self._close(feed)
            except FeedUnsupported as error:
                token = None
                self._enter(READS_ONLY, str(error))
                await anyio.sleep(_UNSUPPORTED_RETRY_S)
            except DatabaseError as error:
                token = None if isinstance(error, FeedEnded) else token
                failures += 1
                self._enter(RECONNECTING, str(error))
                await anyio.sleep(min(_LONGEST_PAUSE_S, 0.1 * 2.0 ** min(failures, 10)))

    async def _take(self, feed: Feed) -> None:
        events = await feed.batch()
        if not events:
            return
        for event in events:
            fold(self.snapshot, event)
        if self._wants_read():
            # Shown when it has been read, so that nothing appears without its name.
            self._soon.set()
        else:
            self._changed()
        await anyio.sleep(_GATHER_S)

    async def _close(self, feed: Feed) -> None:
        with anyio.move_on_after(1.0, shield=True):
            try:
                await feed.close()
            except DatabaseError as error:
                self.snapshot.stream_note = clean(redact(str(error)))

    def _enter(self, state: str, note: str = "") -> None:
        self.snapshot.stream, self.snapshot.stream_note = state, clean(redact(note))
        self.snapshot.revision += 1
        self._changed()

    def _wants_read(self) -> bool:
        """Whether there is something to show that only a read can tell."""
        snapshot = self.snapshot
        wanting, snapshot.wanting = snapshot.wanting, False
        known = len(snapshot.waiting)
        thin = known < _ENOUGH_WAITING and known < snapshot.due() + snapshot.later()
        return wanting or thin

    # Reads

    async def _read_on(self) -> None:
        pause_s = _SHORTEST_PAUSE_S
        while True:
            began = time.monotonic()
            try:
                await self._read()
                self._changed()
            except DatabaseError as error:
                self._complain(error)
            await anyio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_READ_PAUSE_S)
            if self._soon.is_set():
                continue
            pause_s = _SHORTEST_PAUSE_S
            with anyio.move_on_after(READ_EVERY_S - (time.monotonic() - began)):
                await self._soon.wait()

    async def _read(self) -> None:
        self._soon = anyio.Event()
        full = self._full or self.snapshot.stream != LIVE
        read = await self._source.read(full=full)
        self._full = False
        self._server_ahead_s = read.now - read.asked_at
        apply_read(self.snapshot, read)
        self.snapshot.trouble = ""
        self._read_once.set()
        if nameless := unnamed(self.snapshot, self._named):
            keys = {told.key: told.document_id for told in nameless}
            apply_tasks(self.snapshot, await self._source.tasks(list(keys.values())))
            for told in nameless:
                # Its document is gone, so nobody will ever know.
                told.label = told.label if told.label is not None else ""

    async def _count_on(self) -> None:
        while True:
            await self._read_once.wait()
            try:
                await self._read_slowly()
            except DatabaseError as error:
                self._complain(error)
            with anyio.move_on_after(_LOOK_EVERY_S):
                await self._recount.wait()
            self._recount = anyio.Event()

    def _complain(self, error: DatabaseError) -> None:
        self.snapshot.trouble = clean(redact(str(error)))
        self.snapshot.revision += 1
        self._changed()

    async def _read_slowly(self) -> None:
        """Count what takes long to count, now and then, but at once after a gap in the stream."""
        if self._gap:
            self._gap = False
            self._totals, self._history = _Pace(), _Pace()
        moved = self.snapshot.happened != self._counted_at
        if self._totals.due(changed=moved or self.snapshot.stream != LIVE):
            self._counted_at = self.snapshot.happened
            began = time.monotonic()
            try:
                await self._read_totals()
            finally:
                self._totals.ended(began)
        # With a stream, the history is kept by its events.
        known = self.snapshot.history_known and self.snapshot.stream == LIVE
        if (self._history.fresh or not known) and self._history.due(changed=True):
            began = time.monotonic()
            try:
                await self._read_history()
            finally:
                self._history.ended(began)

    async def _read_totals(self) -> None:
        order = self.snapshot.read_order
        apply_totals(self.snapshot, await self._source.totals(), order=order)
        self._changed()

    async def _read_history(self) -> None:
        order = self.snapshot.read_order
        history = await self._source.history()
        apply_history(self.snapshot, history, now=self.now(), order=order)
        self._changed()
