"""The run: one attempt at a task, from claim to outcome."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from hotstream_reactive.model.outcome import Outcome
from hotstream_reactive.model.task import Task


class Progress(msgspec.Struct, kw_only=True, frozen=True):
    """How far a run is: `progress` from 0 to 1, `result_count` items stored so far.

    `checkpoint` is None when it has not changed.
    """

    document_id: Any
    lease_id: str
    progress: float
    result_count: int
    checkpoint: dict[str, Any] | None = None

    def fields(self) -> dict[str, Any]:
        """The fields of the task document this is written to."""
        fields: dict[str, Any] = {"progress": self.progress, "result_count": self.result_count}
        if self.checkpoint is not None:
            fields["checkpoint"] = self.checkpoint
        return fields


class FinishedRun(msgspec.Struct, kw_only=True, frozen=True):
    """What the completer writes: the task as claimed, its outcome and where the time went.

    `elapsed_s` and `timings_ms` (step name → milliseconds: ``authenticate``, ``collect``,
    ``extract``, ``store``) are measured on the monotonic clock. `rearm_at` is when a task with a
    schedule is due next. `log` holds the last lines of the run's log, `trace` where an unexpected
    error was raised, innermost frame last. `cause` is one word for what the run failed of.
    """

    task: Task
    lease_id: str
    outcome: Outcome
    elapsed_s: float = 0.0
    timings_ms: dict[str, float] = {}
    checkpoint: dict[str, Any] = {}
    progress: float = 0.0
    rearm_at: datetime | None = None
    log: list[str] = []
    trace: list[str] = []
    cause: str = ""

    @property
    def new_items(self) -> int:
        """Items that this very run stored; a checkpoint counts those of runs before."""
        before = self.task.checkpoint.get("stored")
        stored = before if isinstance(before, int) and before > 0 else 0
        return max(0, self.outcome.result_count - stored)


class Rescued(msgspec.Struct, kw_only=True, frozen=True):
    """A task that was taken back because its lease had run out."""

    document_id: Any
    task_id: str
    lease_id: str
    worker_id: str
    run_number: int
    claimed_at: datetime | None
    poison: bool
