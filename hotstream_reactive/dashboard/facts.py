"""What is known of single things: a task, a worker, a platform, an event.

Texts are made harmless here, when they come in; times are seconds since 1970 by the server's clock.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from hotstream_reactive.model.task import DEFAULT_LIMIT, URGENT_PRIORITY, TaskStatus
from hotstream_reactive.text import clean, redact

Document = Mapping[str, Any]
PENDING, RUNNING, COMPLETED, FAILED, CANCELLED = (int(status) for status in TaskStatus)
#: Bounds of the phases that `progress` tells of; see docs/task-document.md.
_PHASES = ((0.2, "starting"), (0.6, "collecting"), (0.8, "processing"))


class TaskRow(msgspec.Struct, kw_only=True):
    """A task as far as it is known; None where it is not.

    `key` is the `_id`, or its text when nothing can be looked up by it; `order` is that of the last
    event folded into it. `total` is how many items are wanted, `counted` how many of `count` are in
    the rate of items already.
    """

    key: Hashable
    document_id: Any
    task_id: str | None = None
    name: str = ""
    platform: str = ""
    task_type: str = "search"
    status: int | None = None
    priority: int | None = None
    immediate: bool | None = None
    progress: float = 0.0
    count: int = 0
    counted: int = 0
    total: int | None = None
    run_at: float | None = None
    created: float | None = None
    started: float | None = None
    completed: float | None = None
    beat: float | None = None
    timeout_s: float | None = None
    worker: str = ""
    retry: int = 0
    retries: int | None = None
    schedule: str | None = None
    timezone: str | None = None
    armed_for: str | None = None
    error: str = ""
    order: int = 0

    @property
    def urgent(self) -> bool:
        """Whether the express lane is open to it."""
        return bool(self.immediate) or (self.priority or 10) <= URGENT_PRIORITY

    @property
    def phase(self) -> str:
        """The word for how far a run is."""
        return next((word for bound, word in _PHASES if self.progress < bound), "storing")

    @property
    def place(self) -> tuple[bool, float, float, str]:
        """The place in queue order; of equals, which start in any order, always the same first."""
        return (not self.immediate, self.priority or 5, self.created or 0.0, self.label)

    @property
    def label(self) -> str:
        """The id for people; the end of `_id` while `task_id` is not known."""
        return self.task_id if self.task_id is not None else f"…{clean(str(self.key))[-8:]}"


class Failure(msgspec.Struct, kw_only=True):
    """A run or document that failed. `retry_at` is when it is tried again, None when it is final.

    `kind` is the class of the error; `later` is a word for what became of the task since.
    """

    at: float
    label: str
    key: Hashable = None
    document_id: Any = None
    platform: str = ""
    kind: str = ""
    message: str = ""
    retry_at: float | None = None
    later: str = ""


class WorkerRow(msgspec.Struct, kw_only=True, frozen=True):
    """A worker's entry in the register; durations in seconds, `memory` in bytes."""

    worker_id: str
    host: str = ""
    version: str = ""
    slots: int = 0
    express_slots: int = 0
    running: int = 0
    beat: float | None = None
    started: float | None = None
    stream: str = "off"
    platforms: list[str] | None = None
    limits: dict[str, int] = {}
    draining: bool = False
    memory: int | None = None
    silent_after_s: float = 15.0
    check_interval_s: float = 10.0
    priority_check_interval_s: float = 3.0

    def lives(self, now: float) -> bool:
        """Whether it was heard of lately."""
        return self.beat is not None and now - self.beat <= self.silent_after_s


class Waiting(msgspec.Struct, kw_only=True):
    """Pending tasks of a platform; `since` is when the first of them became due."""

    due: int = 0
    later: int = 0
    since: float | None = None


class Happening(msgspec.Struct, kw_only=True):
    """One line of the ticker; `what` is a word such as ``promoted``, `facts` what goes with it."""

    at: float
    what: str
    key: Hashable
    document_id: Any = None
    label: str | None = None
    facts: dict[str, str | int | float] = {}


