"""The dispatcher: hints come in, claims go out, and never more than there are free slots.

The stream, the sweeps, the timer and freed slots all say the same: there may be work. Hints are
gathered while a claim is under way, so a burst of a thousand costs a few claims.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import anyio
from anyio.abc import TaskGroup

from hotstream_reactive.engine.backoff import full_jitter
from hotstream_reactive.engine.bookmark import Bookmark
from hotstream_reactive.engine.claimer import Claimer, Taken
from hotstream_reactive.engine.events import Events
from hotstream_reactive.engine.gate import Gate
from hotstream_reactive.engine.later import Later
from hotstream_reactive.engine.running import ActiveRuns
from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.model.change import Change
from hotstream_reactive.model.place import Place
from hotstream_reactive.model.slots import free_slots
from hotstream_reactive.model.task import TaskStatus

#: With more hints than this waiting, the queue itself is the better list.
MOST_HINTS = 64
#: With a queue and fewer free slots than this part of all, a claim waits a moment for more.
GATHERED_PART = 8
GATHER_S = 0.004
#: From so many slots on a claim takes half of them at most: while the outcomes of one half are
#: written, the other half is claimed. Also, it goes on where the last one has ended, which in a
#: storm of writes may be before the stream has told of a promotion: some hundredths of a second.
HALVED_SLOTS = 64


class Hint(NamedTuple):
    """A task that is known by its `_id`; it may be urgent, and may be new and complete."""

    document_id: Any
    urgent: bool
    fresh: bool


class Dispatcher:
    """Turns hints into running tasks.

    Args:
        slots: how many tasks run at once; `express_slots` of them only urgent ones.
        gate: what pauses and limits allow; `claimer` takes tasks through it.
        rank: this worker's place in the order in which workers try a document.
        disorderly: called when a change shows a document that cannot stand in the queue.
        doubtful: called when a running task's document was changed by somebody else.
        retimed: called when a change shows that a delayed task may be due at another time.
    """

    def __init__(
        self,
        active: ActiveRuns,
        events: Events,
        *,
        slots: int,
        express_slots: int,
        gate: Gate,
        claimer: Claimer,
        rank: Callable[[Any], int],
        disorderly: Callable[[], None],
        doubtful: Callable[[], None],
        retimed: Callable[[], None],
    ) -> None:
        self._active = active
        self._events = events
        self._slots = slots
        self._express_slots = express_slots
        self._gate = gate
        self._rank = rank
        self._claimer = claimer
        self._disorderly = disorderly
        self._doubtful = doubtful
        self._retimed = retimed
        self._wake = anyio.Event()
        self._later = Later()
        #: Tasks whose time has come that were left to others first.
        self._late: list[Any] = []
        self._hinted: list[Hint] = []
        #: There may be tasks in the queue; and: there may be urgent ones among them.
        self._queue_waits = False
        self._urgent_waits = False
        self._bookmark = Bookmark()
        #: Something hinted at what the next look into the queue may find.
        self._expected = True
        #: Platforms below whose limit there may be a place again.
        self._freed: set[str] = set()
        #: Tasks that were claimed and do not run yet: their documents are being read.
        self._taken = 0
        self._readers: TaskGroup
        self._draining = False
        self._idle = anyio.Event()
        #: Monotonic time at which a hint was last dealt with, by claims or for want of slots.
        self.answered_at = 0.0

    @property
    def free(self) -> int:
        """Slots in which an urgent task could start now."""
        return self._free(urgent=True)

    @property
    def free_ordinary(self) -> int:
        """Slots in which any task could start now."""
        return self._free(urgent=False)

    def _free(self, *, urgent: bool) -> int:
        return free_slots(
            self._slots,
            self._express_slots,
            running=len(self._active) + self._taken,
            ordinary=self._active.ordinary + self._taken,
            urgent=urgent,
        )

    # Hints

    def changed(self, change: Change) -> None:
        """A document was changed by anybody, also by this worker."""
        self._expected = True
        run = self._active.of_document(change.document_id)
        if change.deleted or _is(change.status, TaskStatus.CANCELLED):
            if run is not None:
                run.cancel()
            return
        if run is not None:
            if not _is(change.status, TaskStatus.PENDING):
                return
            # Put back to pending: our run has lost it, and anybody may claim it, we as well.
            self._doubtful()
        if not change.has_status() or (not change.orderly() and self._others_wait()):
            self._disorderly()
        if change.run_at is not None:
            self._retimed()
        if change.rescheduled:
            # It is not due before intake has computed when.
            self._disorderly()
            return
        if change.reordered or _is(change.status, TaskStatus.PENDING):
            self._hint(change)

    def sweep(self, *, urgent_only: bool = False) -> None:
        """Look through the queue, or its urgent part: something says that there may be work."""
        self._expected = True
        self.beat(urgent_only=urgent_only)

    def beat(self, *, urgent_only: bool = False) -> None:
        """Look only because the time for it has come; what is found, the stream had missed."""
        if not urgent_only:
            self._queue_waits = True
            self._bookmark.lose()
        self._urgent_waits = True
        self._wake.set()

    def behind(self) -> None:
        """More has changed than the stream could tell by now: a promotion may be far behind."""
        if self.free_ordinary <= 0 < self.free:
            self.sweep(urgent_only=True)

    def slot_freed(self, platform: str) -> None:
        """A run has ended; what waits for a slot, or for the platform's limit, may start."""
        if platform in self._gate.limited:
            self.places_freed({platform})
        self._wake.set()

    def places_freed(self, platforms: Collection[str]) -> None:
        """There may be places again below the limits of these platforms."""
        # Apart from the whole queue: looking for others behind a long line of a full platform
        # takes the server time, and there were none when the queue was looked through.
        self._freed.update(platforms)
        self._expected = self._expected or bool(platforms)
        self._urgent_waits = self._urgent_waits or bool(platforms)
        self._wake.set()

    def _hint(self, change: Change) -> None:
        urgent = change.urgent() is not False
        self._bookmark.came(change)
        if self.free <= 0:
            # Nothing can start now, and what waits is found in queue order when something can.
            self._queue_waits = True
            self._urgent_waits = self._urgent_waits or urgent
            return
        place = self._rank(change.document_id)
        if place > 0:
            self._later.leave(change.document_id, place)
            return
        if len(self._hinted) < MOST_HINTS:
            self._hinted.append(Hint(change.document_id, urgent, change.fresh))
        else:
            self._queue_waits = True
            self._urgent_waits = self._urgent_waits or urgent
        self._wake.set()

    def _others_wait(self) -> bool:
        """Whether a task may have to stand in the queue; else it is claimed by its id, now."""
        return self.free <= 0 or bool(self._hinted) or self._queue_waits or self._gate.holding

    # Claims

    async def drain(self) -> None:
        """Claim nothing any more; returns when no claim is under way."""
        self._draining = True
        self._wake.set()
        await self._idle.wait()

    async def run(self) -> None:
        """Claim whenever there is a hint and a free slot, until drained."""
        failures = 0
        async with anyio.create_task_group() as self._readers:
            while not self._draining:
                await self._wake.wait()
                self._wake = anyio.Event()
                try:
                    await self._claim_while_possible()
                    failures = 0
                    self.answered_at = time.monotonic()
                except DatabaseError as error:
                    failures += 1
                    self._events.emit("claim_failed", reason=str(error))
                    await anyio.sleep(full_jitter(failures, 0.2, 3.0))
                    self.sweep()
        self._idle.set()

    async def _claim_while_possible(self) -> None:
        while not self._draining:
            ordinary, free = self.free_ordinary, self.free
            if free <= 0 or self._gate.closed:
                # What is hinted at from now on stands in the queue, behind what is there.
                self._queue_waits = self._queue_waits or bool(self._hinted or self._late)
                urgent = bool(self._late) or any(hint.urgent for hint in self._hinted)
                self._urgent_waits = self._urgent_waits or urgent
                self._hinted.clear()
                self._late.clear()
                return
            if ordinary <= 0:
                hinted, self._hinted = self._hinted, []
                may_start = [hint for hint in hinted if hint.urgent]
                self._queue_waits = self._queue_waits or bool(hinted or self._late)
                self._urgent_waits = self._urgent_waits or bool(self._late)
                self._late.clear()
                if len(may_start) == 1 and not self._urgent_waits:
                    # The one urgent task there is: no need to look for it.
                    await self._claim_one(may_start[0], urgent_only=True)
                elif may_start or self._urgent_waits:
                    await self._claim_urgent(free)
                else:
                    return
            elif self._hinted or self._queue_waits:
                await self._claim_hinted()
            elif self._late:
                await self._claim_late(ordinary)
            elif self._freed:
                await self._claim_freed(ordinary)
            elif self._urgent_waits:
                await self._claim_urgent(free)
            else:
                return

    async def _claim_late(self, limit: int) -> None:
        """Claim those of the tasks that the workers before this one have left."""
        ids, self._late = self._late, []
        self._expected = True
        if (await self._claim_batch(limit, ids=ids)).more:
            self._queue_waits = True

    async def _claim_freed(self, limit: int) -> None:
        """Claim tasks of platforms whose limit may have a place again."""
        platforms, self._freed = self._freed, set()
        if (await self._claim_batch(limit, only=platforms)).more:
            self._freed |= platforms

    async def _claim_urgent(self, limit: int) -> None:
        """Claim urgent tasks only, e.g. for the express lane."""
        self._urgent_waits = False
        # A hint that comes during the claim sets it too, and must not be forgotten.
        if (await self._claim_batch(limit, urgent_only=True)).more:
            self._urgent_waits = True

    async def _claim_hinted(self) -> None:
        """Claim the one task that is known to wait, or as many as there is room for, in order."""
        if len(self._hinted) == 1 and not self._queue_waits:
            await self._claim_one(self._hinted.pop())
            return
        limit = self.free_ordinary
        if self._queue_waits and limit < self._slots // GATHERED_PART:
            # Short tasks free many slots within a moment: one claim for all of them.
            await anyio.sleep(GATHER_S)
            limit = self.free_ordinary
            if limit <= 0:
                return
        self._hinted.clear()
        self._queue_waits = self._urgent_waits = False
        if self._slots >= HALVED_SLOTS:
            limit = min(limit, self._slots // 2)
            taken = await self._claim_batch(limit, after=self._bookmark.begin_look())
            self._bookmark.end_look(taken.place)
        else:
            taken = await self._claim_batch(limit)
        # What did not fit waits for the next free slot; urgent ones perhaps for an express one. A
        # hint that came during the claim must not be forgotten.
        self._queue_waits = self._queue_waits or taken.more
        self._urgent_waits = self._urgent_waits or taken.urgent_more

    async def _claim_one(self, hint: Hint, *, urgent_only: bool = False) -> None:
        began_at = time.monotonic()
        await self._claimer.one(hint.document_id, fresh=hint.fresh, urgent_only=urgent_only)
        self._later.claimed_in(time.monotonic() - began_at)

    async def _claim_batch(
        self,
        limit: int,
        *,
        urgent_only: bool = False,
        only: Collection[str] | None = None,
        ids: list[Any] | None = None,
        after: Place | None = None,
    ) -> Taken:
        """Claim a batch, and let what was taken begin."""
        expected, self._expected = self._expected, False
        taken = await self._claimer.take(
            limit, urgent_only=urgent_only, only=only, ids=ids, after=after
        )
        if taken:
            if not expected:
                self._events.emit("sweep_found", tasks=len(taken))
            self._expected = self._expected or taken.more
            self._taken += len(taken)
            if self._gate.holding:
                # Whether it may start, and counts, is known only when it was admitted.
                await self._begin(taken)
            else:
                # While it is read and started the next batch is claimed.
                self._readers.start_soon(self._begin, taken)
        return taken

    async def _begin(self, taken: Taken) -> None:
        try:
            await self._claimer.begin(taken)
        except DatabaseError as error:
            self._events.emit("claim_failed", reason=str(error))
            self.sweep()
        finally:
            self._taken -= len(taken)
            # Fewer may have been ours, and urgent ones leave ordinary slots free.
            self._wake.set()

    async def try_late(self) -> None:
        """Look, a moment after their hints, for tasks that the workers before this one left."""
        while True:
            ids = await self._later.due()
            if ids is None:
                self.sweep()
            else:
                self._late += ids
                self._wake.set()


def _is(status: Any, wanted: TaskStatus) -> bool:
    """Compare as the server does for numbers; a boolean is no status."""
    return not isinstance(status, bool) and isinstance(status, int | float) and status == wanted
