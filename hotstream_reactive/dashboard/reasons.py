"""Why a waiting task does not start: the conditions of `explain`, asked for the rows on show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from hotstream_reactive.dashboard.facts import TaskRow
from hotstream_reactive.dashboard.snapshot import Snapshot
from hotstream_reactive.model.holds import holds
from hotstream_reactive.model.situation import Lease, Situation, WorkerState

#: Of several reasons, the one that lasts longest is the one to show.
_WEIGHT = (
    *("engine_paused", "platform_paused", "backoff", "not_due", "no_worker", "platform_unknown"),
    *("invalid", "not_armed", "not_admitted", "platform_limit", "no_slot", "no_stream"),
)


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """The name of a hold, ``""`` for none, and when it ends at the latest."""

    name: str = ""
    until: float | None = None


def situation(snapshot: Snapshot, now: float) -> Situation:
    """The fleet as the snapshot knows it."""
    return Situation(
        now=datetime.fromtimestamp(now, UTC),
        controls=snapshot.controls,
        workers=[
            WorkerState(
                worker_id=worker.worker_id,
                slots=worker.slots,
                express_slots=worker.express_slots,
                platforms=worker.platforms,
                limits=worker.limits,
                stream=worker.stream,
                draining=worker.draining,
                check_interval_s=worker.check_interval_s,
                priority_check_interval_s=worker.priority_check_interval_s,
            )
            for worker in snapshot.workers
            if worker.lives(now)
        ],
        leases=[
            Lease(task_id=row.label, platform=row.platform, worker_id=row.worker, urgent=row.urgent)
            for row in snapshot.running.values()
        ],
    )


class Reasons:
    """Asks for each waiting task of one moment; tasks that differ in nothing are asked for once."""

    def __init__(self, snapshot: Snapshot, now: float) -> None:
        self._around = situation(snapshot, now)
        self._known: dict[tuple[object, ...], Reason] = {}

    def of(self, row: TaskRow) -> Reason:
        """What keeps the task from starting, in one word."""
        alike = (
            *(row.platform, row.status, row.priority, row.immediate, row.created is None),
            *(row.run_at, row.schedule, row.timezone, row.armed_for, row.retry),
        )
        found = self._known.get(alike)
        if found is None:
            found = self._known[alike] = self._ask(row)
        return found

    def _ask(self, row: TaskRow) -> Reason:
        found = {hold.name: hold for hold in holds(_document(row), self._around)}
        name = next((name for name in _WEIGHT if name in found), next(iter(found), ""))
        if not name:
            return Reason()
        until = found[name].until
        return Reason(name=name, until=until.timestamp() if until is not None else None)


def _document(row: TaskRow) -> dict[str, Any]:
    """The task's document, with a stand-in for the words it looks for, which hold nothing up."""
    return {
        "task_id": row.label,
        "platform": row.platform or "unknown",
        "keywords": ["-"],
        "accounts": ["-"],
        "status": row.status or 0,
        "priority": row.priority,
        "immediate": row.immediate,
        "created_at": _date(row.created),
        "run_at": _date(row.run_at),
        "current_retry": row.retry,
        "error_message": row.error,
        "schedule": row.schedule,
        "timezone": row.timezone,
        "armed_for": row.armed_for,
    }


def _date(at: float | None) -> datetime | None:
    if at is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at)
