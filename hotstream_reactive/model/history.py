"""What happened to a task: from a change as the server tells it to one line of history.

The change stream says which fields changed, not who changed them. The engine writes fields that no
other program has a reason to touch (leases, heartbeats, run numbers), and each of its writes has a
shape of its own: that is how it is told from an edit by an outside program.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from hotstream_reactive.model.known import Known
from hotstream_reactive.model.task import DEFAULT_PRIORITY, URGENT_PRIORITY, TaskStatus
from hotstream_reactive.settings import redacted
from hotstream_reactive.text import clean, redact

#: Written with every heartbeat; a change of nothing else is no history.
NOISE = frozenset({"last_heartbeat", "updated_at", "progress", "result_count", "checkpoint"})
#: Never worth a line of their own.
_CLOCKS = frozenset({"last_heartbeat", "updated_at"})
_ENGINES = frozenset({"last_heartbeat", "lease_id", "run_number", "rescues"})
_ADMISSION = frozenset({"status", "priority", "immediate", "created_at", "run_at", "armed_for"})
_DEFAULTS = {"status": 0, "priority": DEFAULT_PRIORITY, "immediate": False}
_URGENCY = frozenset({"priority", "immediate", "run_at"})
_ENDED = (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED)
LONGEST_VALUE = 200  # characters
MOST_CHANGES = 50


class Large(msgspec.Struct, frozen=True):
    """Stands for a value that is too large to be told."""

    type: str
    size: int  # bytes

    def __str__(self) -> str:
        return f"({self.type}, {self.size:,} bytes)"


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """The right to record, until somebody takes it over.

    `token` is where to go on, None to begin now; `lost` says why going on is not possible.
    """

    number: int
    token: dict[str, Any] | None
    lost: str = ""


class TaskEvent(msgspec.Struct, kw_only=True, frozen=True):
    """One change of a task document.

    `position` orders the changes; `kind` is insert, update, replace, delete, or end for the end of
    the collection itself. `after` holds the changed fields of an update (dotted where a part of a
    field changed), the whole document otherwise; `shortened` the new lengths of arrays that were
    cut. `before` is the state before, as far as this change touched it; None when not known.
    """

    position: str
    kind: str
    at: datetime
    document_id: Any = None
    after: dict[str, Any] = {}
    removed: list[str] = []
    shortened: dict[str, int] = {}
    before: dict[str, Any] | None = None


class Change(msgspec.Struct, kw_only=True, frozen=True):
    """A field's way from one value to another; either may be unset: not known, or removed."""

    field: str
    old: Any = msgspec.UNSET
    new: Any = msgspec.UNSET

    def document(self) -> dict[str, Any]:
        """As it is kept, with values cut and without secrets."""
        kept: dict[str, Any] = {"field": clean(self.field, LONGEST_VALUE)}
        for name, value in (("from", self.old), ("to", self.new)):
            if value is not msgspec.UNSET:
                kept[name] = short(redacted(self.field, value))
        return kept


def changes(event: TaskEvent, before: Known) -> list[Change]:
    """What the event changed, at most `MOST_CHANGES` fields, without the engine's clocks."""
    if event.kind == "delete":
        return []
    if event.kind == "update":
        found = [Change(field=f, old=before.value(f), new=v) for f, v in event.after.items()]
        for field, length in event.shortened.items():
            old = before.value(field)
            new = old[:length] if isinstance(old, list) else f"(cut to {length} entries)"
            found.append(Change(field=field, old=old, new=new))
        found += [Change(field=f, old=before.value(f)) for f in event.removed]
    elif event.kind == "insert":
        found = [Change(field=f, new=v) for f, v in event.after.items() if f != "_id"]
    else:
        found = _replaced(event.after, before)
    return [change for change in found if change.field not in _CLOCKS][:MOST_CHANGES]


def _replaced(after: Mapping[str, Any], before: Known) -> list[Change]:
    found = [
        Change(field=field, old=before.value(field), new=value)
        for field, value in after.items()
        if field not in before.fields or before.fields[field] != value
    ] or [
        # A replacement by the same is no event, so what differs is what is not told.
        Change(field=field, old=value, new=value)
        for field, value in after.items()
        if isinstance(value, Large)
    ]
    if before.whole:
        gone = (field for field in before.fields if field not in after)
        found += [Change(field=field, old=before.fields[field]) for field in gone]
    return [change for change in found if change.field != "_id"]


class Deed(msgspec.Struct, frozen=True):
    """What happened; `engine`: the engine did it; `owner`: namely the worker that ran the task."""

    kind: str
    engine: bool = False
    owner: bool = False


