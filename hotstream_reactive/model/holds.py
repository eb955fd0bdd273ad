"""Why a task does not start: the conditions for starting it, as a list of named predicates.

Each predicate takes the document and the situation of the fleet, and gives a `Hold` or None. What
the dispatcher decides too (pauses, limits, slots) is decided by the same functions there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from hotstream_reactive.errors import InvalidTask
from hotstream_reactive.model.controls import control_id, paused_platforms, places_left
from hotstream_reactive.model.fields import FieldReader
from hotstream_reactive.model.situation import Situation, WorkerState
from hotstream_reactive.model.slots import free_slots
from hotstream_reactive.model.task import Task, TaskStatus, admit
from hotstream_reactive.text import clean

_LIVE_STREAM = "live"
_MOST_NAMED = 20


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that keeps a task from starting.

    `until`: when it ends by itself at the latest; None when it does not, or nobody can know. `by`:
    ids of what holds it: controls, tasks or workers.
    """

    name: str
    reason: str
    until: datetime | None = None
    by: list[str] = []


def holds(document: Mapping[str, Any], situation: Situation) -> list[Hold]:
    """Everything that keeps the task from starting now; empty when it may start.

    A document that is not pending has one hold, its state.
    """
    state = _state(document, situation)
    if state is not None:
        return [state]
    try:
        task = admit(document)
    except InvalidTask as error:
        reason = f"{error}; it ends as failed as soon as a worker reads it"
        return [Hold(name="invalid", reason=reason)]
    found = (predicate(task, document, situation) for predicate in _PREDICATES)
    return [hold for hold in found if hold is not None]


def _state(document: Mapping[str, Any], situation: Situation) -> Hold | None:
    """The status, unless it is pending or left out, which intake takes for pending."""
    # What is no status counts as pending here, and is refused by `admit`.
    status = FieldReader(document).integer("status", low=0, high=4, default=TaskStatus.PENDING)
    error = clean(str(document.get("error_message") or "no reason was given"), 1000)
    if status == TaskStatus.RUNNING:
        return _running(document, situation)
    if status == TaskStatus.COMPLETED:
        return Hold(name="completed", reason="completed; set status to 0 to run it again")
    if status == TaskStatus.FAILED:
        return Hold(name="failed", reason=f"failed: {error}; set status to 0 to run it again")
    if status == TaskStatus.CANCELLED:
        return Hold(name="cancelled", reason="cancelled; set status to 0 to run it")
    return None


def _running(document: Mapping[str, Any], situation: Situation) -> Hold:
    worker = clean(str(document.get("worker_id") or "unknown"))
    beat = document.get("last_heartbeat")
    if not isinstance(beat, datetime):
        reason = f"running: lease held by {worker}, which never sent a heartbeat"
        return Hold(name="running", reason=reason, by=[worker])
    age_s = max((situation.now - _utc(beat)).total_seconds(), 0.0)
    reason = f"running: lease held by {worker}, last heartbeat {age_s:.0f} s ago"
    if age_s > situation.zombie_timeout_s:
        reason += ", too long: it is about to be rescued"
    return Hold(name="running", reason=reason, by=[worker])


def _unarmed(task: Task, document: Mapping[str, Any], situation: Situation) -> Hold | None:
    if task.arming == task.armed_for or task.schedule is None:
        return None
    return Hold(
        name="not_armed",
        reason=f"a worker has yet to compute when the schedule {clean(task.schedule, 60)!r} is due",
        until=_later(situation, _main_interval_s(situation)),
    )


def _not_due(task: Task, document: Mapping[str, Any], situation: Situation) -> Hold | None:
    if task.run_at is None or task.run_at <= situation.now:
        return None
    if task.current_retry and document.get("completed_at") is None:
        error = clean(str(document.get("error_message") or "no reason was given"), 300)
        reason = f"backoff after failure {task.current_retry} of {task.retry_count + 1}: {error}"
        return Hold(name="backoff", reason=reason, until=task.run_at)
    reason = "not due yet: the schedule says when" if task.schedule else "not due yet: run_at"
    return Hold(name="not_due", reason=reason, until=task.run_at)


def _unsorted(task: Task, document: Mapping[str, Any], situation: Situation) -> Hold | None:
    """Sweeps find only what can be sorted; a claim by id also finds the rest."""
    run_at = document.get("run_at")
    missing = [
        name for name in ("priority", "immediate", "created_at") if document.get(name) is None
    ]
    odd = [name for name in ("created_at",) if isinstance(document.get(name), str)]
    late = [] if run_at is None or isinstance(run_at, datetime) else ["run_at"]
    status = [] if document.get("status") is not None else ["status"]
    fields = dict.fromkeys([*status, *missing, *odd, *late])
    if not fields:
        return None
    return Hold(
        name="not_admitted",
        reason=f"a worker has yet to give {', '.join(fields)} the proper value",
        until=_later(situation, _main_interval_s(situation)),
    )


