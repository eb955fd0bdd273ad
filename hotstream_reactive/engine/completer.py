"""The completer: outcomes of runs, written together, whatever happens meanwhile.

Runs that finish at the same time go in one bulk write; while the history of one batch is kept, the
outcomes of the next are written. Nothing here is cancelled by a shutdown: the worker waits until
the last outcome is written, or until the lease of its task has run out anyway.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol

import anyio

from hotstream_reactive.engine.backoff import full_jitter
from hotstream_reactive.engine.events import Events
from hotstream_reactive.errors import DatabaseError, DatabaseUnavailable
from hotstream_reactive.model import outcome as outcomes
from hotstream_reactive.model.outcome import Completed, Failed, LeaseLost, Retry
from hotstream_reactive.model.run import FinishedRun

MOST_AT_ONCE = 500
#: Batches whose history is not kept yet; with more of them outcomes wait.
MOST_BEHIND = 4


class OutcomeStore(Protocol):
    """Where outcomes are written."""

    async def finish(self, runs: Sequence[FinishedRun]) -> set[str]: ...


class RunHistory(Protocol):
    """Where finished runs are kept."""

    async def record(self, documents: Sequence[dict[str, Any]]) -> None: ...


class Completer:
    """Writes outcomes in the order in which runs end.

    Args:
        done: called with each run once its outcome is durable (or its lease known to be lost);
            its event is emitted a moment later, when the history has it too.
        give_up_after_s: an outcome that could not be written for so long belongs to a task whose
            lease has run out, and is dropped.
    """

    def __init__(
        self,
        store: OutcomeStore,
        history: RunHistory,
        events: Events,
        *,
        worker_id: str,
        done: Callable[[FinishedRun], None],
        give_up_after_s: float,
    ) -> None:
        self._store = store
        self._history = history
        self._events = events
        self._worker_id = worker_id
        self._done = done
        self._give_up_after_s = give_up_after_s
        self._waiting: list[tuple[float, FinishedRun]] = []
        #: Batches whose outcomes are written, each with the leases that were lost.
        self._written, self._to_keep = anyio.create_memory_object_stream[
            tuple[list[FinishedRun], set[str]]
        ](MOST_BEHIND)
        self._wake = anyio.Event()
        self._stopping = False

    def submit(self, run: FinishedRun) -> None:
        """Hand over the outcome of a run."""
        self._waiting.append((time.monotonic(), run))
        self._wake.set()

    def stop(self) -> None:
        """Let `run` end once everything handed over is written."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Write outcomes until stopped and empty."""
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as group, self._written:
                group.start_soon(self._keep_all)
                await self._write_all()

    async def _write_all(self) -> None:
        while self._waiting or not self._stopping:
            if not self._waiting:
                await self._wake.wait()
            self._wake = anyio.Event()
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            if batch:
                await self._write(batch)

    async def _keep_all(self) -> None:
        """Keep the history of what was written, and tell of it."""
        async with self._to_keep:
            async for runs, lost in self._to_keep:
                await self._keep(runs, lost)
                for run in runs:
                    self._tell(run, lost=run.lease_id in lost)

    async def _write(self, batch: list[tuple[float, FinishedRun]]) -> None:
        """Write a batch; if something in it cannot be stored, each by itself."""
        runs = [run for _, run in batch]
        failures = 0
        while True:
            try:
                lost = await self._store.finish(runs)
                break
            except DatabaseError as error:
                failures += 1
                self._events.emit("completion_delayed", reason=str(error), runs=len(runs))
                if len(batch) > 1 and not isinstance(error, DatabaseUnavailable):
                    for one in batch:
                        await self._write([one])
                    return
                if time.monotonic() - batch[0][0] > self._give_up_after_s:
                    lost = {run.lease_id for run in runs}
                    break
                await anyio.sleep(full_jitter(failures, 0.1, 2.0))
        for run in runs:
            self._done(run)
        await self._written.send((runs, lost))

    async def _keep(self, runs: list[FinishedRun], lost: set[str]) -> None:
        """Keep the history; without it the tasks are as finished as with it."""
        try:
            await self._history.record(
                [
                    run_document(run, worker_id=self._worker_id, lost=run.lease_id in lost)
                    for run in runs
                ]
            )
        except DatabaseError as error:
            self._events.emit("history_failed", reason=str(error), runs=len(runs))

    def _tell(self, run: FinishedRun, *, lost: bool) -> None:
        outcome = run.outcome
        details: dict[str, Any] = {
            "platform": run.task.platform,
            "run_number": run.task.run_number,
            "result_count": outcome.result_count,
            "new_items": run.new_items,
            "cause": run.cause,
            "elapsed_ms": round(run.elapsed_s * 1000, 1),
        }
        match outcome:
            case Failed(error=error):
                details["error"] = error
            case Retry(reason=reason, after_s=after_s):
                details |= {"error": reason, "retry_in_s": round(after_s, 1)}
            case LeaseLost(reason=reason):
                details["error"] = reason
            case _:
                pass
        self._events.emit(
            "lease_lost" if lost else outcomes.word(outcome), run.task.task_id, **details
        )


def run_document(run: FinishedRun, *, worker_id: str, lost: bool) -> dict[str, Any]:
    """The `task_runs` document of a run.

    Its end is the server's time of the claim plus the monotonic time since: no worker's wall clock.
    """
    claimed_at = run.task.started_at
    outcome = run.outcome
    error = None
    if isinstance(outcome, Failed):
        error = outcome.error
    elif isinstance(outcome, Retry | LeaseLost):
        error = outcome.reason
    return {
        "_id": run.lease_id,
        "task_id": run.task.task_id,
        "run_number": run.task.run_number,
        "worker_id": worker_id,
        "platform": run.task.platform,
        "claimed_at": claimed_at,
        "finished_at": claimed_at and claimed_at + timedelta(seconds=run.elapsed_s),
        "outcome": "lease_lost" if lost else outcomes.word(outcome),
        "result_count": outcome.result_count,
        "error": error,
        "retry_in_s": outcome.after_s if isinstance(outcome, Retry) else None,
        "progress": 1.0 if isinstance(outcome, Completed) else run.progress,
        "elapsed_ms": round(run.elapsed_s * 1000, 1),
        "timings_ms": run.timings_ms,
        "log": run.log,
        **({"trace": run.trace} if run.trace else {}),
    }
