"""One event of the stream, folded into the snapshot.

It runs for every change of every task, so it does little and never fails: an event shows only the
fields that changed, in whatever type a writer gave them.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from hotstream_reactive.dashboard.facts import (
    CANCELLED,
    COMPLETED,
    FAILED,
    PENDING,
    RUNNING,
    Document,
    TaskRow,
    failure,
    key_of,
    moment,
    number,
    split_error,
    update,
    whole,
)
from hotstream_reactive.dashboard.snapshot import MOST_INSERTS, Snapshot

#: Longer than this a task waited for something else than its worker's attention.
_LONGEST_PICKUP_S = 3600.0


def fold(snapshot: Snapshot, event: Document) -> None:
    """Take in an event of `mongo.board_feed`."""
    at: float = event["at"]
    order: int = event["order"]
    key = key_of(event["key"])
    snapshot.revision += 1
    snapshot.event_at = at
    if event["kind"] == "delete":
        _deleted(snapshot, snapshot.drop(key, order), event)
        return
    row = snapshot.find(key)
    fields: Document = event["fields"]
    if event["kind"] == "insert":
        _inserted(snapshot, event, fields)
        return
    if row is None:
        row = _unknown(snapshot, event)
    before = copy(row)
    # A read may already have shown what this event tells; then it is only a line of the ticker.
    stale = row.order >= order
    if not stale:
        _take_over(row, fields, order)
    status = whole(fields.get("status"))
    if status is None or (event["kind"] == "replace" and not stale and before.status == status):
        _touched(snapshot, row, before, fields, at)
    else:
        _moved(snapshot, row, before, status, event)


def _unknown(snapshot: Snapshot, event: Document) -> TaskRow:
    """A task of which nothing is known but this event."""
    snapshot.wanting = True
    row = TaskRow(key=key_of(event["key"]), document_id=event["key"])
    if "status" not in event["fields"] and "progress" in event["fields"]:
        row.status = RUNNING
        snapshot.put(row)
        snapshot.running_count += event["order"] > snapshot.read_order
    return row


def _take_over(row: TaskRow, fields: Document, order: int) -> None:
    first = row.order == 0
    update(row, fields)
    row.order = order
    if first and "status" not in fields:
        # Items that were stored before anybody looked belong to no minute.
        row.counted = row.count


def _inserted(snapshot: Snapshot, event: Document, fields: Document) -> None:
    row = TaskRow(key=key_of(event["key"]), document_id=event["key"], order=event["order"])
    update(row, fields)
    if fields.get("status") is None:
        row.status = PENDING  # left out, which intake takes for pending
    known = snapshot.find(row.key)
    if known is None or known.order < row.order:
        snapshot.put(row)
        if row.status == PENDING:
            _count(snapshot, row, event, due=1)
    if row.status == PENDING:
        snapshot.inserted[row.key] = event["at"]
        if len(snapshot.inserted) > MOST_INSERTS:
            del snapshot.inserted[next(iter(snapshot.inserted))]
    snapshot.tell("inserted", row, event["at"], platform=row.platform)


def _deleted(snapshot: Snapshot, row: TaskRow | None, event: Document) -> None:
    snapshot.inserted.pop(key_of(event["key"]), None)
    if row is None:
        row = TaskRow(key=key_of(event["key"]), document_id=event["key"])
    elif row.status == PENDING:
        _count(snapshot, row, event, due=-1)
    elif row.status == RUNNING:
        _count(snapshot, row, event, running=-1)
    snapshot.tell("deleted", row, event["at"])


def _touched(
    snapshot: Snapshot, row: TaskRow, before: TaskRow, fields: Document, at: float
) -> None:
    """A change that leaves the status as it is: progress, or somebody's edit."""
    if row.status == RUNNING:
        row.beat = max(row.beat or 0.0, at)
        _count_items(snapshot, row, at)
    if "armed_for" in fields:
        snapshot.tell("scheduled", row, at, due=moment(fields.get("run_at")))
        return
    changes = _changes(row, before, fields, at)
    if changes is not None:
        urgent, facts = changes
        if urgent:
            facts["by"] = "edit"
        snapshot.tell("promoted" if urgent else "edited", row, at, **facts)


def _changes(
    row: TaskRow, before: TaskRow, fields: Document, at: float
) -> tuple[bool, dict[str, Any]] | None:
    """What an edit did to the place in the queue, and whether it made the task more urgent."""
    facts: dict[str, Any] = {}
    urgent = False
    if "created_at" in fields or (before.priority is None and before.immediate is None):
        # Intake gives what a writer left out its default, which is nobody's edit.
        defaults = fields.get("priority") in (None, 5) and fields.get("immediate") in (None, False)
        if defaults and "run_at" not in fields:
            return None
    if "priority" in fields and row.priority != before.priority:
        old = "" if before.priority is None else before.priority
        facts["priority"] = f"{old}→{row.priority if row.priority is not None else '?'}"
        urgent = (row.priority or 5) < (before.priority or 5)
    if "immediate" in fields and bool(row.immediate) != bool(before.immediate):
        facts["immediate"] = "yes" if row.immediate else "no"
        urgent = urgent or bool(row.immediate)
    if "run_at" in fields and row.run_at != before.run_at:
        facts["run_at"] = row.run_at
        due, was_due = row.run_at or 0.0, before.run_at or 0.0
        urgent = urgent or due <= at or due < was_due
    return (urgent, facts) if facts else None