def _engine_paused(task: Task, document: Mapping[str, Any], situation: Situation) -> Hold | None:
    control = situation.controls.engine
    if not control.paused:
        return None
    return Hold(
        name="engine_paused",
        reason=_said("the engine is paused", control.reason),
        by=[control_id()],
    )


def _platform_paused(task: Task, document: Mapping[str, Any], situation: Situation) -> Hold | None:
    if task.platform not in paused_platforms(situation.controls):
        return None
    what = f"platform {clean(task.platform, 64)} is paused"
    return Hold(
        name="platform_paused",
        reason=_said(what, situation.controls.platform(task.platform).reason),
        by=[clean(control_id(task.platform))],
    )


def _limit_reached(task: Task, document: Mapping[str, Any], situation: Situation) -> Hold | None:
    limits = situation.limits
    if places_left(limits, situation.running()).get(task.platform, 1) > 0:
        return None
    owners = [one.task_id for one in situation.leases if one.platform == task.platform]
    name = clean(task.platform, 64)
    return Hold(
        name="platform_limit",
        reason=f"platform {name} runs {len(owners)} tasks, its limit is {limits[task.platform]}",
        by=[clean(owner) for owner in owners[:_MOST_NAMED]],
    )


def _no_worker(task: Task, document: Mapping[str, Any], situation: Situation) -> Hold | None:
    if situation.claiming:
        return None
    return Hold(
        name="no_worker",
        reason="no worker is alive that takes tasks; start one with: hotstream start-daemon",
        by=[worker.worker_id for worker in situation.workers],
    )


def _platform_unknown(task: Task, document: Mapping[str, Any], situation: Situation) -> Hold | None:
    workers = situation.claiming
    knows = [w for w in workers if w.platforms is None or task.platform in w.platforms]
    if not workers or knows:
        return None
    names = sorted({name for worker in workers for name in worker.platforms or []})
    return Hold(
        name="platform_unknown",
        reason=(
            f"no living worker runs platform {clean(task.platform, 64)!r} (unknown or switched "
            f"off; there are {', '.join(names) or 'none'}); it ends as failed when one claims it"
        ),
        by=[worker.worker_id for worker in workers],
    )


def _no_slot(task: Task, document: Mapping[str, Any], situation: Situation) -> Hold | None:
    workers = situation.claiming
    if not workers or any(_free(worker, situation, urgent=task.urgent) > 0 for worker in workers):
        return None
    slots = sum(worker.slots for worker in workers)
    express = any(_free(worker, situation, urgent=True) > 0 for worker in workers)
    which = "ordinary slots" if express else f"{slots} slots"
    kept = "; a free express slot is kept for urgent ones" if express else ""
    count = "1 worker" if len(workers) == 1 else f"{len(workers)} workers"
    return Hold(
        name="no_slot",
        reason=f"all {which} of {count} are busy, place {situation.ahead + 1} in the queue{kept}",
        by=[clean(lease.task_id) for lease in situation.leases[:_MOST_NAMED]],
    )


def _no_stream(task: Task, document: Mapping[str, Any], situation: Situation) -> Hold | None:
    workers = situation.claiming
    if not workers or any(worker.stream == _LIVE_STREAM for worker in workers):
        return None
    within_s = min(
        worker.priority_check_interval_s if task.urgent else worker.check_interval_s
        for worker in workers
    )
    states = ", ".join(sorted({worker.stream for worker in workers}))
    return Hold(
        name="no_stream",
        reason=f"the change stream is {clean(states, 60)}: sweeps find it within {within_s:g} s",
        until=_later(situation, within_s),
        by=[worker.worker_id for worker in workers],
    )


_PREDICATES: list[Callable[[Task, Mapping[str, Any], Situation], Hold | None]] = [
    _unarmed,
    _not_due,
    _unsorted,
    _engine_paused,
    _platform_paused,
    _limit_reached,
    _no_worker,
    _platform_unknown,
    _no_slot,
    _no_stream,
]


def _free(worker: WorkerState, situation: Situation, *, urgent: bool) -> int:
    own = [lease for lease in situation.leases if lease.worker_id == worker.worker_id]
    return free_slots(
        worker.slots,
        worker.express_slots,
        running=len(own),
        ordinary=sum(not lease.urgent for lease in own),
        urgent=urgent,
    )


def _said(what: str, reason: str | None) -> str:
    return f"{what}: {clean(reason, 300)}" if reason else what


def _main_interval_s(situation: Situation) -> float:
    return min((w.check_interval_s for w in situation.claiming), default=10.0)


def _later(situation: Situation, seconds: float) -> datetime:
    return situation.now + timedelta(seconds=seconds)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
