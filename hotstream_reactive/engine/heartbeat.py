"""Heartbeats: one renewal for all leases of a worker, and progress written in bulk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import anyio
import msgspec

from hotstream_reactive.engine.events import Events
from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.model.run import Progress
from hotstream_reactive.model.task import TaskStatus

#: Progress reports gather for this long before they are written together.
REPORT_GATHER_S = 0.1
#: A worker that could not renew for this part of its lease stops its runs before others take them.
SELF_FENCE_PART = 2 / 3
#: After a renewal that failed, the next comes after this part of the interval.
RETRY_PART = 1 / 4


class LeaseStore(Protocol):
    """Where leases are renewed and progress is written."""

    async def renew(self, leases: Mapping[str, Any]) -> dict[str, int | None]: ...
    async def report(self, reports: Iterable[Progress]) -> None: ...


class Reporting(Protocol):
    """A run that tells how far it is when asked."""

    @property
    def lease_id(self) -> str: ...
    def report(self, *, checkpoint: bool) -> Progress: ...


class Held(msgspec.Struct, kw_only=True):
    """A lease this worker holds; `lost` is called once with the task's present status, or None."""

    document_id: Any
    lost: Callable[[int | None, str], None]
    renewed_at: float


class Heartbeat:
    """Keeps the leases of one worker alive and tells a run when it has lost its own."""

    def __init__(
        self, store: LeaseStore, events: Events, *, interval_s: float, zombie_timeout_s: float
    ) -> None:
        self._store = store
        self._events = events
        self._interval_s = interval_s
        self._fence_after_s = zombie_timeout_s * SELF_FENCE_PART
        self._held: dict[str, Held] = {}
        #: The runs that have gone on, each with whether its checkpoint has changed.
        self._reports: dict[str, tuple[Reporting, bool]] = {}
        self._reported = anyio.Event()

    def hold(
        self, lease_id: str, document_id: Any, lost: Callable[[int | None, str], None]
    ) -> None:
        """Begin to renew a lease that was claimed just now."""
        self._held[lease_id] = Held(document_id=document_id, lost=lost, renewed_at=time.monotonic())

    def release(self, lease_id: str) -> None:
        """Stop renewing; a waiting report of this lease is dropped."""
        self._held.pop(lease_id, None)
        self._reports.pop(lease_id, None)

    def settled(self, lease_id: str) -> None:
        """Go on renewing, but write no progress any more: the outcome says it all."""
        self._reports.pop(lease_id, None)

    def renewed(self, leases: Iterable[str], asked_at: float) -> None:
        """Note a renewal that somebody else asked for at that monotonic time, in any thread."""
        for lease in leases:
            held = self._held.get(lease)
            if held is not None:
                held.renewed_at = max(held.renewed_at, asked_at)

    def report(self, run: Reporting, *, checkpoint: bool = False) -> None:
        """Note that a run has gone on, perhaps to a new checkpoint; it is asked later how far."""
        _, changed = self._reports.get(run.lease_id, (run, False))
        self._reports[run.lease_id] = run, checkpoint or changed
        self._reported.set()

    async def renew_for_ever(self) -> None:
        """Renew all leases every interval, sooner after a failure, until cancelled."""
        pause_s = self._interval_s
        while True:
            await anyio.sleep(pause_s)
            answered = await self._renew_persistently()
            pause_s = self._interval_s * (1 if answered else RETRY_PART)

    async def _renew_persistently(self) -> bool:
        """Renew all leases; while no answer comes, ask once more beside the first time.

        A connection that died unnoticed answers nobody, and waiting for it alone could use up what
        is left of the leases.
        """
        answered = False

        async def ask() -> None:
            nonlocal answered
            if await self.renew_once():
                answered = True
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await anyio.sleep(self._interval_s * RETRY_PART)
            group.start_soon(ask)
        return answered

    async def renew_once(self) -> bool:
        """Renew all leases now; those that could not be renewed for too long are given up.

        False means that no answer came.
        """
        asked_at = time.monotonic()
        asked = {lease: held.document_id for lease, held in self._held.items()}
        if not asked:
            return True
        # The answer is awaited until the runs have to be stopped, and not beyond.
        left_s = self._fence_after_s - asked_at + min(h.renewed_at for h in self._held.values())
        try:
            with anyio.fail_after(max(min(self._interval_s, left_s), self._fence_after_s / 20)):
                gone = await self._store.renew(asked)
        except (DatabaseError, TimeoutError) as error:
            self._events.emit("renewal_failed", reason=str(error) or "no answer in time")
            self._self_fence()
            return False
        for lease in asked:
            held = self._held.get(lease)
            if held is None:
                continue
            if lease in gone:
                status = gone[lease]
                if status != TaskStatus.CANCELLED:
                    status = None
                held.lost(status, "the task was taken back, finished or deleted by somebody else")
            else:
                held.renewed_at = asked_at
        return True

    async def write_reports(self) -> None:
        """Write progress as it comes, gathered over a moment, until cancelled."""
        while True:
            await self._reported.wait()
            await anyio.sleep(REPORT_GATHER_S)
            self._reported = anyio.Event()
            reports, self._reports = self._reports, {}
            if not reports:
                continue
            try:
                await self._store.report(
                    [run.report(checkpoint=changed) for run, changed in reports.values()]
                )
            except DatabaseError as error:
                # Progress is repeated by the next report; a checkpoint must not be forgotten.
                for lease, (run, changed) in reports.items():
                    if lease in self._held:
                        self.report(run, checkpoint=changed)
                self._events.emit("report_failed", reason=str(error))

    def _self_fence(self) -> None:
        for held in list(self._held.values()):
            silent_s = time.monotonic() - held.renewed_at
            if silent_s > self._fence_after_s:
                held.lost(None, f"the lease could not be renewed for {silent_s:.0f} s")