def classify(event: TaskEvent, before: Known, found: list[Change]) -> Deed | None:
    """What kind of thing happened, and who did it; None for a mere heartbeat."""
    if event.kind == "insert":
        return Deed("inserted")
    if event.kind == "delete":
        return Deed("deleted")
    new = {change.field: change.new for change in found}
    # The end alone: of a task that was cancelled while it waited.
    if {field.partition(".")[0] for field in new} <= NOISE | {"completed_at"}:
        return None
    if event.kind == "update":
        touched = {*new, *event.after}
        if event.after.get("rescues") == 0:
            # A rescue counts up; whoever sets it back by itself starts the task afresh.
            touched.discard("rescues")
        engines = not _ENGINES.isdisjoint(touched)
    else:
        # Without knowledge of the state before, only the engine gives two fields the same time.
        beat = event.after.get("last_heartbeat")
        engines = beat is not None and (
            beat != before.fields["last_heartbeat"]
            if "last_heartbeat" in before.fields
            else beat == event.after.get("updated_at")
        )
    if engines:
        return _by_engine(new)
    if _is_refusal(new, before):
        return Deed("failed", engine=True)
    if _is_admission(found):
        return Deed("admitted", engine=True)
    return Deed(_by_outside(new, before, found))


def _by_engine(new: Mapping[str, Any]) -> Deed:
    status = new.get("status")
    ended = isinstance(new.get("completed_at"), datetime)
    if status == TaskStatus.FAILED:
        # With too many rescues it is another worker that gives the task up.
        return Deed("failed", engine=True, owner="rescues" not in new)
    if status == TaskStatus.PENDING:
        if ended:
            # A task with a schedule goes back to pending in the write that ends its run.
            kind = "completed" if new.get("progress") == 1.0 else "failed"
        elif "rescues" in new:
            return Deed("rescued", engine=True)
        else:
            kind = "retried" if "current_retry" in new else "handed back"
        return Deed(kind, engine=True, owner=True)
    words = {TaskStatus.RUNNING: "claimed", TaskStatus.COMPLETED: "completed"}
    kind = next((word for known, word in words.items() if status == known), "")
    # The end of a run that was cancelled before, by whoever set its status.
    return Deed(kind or ("cancelled" if ended else "edited"), engine=True, owner=True)


def _is_refusal(new: Mapping[str, Any], before: Known) -> bool:
    message = new.get("error_message", before.fields.get("error_message"))
    return (
        new.get("status") == TaskStatus.FAILED
        and "completed_at" in new
        and str(message).startswith("invalid task")
    )


def _is_admission(found: list[Change]) -> bool:
    """Whether these are the defaults a writer left out."""
    new = {change.field: change.new for change in found}
    if not new or not new.keys() <= _ADMISSION:
        return False
    return bool(new.keys() & {"armed_for", "created_at"}) or all(
        change.old is None and _DEFAULTS.get(change.field, change) == change.new for change in found
    )


def _by_outside(new: Mapping[str, Any], before: Known, found: list[Change]) -> str:
    if "status" in new:
        was = before.fields.get("status")
        if new["status"] == TaskStatus.PENDING:
            return "retried" if was in _ENDED else "edited"
        words = {
            TaskStatus.COMPLETED: "completed",
            TaskStatus.FAILED: "failed",
            TaskStatus.CANCELLED: "cancelled",
        }
        return next((word for status, word in words.items() if new["status"] == status), "edited")
    return "promoted" if new.keys() <= _URGENCY and all(map(_urges, found)) else "edited"


def _urges(change: Change) -> bool:
    """Whether the field now lets the task start earlier."""
    old, new = change.old, change.new
    match change.field:
        case "immediate":
            return new is True
        case "priority" if isinstance(new, int | float):
            return new < old if isinstance(old, int | float) else new <= URGENT_PRIORITY
        case "run_at":
            if isinstance(new, datetime):
                return isinstance(old, datetime) and new < old
            return new is None or new is msgspec.UNSET
    return False


def short(value: Any) -> Any:
    """A value as history keeps it: numbers, dates and the like as they are, the rest as text."""
    if isinstance(value, str):
        return clean(redact(value), LONGEST_VALUE)
    if isinstance(value, Mapping | list | tuple):
        try:
            text = msgspec.json.encode(value, enc_hook=str).decode()
        except (UnicodeEncodeError, TypeError, RecursionError):
            text = repr(value)
        return clean(redact(text), LONGEST_VALUE)
    if isinstance(value, Large | bytes):
        return clean(str(value), LONGEST_VALUE)
    return value
