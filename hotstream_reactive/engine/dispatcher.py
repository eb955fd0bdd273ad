"""The dispatcher: hints come in, claims go out, and never more than there are free slots.

The stream, the sweeps, the timer and freed slots all say the same: there may be work. Hints are
gathered while a claim is under way, so a burst of a thousand costs a few claims.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import anyio

from hotstream_reactive.engine.backoff import full_jitter
from hotstream_reactive.engine.events import Events
from hotstream_reactive.engine.running import ActiveRuns
from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.model.change import Change
from hotstream_reactive.model.task import TaskStatus

Document = Mapping[str, Any]
#: With more hints than this waiting, the queue itself is the better list.
MOST_HINTS = 64


class ClaimStore(Protocol):
    """Where tasks are claimed; a batch also says whether there may be more."""

    async def claim_one(self, document_id: Any) -> Document | None: ...
    async def claim_batch(
        self, limit: int, *, urgent_only: bool = False
    ) -> tuple[Sequence[Document], bool]: ...
    async def next_due_in(self) -> float | None: ...


class Dispatcher:
    """Turns hints into running tasks.

    Args:
        start: begins a run of a claimed document.
        disorderly: called when a change shows a document that cannot stand in the queue.
        doubtful: called when a running task's document was changed by somebody else.
    """

    def __init__(
        self,
        store: ClaimStore,
        active: ActiveRuns,
        events: Events,
        *,
        slots: int,
        start: Callable[[Document], None],
        disorderly: Callable[[], None],
        doubtful: Callable[[], None],
    ) -> None:
        self._store = store
        self._active = active
        self._events = events
        self._slots = slots
        self._start = start
        self._disorderly = disorderly
        self._doubtful = doubtful
        self._wake = anyio.Event()
        self._recheck = anyio.Event()
        self._hinted: list[Any] = []
        self._sweep_all = False
        self._sweep_urgent = False
        self._draining = False
        self._idle = anyio.Event()

    @property
    def free(self) -> int:
        """Slots in which a task could start now."""
        return self._slots - len(self._active)

    # Hints

    def changed(self, change: Change) -> None:
        """A document was changed by anybody, also by this worker."""
        run = self._active.of_document(change.document_id)
        if change.deleted or _is(change.status, TaskStatus.CANCELLED):
            if run is not None:
                run.cancel()
            return
        if run is not None:
            if _is(change.status, TaskStatus.PENDING):
                self._doubtful()
            return
        if not change.has_status() or (not change.orderly() and self._others_wait()):
            self._disorderly()
        if change.run_at is not None:
            self.recheck_timer()
        if change.reordered or _is(change.status, TaskStatus.PENDING):
            self._hint(change.document_id)

    def sweep(self, *, urgent_only: bool = False) -> None:
        """Look through the queue, or its urgent part."""
        if urgent_only:
            self._sweep_urgent = True
        else:
            self._sweep_all = True
        self._wake.set()

    def slot_freed(self) -> None:
        """A run has ended; what waits for a slot may start."""
        self._wake.set()

    def recheck_timer(self) -> None:
        """The time of a delayed task may have changed."""
        self._recheck.set()

    def _others_wait(self) -> bool:
        """Whether a task would have to stand in the queue; else it is claimed by its id, now."""
        return self.free <= 0 or bool(self._hinted) or self._sweep_all

    def _hint(self, document_id: Any) -> None:
        if len(self._hinted) < MOST_HINTS:
            self._hinted.append(document_id)
        else:
            self._sweep_all = True
        self._wake.set()

    # Claims

    async def drain(self) -> None:
        """Claim nothing any more; returns when no claim is under way."""
        self._draining = True
        self._wake.set()
        await self._idle.wait()

    async def run(self) -> None:
        """Claim whenever there is a hint and a free slot, until drained."""
        failures = 0
        while not self._draining:
            await self._wake.wait()
            self._wake = anyio.Event()
            try:
                await self._claim_while_possible()
                failures = 0
            except DatabaseError as error:
                failures += 1
                self._sweep_all = True
                self._events.emit("claim_failed", reason=str(error))
                await anyio.sleep(full_jitter(failures, 0.2, 3.0))
                self._wake.set()
        self._idle.set()

    async def _claim_while_possible(self) -> None:
        while self.free > 0 and not self._draining:
            if len(self._hinted) == 1 and not self._sweep_all:
                document = await self._store.claim_one(self._hinted.pop())
                if document is not None:
                    self._start(document)
            elif self._hinted or self._sweep_all or self._sweep_urgent:
                await self._claim_batch()
            else:
                return

    async def _claim_batch(self) -> None:
        """Fill the free slots in queue order."""
        urgent_only = self._sweep_urgent and not (self._sweep_all or self._hinted)
        self._sweep_urgent = False
        self._sweep_all = False
        self._hinted.clear()
        documents, more = await self._store.claim_batch(self.free, urgent_only=urgent_only)
        for document in documents:
            self._start(document)
        # What did not fit waits for the next free slot; a sweep of the urgent part says nothing
        # about the rest.
        self._sweep_all = self._sweep_all or more

    # Time

    async def keep_time(self) -> None:
        """Give a hint at the very moment at which the next delayed task is due."""
        while True:
            self._recheck = anyio.Event()
            try:
                wait_s = await self._store.next_due_in()
            except DatabaseError as error:
                self._events.emit("timer_failed", reason=str(error))
                wait_s = None
            with anyio.move_on_after(wait_s) as due:
                await self._recheck.wait()
            if due.cancelled_caught:
                self.sweep()


def _is(status: Any, wanted: TaskStatus) -> bool:
    """Compare as the server does for numbers; a boolean is no status."""
    return not isinstance(status, bool) and isinstance(status, int | float) and status == wanted
