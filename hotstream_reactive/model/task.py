"""The task: what a writer may put into `tasks`, and how a document is understood.

`admit` is the one place where a document of unknown origin becomes a `Task`. It is forgiving where
writers differ (an int64 or a whole double is an integer) and exact where a guess would be wrong
(`"high"` is no priority), and it names every wrong field at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta

from hotstream_reactive.errors import InvalidTask
from hotstream_reactive.model.bounds import KINDS, LARGEST_DOCUMENT, LONGEST, TIMEOUT, WHOLE
from hotstream_reactive.model.fields import LONGEST_LIST, LONGEST_WORD, FieldReader, is_plain
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


def _text(field: str) -> Meta:
    return Meta(min_length=1, max_length=LONGEST[field])


def _whole(field: str) -> Meta:
    return Meta(ge=WHOLE[field]["low"], le=WHOLE[field]["high"])


_Words = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=LONGEST_WORD)]],
    Meta(max_length=LONGEST_LIST),
]
_Moment = Annotated[datetime, Meta(tz=True)]


class Task(msgspec.Struct, kw_only=True, frozen=True):
    """An admitted task: every field present, of the right type and within bounds.

    `document_id` is the `_id`; `timeout` is in seconds; `run_number` counts the claims of the task
    so far, `rescues` how often its lease ran out since the last finished run. `armed_for` is the
    schedule and zone for which `run_at` was computed.
    """

    document_id: Any = msgspec.field(name="_id")
    task_id: Annotated[str, _text("task_id")]
    platform: Annotated[str, _text("platform")]
    name: Annotated[str, Meta(max_length=LONGEST["name"])] = ""
    task_type: Literal["search", "monitor"] = "search"
    keywords: _Words = []
    accounts: _Words = []
    schedule: str | None = None
    timezone: str | None = None
    status: Annotated[int, _whole("status")] = TaskStatus.PENDING
    priority: Annotated[int, _whole("priority")] = DEFAULT_PRIORITY
    immediate: bool = False
    options: dict[str, Any] = {}
    storage_config: dict[str, Any] = {}
    retry_count: Annotated[int, _whole("retry_count")] = DEFAULT_RETRIES
    current_retry: Annotated[int, _whole("current_retry")] = 0
    timeout: Annotated[float, Meta(ge=TIMEOUT["low"], le=TIMEOUT["high"])] = 3600.0
    run_at: _Moment | None = None
    created_at: _Moment | None = None
    started_at: _Moment | None = None
    lease_id: Annotated[str, _text("lease_id")] | None = None
    checkpoint: dict[str, Any] = {}
    run_number: Annotated[int, _whole("run_number")] = 1
    rescues: Annotated[int, _whole("rescues")] = 0
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
    if (ordinary := _ordinary(document)) is not None:
        return ordinary
    task, problems = examine(document, default_timeout_s=default_timeout_s)
    if problems:
        raise InvalidTask(describe(problems))
    return task


#: These have defaults that the struct does not know.
_FILLED_IN = frozenset({"name", "timeout", "run_number"})
_AS_THEY_ARE = (datetime,)


def _ordinary(document: Mapping[str, Any]) -> Task | None:
    """The task `examine` would give, where that can be told at a glance; None says nothing.

    A claimed document is complete and nearly always right: reading each field by itself, so that
    every wrong one can be named, takes ten times as long.
    """
    if not document.keys() >= _FILLED_IN:
        return None
    try:
        task = msgspec.convert(document, Task, builtin_types=_AS_THEY_ARE)
    except (msgspec.ValidationError, UnicodeError):
        return None
    words = task.keywords if task.task_type == "search" else task.accounts
    if (
        words
        and all(map(str.strip, task.keywords))
        and all(map(str.strip, task.accounts))
        and task.task_id.strip()
        and task.platform.strip()
        and "\x00" not in f"{task.task_id}{task.platform}{task.name}{task.lease_id}"
        and task.schedule is None
        and task.timezone is None
        and task.armed_for is None
        and is_plain(task.options, task.storage_config)
        and not any(
            moment.utcoffset()
            for moment in (task.run_at, task.created_at, task.started_at)
            if moment
        )
    ):
        return task
    return None


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
        task_type=cast("Literal['search', 'monitor']", kind),
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
