"""The dashboard where there is no terminal: a line for each change of a state, and now and then a
summary, for a log or a pipe."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import anyio

from hotstream_reactive.dashboard.data import event_line, summary_line
from hotstream_reactive.dashboard.facts import Happening
from hotstream_reactive.dashboard.follow import Follower, Source
from hotstream_reactive.dashboard.snapshot import Snapshot

SUMMARY_EVERY_S = 60.0
_LOOK_EVERY_S = 0.25
#: An event waits this long for the name of its task.
_PATIENCE_S = 3.0
_MOST_AT_ONCE = 5_000


class Lines:
    """Follows the database and writes lines.

    Args:
        write: takes one line.
        past: also tell what happened before the start, as far as it is known.
    """

    def __init__(
        self,
        source: Source,
        snapshot: Snapshot,
        write: Callable[[str], None],
        *,
        past: bool = False,
    ) -> None:
        self._snapshot = snapshot
        self._write = write
        self._told = 0
        self._past = past
        self._began_at = float("inf")
        self._waiting: deque[tuple[float, Happening]] = deque()
        snapshot.happenings = deque(maxlen=_MOST_AT_ONCE)
        self._changed = anyio.Event()
        self._ready = anyio.Event()
        self._follower = Follower(source, snapshot, changed=self._note, named=500)

    async def run(self) -> None:
        """Write until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._follower.run)
            group.start_soon(self._summarise)
            while True:
                await self._changed.wait()
                self._changed = anyio.Event()
                self._tell()
                await anyio.sleep(_LOOK_EVERY_S)
                if self._waiting:
                    self._changed.set()

    def summary(self) -> str:
        """The numbers now."""
        return summary_line(self._snapshot, self._follower.now())

    def _note(self) -> None:
        self._changed.set()

    async def _summarise(self) -> None:
        await self._ready.wait()
        while True:
            self._write(self.summary())
            if self._snapshot.trouble:
                self._write(f"trouble {self._snapshot.trouble}")
            await anyio.sleep(SUMMARY_EVERY_S)

    def _tell(self) -> None:
        snapshot = self._snapshot
        if snapshot.queue_known or snapshot.trouble:
            self._ready.set()
        if snapshot.read_at is None:
            return
        if self._began_at == float("inf"):
            self._began_at = snapshot.read_at
        new = min(snapshot.happened - self._told, len(snapshot.happenings))
        missed = snapshot.happened - self._told - new
        self._told = snapshot.happened
        now = time.monotonic()
        for told in list(snapshot.happenings)[len(snapshot.happenings) - new :]:
            if self._past or told.at >= self._began_at:
                self._waiting.append((now, told))
        if missed:
            self._write(f"missed events={missed}")
        while self._waiting:
            since, told = self._waiting[0]
            if told.label is None and now - since < _PATIENCE_S:
                row = snapshot.find(told.key)
                told.label = row.task_id if row is not None else None
                if told.label is None:
                    # In order: what comes after waits as well.
                    return
            self._waiting.popleft()
            self._write(event_line(told))