def key_of(document_id: Any) -> Hashable:
    """What a document is looked up by: its `_id`, or a text for one that cannot be a key."""
    try:
        hash(document_id)
    except TypeError:
        return repr(document_id)
    return document_id if document_id == document_id else repr(document_id)  # noqa: PLR0124 - NaN


def word(value: Any, limit: int = 100) -> str:
    """A text from a document, harmless; "" for anything else."""
    return clean(value, limit) if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """A finite number, whatever its type; None for anything else."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return None
    try:
        found = float(str(value)) if not isinstance(value, int | float) else float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole(value: Any) -> int | None:
    """A number without its fraction."""
    found = number(value)
    return None if found is None else int(found)


def moment(value: Any) -> float | None:
    """A date in seconds since 1970; None for anything else and for dates beyond the calendar."""
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


def task_row(document: Document) -> TaskRow:
    """A task as a read gives it."""
    row = TaskRow(key=key_of(document["_id"]), document_id=document["_id"])
    update(row, document)
    row.beat = moment(document.get("last_heartbeat"))
    row.counted = row.count if row.status in {PENDING, RUNNING} else 0
    targets = whole(document.get("targets"))
    if row.task_type == "monitor" and row.total is not None:
        row.total *= targets or 1
    return row


def update(row: TaskRow, fields: Document) -> None:
    """Take over the fields that are given; whatever has a wrong type is as good as unknown."""
    for name in fields:
        setter = _SETTERS.get(name)
        if setter is not None:
            attribute, convert = setter
            setattr(row, attribute, convert(fields[name]))
    if row.total is None and "task_id" in fields and row.task_type == "search":
        row.total = DEFAULT_LIMIT


def failure(row: TaskRow, at: float, *, retry_at: float | None = None) -> Failure:
    """The failure that a task's document tells of."""
    kind, message = split_error(row.error)
    return Failure(
        at=at,
        label=row.label,
        key=row.key,
        document_id=row.document_id,
        platform=row.platform,
        kind=kind,
        message=message,
        retry_at=retry_at,
    )


def split_error(error: str) -> tuple[str, str]:
    """The class of an error and the rest: ``timeout`` and ``too slow`` of ``timeout: too slow``."""
    kind, colon, rest = error.partition(": ")
    if colon and 2 < len(kind) <= 40 and kind.replace("_", "").isalnum() and kind.isascii():
        return kind, rest
    if kind.startswith("invalid task"):
        return "invalid", rest
    return ("error", error) if error else ("", "")


def _error(value: Any) -> str:
    return clean(redact(value), 300) if isinstance(value, str) else ""


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _status(value: Any) -> int | None:
    found = whole(value)
    return found if found in {PENDING, RUNNING, COMPLETED, FAILED, CANCELLED} else None


_SETTERS: dict[str, tuple[str, Any]] = {
    "task_id": ("task_id", lambda value: clean(str(value), 100)),
    "name": ("name", word),
    "platform": ("platform", word),
    "task_type": ("task_type", word),
    "status": ("status", _status),
    "priority": ("priority", whole),
    "immediate": ("immediate", _flag),
    "progress": ("progress", lambda value: min(max(number(value) or 0.0, 0.0), 1.0)),
    "result_count": ("count", lambda value: max(whole(value) or 0, 0)),
    "limit": ("total", whole),
    "run_at": ("run_at", moment),
    "created_at": ("created", moment),
    "started_at": ("started", moment),
    "completed_at": ("completed", moment),
    "timeout": ("timeout_s", number),
    "worker_id": ("worker", word),
    "current_retry": ("retry", lambda value: whole(value) or 0),
    "retry_count": ("retries", whole),
    "schedule": ("schedule", lambda value: word(value) or None),
    "timezone": ("timezone", lambda value: word(value) or None),
    "armed_for": ("armed_for", lambda value: value if isinstance(value, str) else None),
    "error_message": ("error", _error),
}
