"""Words for a task that several verbs share: when, how far, why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hotstream_reactive.cli.common import in_utc
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.output import ago, shown, span, status_word
from hotstream_reactive.errors import NotFound
from hotstream_reactive.model.fields import FieldReader
from hotstream_reactive.text import redact

_PHASES = ((0.2, "starting"), (0.6, "collecting"), (0.8, "processing"))
_ENDED = {"completed", "failed", "cancelled"}


def no_such(task_id: str) -> NotFound:
    """The error for an id that no task has."""
    return NotFound(f"there is no task {task_id!r}; see the ids with: hotstream list")


def iso(moment: object) -> str:
    """A date in ISO 8601, UTC; "" for anything else."""
    if not isinstance(moment, datetime):
        return ""
    return aware(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def aware(moment: datetime) -> datetime:
    """The moment in UTC; one without a zone is in UTC already."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def age_s(moment: object, now: datetime) -> float | None:
    """Seconds since the moment, negative for one to come; None for what is no date."""
    if not isinstance(moment, datetime):
        return None
    return (aware(now) - aware(moment)).total_seconds()


def when(row: Mapping[str, Any], now: datetime) -> str:
    """When it is due, began or ended, for people: relative, or with --utc as a time."""
    utc = in_utc()
    status = status_word(row.get("status"))
    if status == "pending":
        since = _waits_since(row)
        due_in_s = age_s(since, now)
        if utc:
            return iso(since)
        if due_in_s is None or due_in_s < 0:
            return ago(due_in_s)
        return tr("due {}").format(ago(due_in_s))
    if status == "running":
        run_s = age_s(row.get("started_at"), now)
        if utc:
            return iso(row.get("started_at"))
        return "" if run_s is None else tr("for {}").format(span(run_s))
    ended = row.get("completed_at") or row.get("updated_at")
    return iso(ended) if utc else ago(age_s(ended, now))


def _waits_since(row: Mapping[str, Any]) -> datetime | None:
    given = (row.get(name) for name in ("created_at", "run_at"))
    return max((aware(date) for date in given if isinstance(date, datetime)), default=None)


def note(row: Mapping[str, Any]) -> str:
    """Why it waits or how it ended, or who runs it, in one short line."""
    status = status_word(row.get("status"))
    error = redact(shown(row.get("error_message"), 300))
    if status == "running":
        return shown(row.get("worker_id"))
    if status == "completed":
        return ""
    if status == "pending":
        if retry := row.get("current_retry"):
            return f"retry {shown(retry, 9)} of {shown(row.get('retry_count'), 9)}: {error}"
        if schedule := row.get("schedule"):
            last = f", last run: {error}" if error else ""
            zone = shown(row.get("timezone"), 40)
            return f"schedule {shown(schedule, 60)}{f' {zone}' if zone else ''}{last}"
    return error


def urgency(row: Mapping[str, Any]) -> str:
    """The priority, with ``!`` for immediate."""
    return f"{'!' if row.get('immediate') is True else ''}{shown(row.get('priority'), 10)}"


def fraction(row: Mapping[str, Any]) -> float:
    """The progress from 0 to 1, whatever is written there."""
    return FieldReader(row).number("progress", low=0, high=1, default=0.0)


def percent(row: Mapping[str, Any]) -> str:
    """The progress in percent, "" where nothing was done yet."""
    done = fraction(row)
    return f"{done:.0%}" if done else ""


def phase(row: Mapping[str, Any]) -> str:
    """The phase of a running task by its progress, else the word of its status."""
    status = status_word(row.get("status"))
    if status != "running":
        return status
    done = fraction(row)
    return next((name for end, name in _PHASES if done < end), "storing")


def ended(row: Mapping[str, Any]) -> bool:
    """Whether it has come to an end."""
    return status_word(row.get("status")) in _ENDED
