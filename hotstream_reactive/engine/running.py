"""The runs of this worker that are going on, and the ways to stop one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import anyio

from hotstream_reactive.engine import frames
from hotstream_reactive.model.outcome import Cancelled, LeaseLost, Outcome, Retry
from hotstream_reactive.model.run import Progress
from hotstream_reactive.model.task import Task, TaskStatus


class ActiveRun:
    """One run that is going on; stopping it decides its outcome, the first word counts."""

    def __init__(self, task: Task, lease_id: str) -> None:
        self.task = task
        self.lease_id = lease_id
        #: The document, as a key: its `_id` may be of any type.
        self.key = repr(task.document_id)
        self.scope = anyio.CancelScope()
        self.started_at = time.monotonic()
        #: Monotonic time after which the run is longer than its task's timeout.
        self.timeout_at = self.started_at + task.timeout
        #: Monotonic time at which it was told to stop.
        self.stopped_at: float | None = None
        #: Whether its outcome is known.
        self.ended = False
        #: Whether its code has come to its end, perhaps after it was given up.
        self.returned = False
        self._job: asyncio.Task[Any] | None = None
        self.verdict: Outcome | None = None
        self.result_count = 0
        self.progress = 0.0
        self.checkpoint: dict[str, Any] = dict(task.checkpoint)
        #: Where an unexpected error was raised.
        self.trace: list[str] = []
        #: Of which kind its failure is, as `retry.cause` names it.
        self.cause = ""

    def begin(self) -> None:
        """Note the job in which the run goes on, to tell later where it is."""
        self._job = asyncio.current_task()

    def end(self) -> None:
        """Note that its code has come to its end."""
        self.returned = True
        # The job holds the context in which this run is the current one: without the circle, what
        # belongs to a run is freed with it, and the garbage collector has nothing to look for.
        self._job = None

    def report(self, *, checkpoint: bool) -> Progress:
        """How far it is."""
        return Progress(
            document_id=self.task.document_id,
            lease_id=self.lease_id,
            progress=self.progress,
            result_count=self.result_count,
            checkpoint=self.checkpoint if checkpoint else None,
        )

    def where(self) -> str:
        """The innermost place at which the run waits, as ``file:line function``."""
        stack = self._job.get_stack(limit=1) if self._job else []
        return frames.stack(stack[-1])[0] if stack else ""

    def cancel(self) -> None:
        """Somebody set `status` to 4 or deleted the document."""
        self._stop(Cancelled(self.result_count))

    def taken(self, status: int | None, reason: str) -> None:
        """The task has this status now, and is not ours any more."""
        if status == TaskStatus.CANCELLED:
            self.cancel()
        else:
            self.lose(reason)

    def lose(self, reason: str) -> None:
        """The lease is gone, or may be: stop before anything more is written."""
        self._stop(LeaseLost(reason, self.result_count))

    def hand_back(self) -> None:
        """The worker shuts down: back to pending from the checkpoint, without using up a retry."""
        self._stop(
            Retry(
                reason="handed back: its worker was shut down",
                after_s=0.0,
                counts=False,
                result_count=self.result_count,
            )
        )

    def _stop(self, verdict: Outcome) -> None:
        if self.verdict is None:
            self.verdict = verdict
            self.stopped_at = time.monotonic()
            self.scope.cancel()


#: The run in whose context code is at work, also in tasks an adapter starts itself.
current_run: ContextVar[ActiveRun | None] = ContextVar("current_run", default=None)


class ActiveRuns:
    """All runs of this worker; an entry stands until its outcome is durable."""

    def __init__(self) -> None:
        self._by_lease: dict[str, ActiveRun] = {}
        #: How many of them are not urgent.
        self.ordinary = 0
        self._by_document: dict[str, ActiveRun] = {}
        self._empty = anyio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._by_lease)

    def __iter__(self) -> Iterator[ActiveRun]:
        return iter(list(self._by_lease.values()))

    def add(self, run: ActiveRun) -> None:
        """Enter a run that was claimed just now."""
        if not self._by_lease:
            self._empty = anyio.Event()
        self._by_lease[run.lease_id] = run
        self.ordinary += not run.task.urgent
        self._by_document[run.key] = run

    def remove(self, lease_id: str) -> None:
        """Forget a run; unknown ones are fine."""
        run = self._by_lease.pop(lease_id, None)
        if run is not None:
            self.ordinary -= not run.task.urgent
            if self._by_document.get(run.key) is run:
                del self._by_document[run.key]
        if not self._by_lease:
            self._empty.set()

    def of_document(self, document_id: Any) -> ActiveRun | None:
        """The run of this very document, if it is one of ours."""
        return self._by_document.get(repr(document_id)) if self._by_document else None

    async def wait_until_empty(self) -> None:
        """Wait until no run is left."""
        await self._empty.wait()
