"""The task document as a table: each field with its shape, its default and what it means.

`admit` reads documents by the same bounds; the two schemas are drawn from this table.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hotstream_reactive.model.bounds import KINDS, LONGEST, TIMEOUT, WHOLE
from hotstream_reactive.model.fields import LARGEST_LIMIT
from hotstream_reactive.model.task import DEFAULT_LIMIT, DEFAULT_PRIORITY, DEFAULT_RETRIES


class Text(msgspec.Struct, frozen=True):
    """A text without NUL; a required one is there and is not blank."""

    longest: int
    required: bool = False


class Cron(Text, frozen=True):
    """A text of five or six fields, or a blank one, which is none."""


class Texts(msgspec.Struct, frozen=True):
    """An array of texts that are not blank."""


class Choice(msgspec.Struct, frozen=True):
    """One of a few words."""

    words: tuple[str, ...]


class Whole(msgspec.Struct, frozen=True):
    """A whole number of any numeric type; `counted` ones are added to by the engine."""

    low: int
    high: int
    counted: bool = False


class Real(msgspec.Struct, frozen=True):
    """A finite number of any numeric type."""

    low: int
    high: int


class Flag(msgspec.Struct, frozen=True):
    """True or false."""


class Moment(msgspec.Struct, frozen=True):
    """A date, or a text in ISO 8601 (UTC when it names no zone)."""


class Table(msgspec.Struct, frozen=True):
    """An object; `inspected` means without operators, and neither deep nor large.

    `known` are the entries whose shape is fixed.
    """

    inspected: bool = True
    known: dict[str, Fact] = {}


class Anything(msgspec.Struct, frozen=True):
    """Not looked at."""


Shape = Text | Cron | Texts | Choice | Whole | Real | Flag | Moment | Table | Anything


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One field; all but the required ones may also be null or missing.

    `default` is None where there is none, or where the configuration says it.
    """

    shape: Shape
    title: str
    about: str
    examples: list[Any] = []
    default: Any = None
    engine: bool = False

    @property
    def required(self) -> bool:
        """Whether every task must have it."""
        return isinstance(self.shape, Text) and self.shape.required


def _whole(name: str, *, counted: bool = False) -> Whole:
    return Whole(WHOLE[name]["low"], WHOLE[name]["high"], counted)


def _engine(title: str, about: str, shape: Shape | None = None, **more: Any) -> Fact:
    return Fact(shape=shape or Anything(), title=title, about=about, engine=True, **more)


