"""Everything the dashboard knows at one moment, in bounded memory.

`fold` changes it by an event of the stream, `apply` by a read; `view` draws it. Nothing here does
any I/O, and no clock is asked: every age is counted from a `now` by the server's clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Any

import msgspec

from hotstream_reactive.dashboard.facts import (
    PENDING,
    RUNNING,
    Failure,
    Happening,
    TaskRow,
    Waiting,
    WorkerRow,
)
from hotstream_reactive.dashboard.rates import Rate, Spread
from hotstream_reactive.model.controls import Controls, limits_in_force

MOST_RUNNING = 600
MOST_WAITING = 200
MOST_KNOWN = 3_000
MOST_INSERTS = 20_000
MOST_FAILURES = 20
MOST_HAPPENINGS = 60
MOST_PLATFORMS = 50

#: The state of the dashboard's own stream.
CONNECTING, LIVE, RECONNECTING, READS_ONLY = "connecting", "live", "reconnecting", "reads only"
#: There is no stream and none is wanted: one look is enough.
ONCE = "once"


class Server(msgspec.Struct, kw_only=True):
    """The database: `host` carries no credentials; `ahead_s` is its clock against this one's."""

    host: str = ""
    database: str = ""
    replica_set: str | None = None
    primary: str | None = None
    seen: int = 0
    members: int = 0
    sharded: bool = False
    ahead_s: float | None = None


class Trouble(msgspec.Struct, kw_only=True):
    """What went wrong on a platform, over the last hour."""

    failed: Rate = msgspec.field(default_factory=Rate)
    blocked: Rate = msgspec.field(default_factory=Rate)


