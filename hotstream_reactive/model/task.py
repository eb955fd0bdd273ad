"""The task: what a writer may put into `tasks`, and how a document is understood.

`admit` is the one place where a document of unknown origin becomes a `Task`. It is forgiving where
writers differ (an int64 or a whole double is an integer) and exact where a guess would be wrong
(`"high"` is no priority), and it names every wrong field at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import Any

import msgspec

from hotstream_reactive.errors import InvalidTask
from hotstream_reactive.model.bounds import KINDS, LARGEST_DOCUMENT, LONGEST, TIMEOUT, WHOLE
from hotstream_reactive.model.fields import FieldReader
from hotstream_reactive.model.schedule import ScheduleError, check

DEFAULT_PRIORITY = 5
DEFAULT_RETRIES = 3
DEFAULT_LIMIT = 100
#: Tasks up to this priority number count as urgent, as tasks with `immediate` do.
URGENT_PRIORITY = 3


class TaskStatus(IntEnum):
    """The integer states of the published contract."""

    PENDING = 0
    RUNNING = 1
    COMPLETED = 2
    FAILED = 3
    CANCELLED = 4


class Task(msgspec.Struct, kw_only=True, frozen=True):
    """An admitted task: every field present, of the right type and within bounds.

    `document_id` is the `_id`; `timeout` is in seconds; `run_number` counts the claims of the task
    so far, `rescues` how often its lease ran out since the last finished run. `armed_for` is the
    schedule and zone for which `run_at` was computed.
    """

    document_id: Any
    task_id: str
    platform: str
    name: str = ""
    task_type: str = "search"
    keywords: list[str] = []
    accounts: list[str] = []
    schedule: str | None = None
    timezone: str | None = None
    status: int = TaskStatus.PENDING
    priority: int = DEFAULT_PRIORITY
    immediate: bool = False
    options: dict[str, Any] = {}
    storage_config: dict[str, Any] = {}
    retry_count: int = DEFAULT_RETRIES
    current_retry: int = 0
    timeout: float = 3600.0
    run_at: datetime | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    lease_id: str | None = None
    checkpoint: dict[str, Any] = {}
    run_number: int = 1
    rescues: int = 0
    armed_for: str | None = None

    @property
    def arming(self) -> str | None:
        """What `armed_for` is when `run_at` belongs to the present schedule; None without one."""
        return f"{self.schedule}|{self.timezone or ''}" if self.schedule else None

    @property
    def limit(self) -> int:
        """How many items are wanted."""
        return int(self.options.get("limit", DEFAULT_LIMIT))

    @property
    def urgent(self) -> bool:
        """Whether the priority loop and the express lane look after it."""
        return self.immediate or self.priority <= URGENT_PRIORITY


def admit(document: Mapping[str, Any], *, default_timeout_s: float = 3600.0) -> Task:
    """Understand a task document.

    Raises:
        InvalidTask: with every wrong field, its value and what was expected.
    """
    task, problems = examine(document, default_timeout_s=default_timeout_s)
    if problems:
        raise InvalidTask(describe(problems))
    return task


def examine(
    document: Mapping[str, Any], *, default_timeout_s: float = 3600.0
) -> tuple[Task, list[str]]:
    """Understand as much as there is to understand, and name all that is wrong, one by one.

    Where something is wrong the task holds the default in its place. How large the whole document
    is, only the database knows: see `too_large`.
    """
    read = FieldReader(document)
    task_id = read.text("task_id", required=True, longest=LONGEST["task_id"])
    keywords = read.texts("keywords")
    accounts = read.texts("accounts")
    kind = read.choice(
        "task_type", KINDS, default="monitor" if accounts and not keywords else "search"
    )
    read.demand(
        "keywords" if kind == "search" else "accounts",
        present=bool(keywords if kind == "search" else accounts),
        expected=f"an array with at least one text, which a {kind} task needs",
    )
    schedule = read.text("schedule", longest=LONGEST["schedule"]).strip() or None
    timezone = read.text("timezone", longest=LONGEST["timezone"]) or None
    if schedule is not None:
        try:
            check(schedule, timezone)
        except ScheduleError as error:
            read.problems.append(f"schedule: {error}")
    task = Task(
        document_id=document.get("_id"),
        task_id=task_id,
        name=read.text("name", default=task_id, longest=LONGEST["name"]),
        platform=read.text("platform", required=True, longest=LONGEST["platform"]),
        task_type=kind,
        keywords=keywords,
        accounts=accounts,
        schedule=schedule,
        timezone=timezone,
        status=read.integer("status", **WHOLE["status"], default=TaskStatus.PENDING),
        priority=read.integer("priority", **WHOLE["priority"], default=DEFAULT_PRIORITY),
        immediate=read.boolean("immediate"),
        options=read.options(),
        storage_config=read.table("storage_config"),
        retry_count=read.integer("retry_count", **WHOLE["retry_count"], default=DEFAULT_RETRIES),
        current_retry=read.integer("current_retry", **WHOLE["current_retry"], default=0),
        timeout=read.number("timeout", **TIMEOUT, default=default_timeout_s),
        run_at=read.moment("run_at"),
        created_at=read.moment("created_at"),
        started_at=read.moment("started_at"),
        lease_id=read.text("lease_id", longest=LONGEST["lease_id"]) or None,
        checkpoint=read.table("checkpoint", inspected=False),
        run_number=read.integer("run_number", **WHOLE["run_number"], default=0),
        rescues=read.integer("rescues", **WHOLE["rescues"], default=0),
        armed_for=read.text("armed_for", longest=LONGEST["armed_for"]) or None,
    )
    return task, read.problems


def too_large(size: int) -> str | None:
    """What is wrong with a document of so many bytes, if anything is."""
    if size <= LARGEST_DOCUMENT:
        return None
    return f"the document: {size:,} bytes, expected at most {LARGEST_DOCUMENT:,}"


def describe(problems: list[str], longest: int = 2000) -> str:
    """One message for all problems of a document, cut to `longest` characters."""
    count = len(problems)
    head = "invalid task: " if count == 1 else f"invalid task, {count} wrong fields: "
    text = head + "; ".join(problems)
    return text if len(text) <= longest else text[: longest - 1] + "…"