def _moved(snapshot: Snapshot, row: TaskRow, before: TaskRow, status: int, event: Document) -> None:
    """The task has come into another state."""
    at: float = event["at"]
    stale = row.order > event["order"]
    if status == RUNNING:
        _claimed(snapshot, row, before, event, stale=stale)
        return
    if not stale:
        _count_items(snapshot, row, at)
        _left(snapshot, row, before, status, event)
        snapshot.put(row)
    if status == COMPLETED:
        _completed(snapshot, row, event)
    elif status == FAILED:
        _failed(snapshot, row, event, retry_at=None)
    elif status == CANCELLED:
        snapshot.tell("cancelled", row, at, items=row.count or None)
    elif status == PENDING:
        _back(snapshot, row, before, event)


def _claimed(
    snapshot: Snapshot, row: TaskRow, before: TaskRow, event: Document, *, stale: bool
) -> None:
    at: float = event["at"]
    started = moment(event["fields"].get("started_at")) or at
    ready = snapshot.inserted.pop(row.key, None)
    if before.run_at is not None and before.status == PENDING:
        ready = max(ready or before.run_at, before.run_at)
    if ready is not None and 0.0 <= started - ready < _LONGEST_PICKUP_S:
        if not snapshot.pickups_by_stream:
            snapshot.pickups_by_stream = True
            snapshot.pickups = type(snapshot.pickups)()
        snapshot.pickups.add(started - ready)
    if not stale:
        _count(snapshot, before, event, due=-1, running=1, platform=row.platform)
        row.started, row.beat, row.completed = started, at, None
        row.progress, row.count, row.error = 0.0, 0, ""
        row.status = RUNNING
        snapshot.leave(row.key, event["order"])
        snapshot.put(row)
    _mark(snapshot, row, "runs again")
    snapshot.tell("claimed", row, at, worker=row.worker)


def _back(snapshot: Snapshot, row: TaskRow, before: TaskRow, event: Document) -> None:
    """Back to pending: by its schedule, for a retry, by rescue, or by somebody's edit."""
    fields, at = event["fields"], event["at"]
    if moment(fields.get("completed_at")) is not None:
        if number(fields.get("progress")) == 1.0:
            _completed(snapshot, row, event)
        else:
            _failed(snapshot, row, event, retry_at=None)
        snapshot.tell("scheduled", row, at, due=row.run_at)
    elif whole(fields.get("rescues")):
        snapshot.tell("rescued", row, at)
    elif row.error.startswith("handed back"):
        snapshot.tell("handed back", row, at)
    elif "current_retry" in fields or (before.status == RUNNING and row.error):
        _failed(snapshot, row, event, retry_at=row.run_at or at)
    else:
        # Its old failure, retries and times belong to an earlier life.
        row.counted, row.retry, row.error = 0, 0, ""
        _mark(snapshot, row, "put back")
        snapshot.tell("put back", row, at, by="edit")


def _completed(snapshot: Snapshot, row: TaskRow, event: Document) -> None:
    if event["order"] > snapshot.history_order:
        snapshot.done.add(event["at"])
    _mark(snapshot, row, "completed")
    snapshot.tell("completed", row, event["at"], items=row.count)
    row.counted = 0


def _failed(snapshot: Snapshot, row: TaskRow, event: Document, *, retry_at: float | None) -> None:
    at: float = event["at"]
    kind, _ = split_error(row.error)
    if event["order"] > snapshot.history_order:
        troubles = snapshot.troubles_of(row.platform)
        troubles.failed.add(at)
        if any(sign in kind for sign in ("block", "rate_limit", "challenge")):
            troubles.blocked.add(at)
        if retry_at is None:
            snapshot.failed.add(at)
    if retry_at is None:
        row.counted = 0
    _mark(snapshot, row, "failed again")
    snapshot.failures.appendleft(failure(row, at, retry_at=retry_at))
    what = "failed" if retry_at is None else "retry"
    snapshot.tell(what, row, at, error=kind, due=retry_at)


def _mark(snapshot: Snapshot, row: TaskRow, later: str) -> None:
    """Say with the failures of a task what became of it."""
    for failed in snapshot.failures:
        if failed.key == row.key and not failed.later:
            failed.later = later


def _left(snapshot: Snapshot, row: TaskRow, before: TaskRow, status: int, event: Document) -> None:
    """Count a task that stopped running or waiting, or waits again."""
    snapshot.leave(row.key, event["order"])
    ran = before.status == RUNNING or (before.status is None and status != CANCELLED)
    put_back = status == PENDING and before.status not in {RUNNING, None}
    _count(
        snapshot,
        row if status == PENDING else before,
        event,
        due=(status == PENDING) - (before.status == PENDING),
        running=-1 if ran and not put_back else 0,
        platform=row.platform,
    )


def _count(
    snapshot: Snapshot,
    row: TaskRow,
    event: Document,
    *,
    due: int = 0,
    running: int = 0,
    platform: str = "",
) -> None:
    """Keep the numbers up between reads; what a read has counted already is left out."""
    if event["order"] > snapshot.read_order:
        snapshot.running_count = max(snapshot.running_count + running, 0)
    if due and event["order"] > snapshot.queue_order:
        waiting = snapshot.of_platform(platform or row.platform)
        if row.run_at is not None and row.run_at > event["at"]:
            waiting.later += due
        else:
            waiting.due += due
            if due > 0 and waiting.due == 1:
                waiting.since = event["at"]


def _count_items(snapshot: Snapshot, row: TaskRow, at: float) -> None:
    """Items stored since the last look; a retry that begins behind what is stored adds nothing."""
    if row.count > row.counted:
        snapshot.items.add(at, row.count - row.counted)
        row.counted = row.count