class Snapshot(msgspec.Struct, kw_only=True):
    """The state; times are seconds since 1970 by the server's clock.

    `running` and `waiting` hold the tasks that may be shown, `known` others by which an event can
    be named. `gone` are tasks that left since a read may have seen them. `revision` grows with
    every change, `happened` counts the events ever told in `happenings`. `wanting` is set when an
    event was about a task that only a read can show.
    """

    server: Server = msgspec.field(default_factory=Server)
    stream: str = CONNECTING
    stream_note: str = ""
    event_at: float | None = None
    read_at: float | None = None
    trouble: str = ""
    running: dict[Hashable, TaskRow] = msgspec.field(default_factory=dict)
    waiting: dict[Hashable, TaskRow] = msgspec.field(default_factory=dict)
    known: dict[Hashable, TaskRow] = msgspec.field(default_factory=dict)
    gone: dict[Hashable, int] = msgspec.field(default_factory=dict)
    inserted: dict[Hashable, float] = msgspec.field(default_factory=dict)
    queue: dict[str, Waiting] = msgspec.field(default_factory=dict)
    queue_known: bool = False
    queue_order: int = 0
    running_count: int = 0
    read_order: int = 0
    workers: list[WorkerRow] = []
    controls: Controls = Controls()
    failures: deque[Failure] = msgspec.field(
        default_factory=lambda: deque[Failure](maxlen=MOST_FAILURES)
    )
    happenings: deque[Happening] = msgspec.field(
        default_factory=lambda: deque[Happening](maxlen=MOST_HAPPENINGS)
    )
    happened: int = 0
    done: Rate = msgspec.field(default_factory=Rate)
    failed: Rate = msgspec.field(default_factory=Rate)
    items: Rate = msgspec.field(default_factory=Rate)
    history_known: bool = False
    history_cut: bool = False
    history_order: int = 0
    pickups: Spread = msgspec.field(default_factory=Spread)
    pickups_by_stream: bool = False
    troubles: dict[str, Trouble] = msgspec.field(default_factory=dict)
    revision: int = 0
    wanting: bool = False
    #: The end of the latest run that a read has brought into the ticker.
    ended_at: float = 0.0

    def find(self, key: Hashable) -> TaskRow | None:
        """The task with this key, if it is known."""
        return self.running.get(key) or self.waiting.get(key) or self.known.get(key)

    def put(self, row: TaskRow) -> None:
        """Keep a task where its status says, and nowhere else."""
        key = row.key
        home = {RUNNING: self.running, PENDING: self.waiting}.get(row.status or 0, self.known)
        if row.status is None:
            home = self.known
        for place in (self.running, self.waiting, self.known):
            if place is not home:
                place.pop(key, None)
        home[key] = row
        if len(self.known) > MOST_KNOWN:
            del self.known[next(iter(self.known))]
        if len(self.running) > MOST_RUNNING:
            del self.running[next(iter(self.running))]
        if len(self.waiting) > 2 * MOST_WAITING:
            self._forget_the_last()

    def _forget_the_last(self) -> None:
        """Keep those that start next; the others are still counted."""
        now = self.event_at or self.read_at or 0.0
        ordered = sorted(self.waiting.values(), key=lambda row: start_order(row, now))
        self.waiting = {row.key: row for row in ordered[:MOST_WAITING]}

    def drop(self, key: Hashable, order: int) -> TaskRow | None:
        """Forget a task that is gone; a read from before `order` does not bring it back."""
        row = self.find(key)
        for place in (self.running, self.waiting, self.known):
            place.pop(key, None)
        self.leave(key, order)
        return row

    def leave(self, key: Hashable, order: int) -> None:
        """Note that the task is not where a read from before `order` would show it."""
        self.gone[key] = order
        if len(self.gone) > MOST_KNOWN:
            del self.gone[next(iter(self.gone))]

    def tell(self, what: str, row: TaskRow, at: float, **facts: str | float | None) -> None:
        """Add a line to the ticker."""
        self.happened += 1
        self.happenings.append(
            Happening(
                at=at,
                what=what,
                key=row.key,
                document_id=row.document_id,
                label=row.task_id,
                facts={name: value for name, value in facts.items() if value not in (None, "")},
            )
        )

    def of_platform(self, name: str) -> Waiting:
        """The numbers of waiting tasks of a platform; too many platforms share one row."""
        if name not in self.queue:
            if len(self.queue) >= MOST_PLATFORMS:
                name = ""
            self.queue.setdefault(name, Waiting())
        return self.queue[name]

    def troubles_of(self, name: str) -> Trouble:
        """What went wrong on a platform; too many platforms share one row."""
        if name not in self.troubles and len(self.troubles) >= MOST_PLATFORMS:
            name = ""
        return self.troubles.setdefault(name, Trouble())

    # What is shown

    def due(self) -> int:
        """Pending tasks that could start now but for slots, pauses and limits."""
        return max(sum(waiting.due for waiting in self.queue.values()), 0)

    def later(self) -> int:
        """Pending tasks whose `run_at` has not come."""
        return max(sum(waiting.later for waiting in self.queue.values()), 0)

    def held(self) -> int:
        """Due tasks of platforms that are paused or at their limit."""
        if self.controls.engine.paused:
            return self.due()
        held = self.held_platforms()
        return max(sum(w.due for name, w in self.queue.items() if name in held), 0)

    def held_platforms(self) -> set[str]:
        """Platforms of which nothing more starts now."""
        running = self.running_by_platform()
        full = {name for name, most in self.limits().items() if running.get(name, 0) >= most}
        return full | {name for name, control in self.controls.platforms.items() if control.paused}

    def limits(self) -> dict[str, int]:
        """How many tasks of a platform may run at once, where that is limited."""
        common: dict[str, int] = {}
        for worker in self.workers:
            for name, most in worker.limits.items():
                common[name] = max(common.get(name, 0), most)
        return limits_in_force(self.controls, common)

    def running_by_platform(self) -> dict[str, int]:
        """How many of the known running tasks each platform has."""
        numbers: dict[str, int] = {}
        for row in self.running.values():
            numbers[row.platform] = numbers.get(row.platform, 0) + 1
        return numbers

    def oldest_due(self) -> float | None:
        """Since when the longest waiting task is due."""
        times = [w.since for w in self.queue.values() if w.since is not None and w.due > 0]
        return min(times, default=None)

    def slots(self, now: float) -> int:
        """Slots of the workers that live."""
        return sum(worker.slots for worker in self.workers if worker.lives(now))

    def reactive(self, now: float) -> dict[str, int]:
        """Living workers by the state of their change stream."""
        states: dict[str, int] = {}
        for worker in self.workers:
            if worker.lives(now):
                states[worker.stream] = states.get(worker.stream, 0) + 1
        return states

    def running_rows(self) -> list[TaskRow]:
        """Running tasks, urgent ones first, then those that were not heard of for longest."""
        return sorted(
            self.running.values(), key=lambda row: (not row.urgent, row.beat or 0.0, row.label)
        )

    def waiting_rows(self, now: float) -> list[TaskRow]:
        """Waiting tasks in the order in which they start."""
        return sorted(self.waiting.values(), key=lambda row: start_order(row, now))


def start_order(row: TaskRow, now: float) -> tuple[Any, ...]:
    """What starts first: due tasks in queue order, then the others by the time they are due."""
    if row.run_at is not None and row.run_at > now:
        return (True, row.run_at, *row.place)
    return (False, 0.0, *row.place)
