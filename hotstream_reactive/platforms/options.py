"""Options of a task that mean the same on every platform, checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from hotstream_reactive.errors import PermanentError
from hotstream_reactive.platforms.base import SearchOptions
from hotstream_reactive.platforms.values import Record

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Window(NamedTuple):
    """The days asked for: `since` inclusive, `until` exclusive, ``YYYY-MM-DD`` in UTC or empty."""

    since: str = ""
    until: str = ""

    def holds(self, record: Record) -> bool:
        """Whether a record is of these days; one without a time always is."""
        day = (record.get("created_at") or "")[:10]
        if not day:
            return True
        return day >= self.since and (not self.until or day < self.until)

    def is_past(self, records: Sequence[Record]) -> bool:
        """Whether a page of a list that is newest first holds only what is too old."""
        days = [(record.get("created_at") or "")[:10] for record in records]
        return bool(self.since) and bool(days) and all(day and day < self.since for day in days)


def window(options: SearchOptions) -> Window:
    """The days that the options of a task name.

    Raises:
        PermanentError: (`bad_option`) one of them is no date.
    """
    return Window(_day("since", options.since), _day("until", options.until))


def bad_option(name: str, value: Any, expected: str) -> PermanentError:
    """The error of an option that cannot be used."""
    return PermanentError(f"option {name} is {value!r}: expected {expected}", kind="bad_option")


def _day(name: str, value: str | None) -> str:
    if not value:
        return ""
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise bad_option(name, value, "a date such as 2026-01-31")