OPTIONS: Final = {
    "limit": Fact(
        shape=Whole(1, LARGEST_LIMIT),
        title="Items wanted",
        about="So many items at most; per account when monitoring.",
        examples=[30],
        default=DEFAULT_LIMIT,
    ),
    "only_new": Fact(
        shape=Flag(),
        title="Only new items",
        about="Store and count only items that this task has not stored before.",
        examples=[True],
        default=False,
    ),
}
WRITER: Final = {
    "task_id": Fact(
        shape=Text(LONGEST["task_id"], required=True),
        title="Id",
        about="Unique among all tasks.",
        examples=["search_001"],
    ),
    "name": Fact(
        shape=Text(LONGEST["name"]),
        title="Name",
        about="For people; the id where it is missing.",
        examples=["AI news"],
    ),
    "platform": Fact(
        shape=Text(LONGEST["platform"], required=True),
        title="Platform",
        about="A built-in platform or a plugin's; see `hotstream list-platforms`.",
        examples=["twitter", "zhihu"],
    ),
    "task_type": Fact(
        shape=Choice(KINDS),
        title="Type",
        about="search needs keywords, monitor needs accounts. Missing: monitor where there are "
        "accounts only, else search.",
        examples=["search", "monitor"],
    ),
    "keywords": Fact(
        shape=Texts(), title="Keywords", about="Any of them is looked for.", examples=[["AI"]]
    ),
    "accounts": Fact(
        shape=Texts(), title="Accounts", about="All of them are read.", examples=[["nasa"]]
    ),
    "status": Fact(
        shape=_whole("status"),
        title="Status",
        about="0 pending, 1 running, 2 completed, 3 failed, 4 cancelled. "
        "Writing 4 stops a task at once, writing 0 runs it again.",
        examples=[0],
        default=0,
    ),
    "priority": Fact(
        shape=_whole("priority"),
        title="Priority",
        about="1 is the most urgent, 10 the last; up to 3 counts as urgent.",
        examples=[1, 5],
        default=DEFAULT_PRIORITY,
    ),
    "immediate": Fact(
        shape=Flag(), title="Immediate", about="Before all that are not.", default=False
    ),
    "options": Fact(
        shape=Table(known=OPTIONS),
        title="Options",
        about="What the platform knows, and the entries named here.",
        examples=[{"limit": 30}],
        default={},
    ),
    "storage_config": Fact(
        shape=Table(),
        title="Storage",
        about="`type`: mongodb, jsonl, json, csv or a plugin's; missing: storage.default_type.",
        examples=[{"type": "mongodb"}],
    ),
    "retry_count": Fact(
        shape=_whole("retry_count"),
        title="Retries",
        about="How often a failed run is tried again.",
        examples=[3],
        default=DEFAULT_RETRIES,
    ),
    "timeout": Fact(
        shape=Real(TIMEOUT["low"], TIMEOUT["high"]),
        title="Time-out",
        about="Seconds of the longest run; missing: scheduler.task_timeout.",
        examples=[3600],
    ),
    "run_at": Fact(
        shape=Moment(),
        title="Earliest start",
        about="Not before this time; retries and schedules use it too. null runs it now.",
        examples=["2030-01-31T08:00:00Z"],
    ),
    "schedule": Fact(
        shape=Cron(LONGEST["schedule"]),
        title="Schedule",
        about="A cron expression of five fields, or six with the second as the last.",
        examples=["0 9 * * *", "*/15 8-18 * * mon-fri"],
    ),
    "timezone": Fact(
        shape=Text(LONGEST["timezone"]),
        title="Time zone",
        about="Of the schedule, by its IANA name; missing: UTC.",
        examples=["Europe/Berlin", "Asia/Shanghai"],
    ),
    "created_at": Fact(
        shape=Moment(),
        title="Created",
        about="The last key of the queue order; missing: when it is admitted.",
        examples=["2030-01-31T08:00:00Z"],
    ),
    "updated_at": Fact(shape=Anything(), title="Updated", about="When it was written last."),
}
ENGINE: Final = {
    "worker_id": _engine("Worker", "Who runs it or ran it last."),
    "lease_id": _engine("Lease", "Fencing token of the last claim.", Text(LONGEST["lease_id"])),
    "started_at": _engine("Started", "When the last run began.", Moment()),
    "last_heartbeat": _engine("Heartbeat", "The last sign of life of the last run."),
    "completed_at": _engine("Ended", "When the last run ended."),
    "progress": _engine("Progress", "From 0.0 to 1.0."),
    "result_count": _engine("Items", "Items of the last run."),
    "error_message": _engine("Error", "Why the last run failed, or what is wrong here."),
    "current_retry": _engine(
        "Retry", "Failed runs so far.", _whole("current_retry", counted=True), default=0
    ),
    "checkpoint": _engine("Checkpoint", "Where a retry goes on.", Table(inspected=False)),
    "run_number": _engine(
        "Runs", "How often it was claimed.", _whole("run_number", counted=True), default=0
    ),
    "rescues": _engine(
        "Rescues",
        "How often its lease ran out since the last finished run.",
        _whole("rescues", counted=True),
        default=0,
    ),
    "armed_for": _engine(
        "Armed for",
        "The schedule and zone for which run_at was computed.",
        Text(LONGEST["armed_for"]),
    ),
}
FIELDS: Final = WRITER | ENGINE
REQUIRED: Final = [name for name, fact in FIELDS.items() if fact.required]
