"""When a task with a `schedule` is due: cron expressions in a time zone, as pure rules.

Five fields (minute, hour, day of month, month, day of week) or six, where the sixth is the second.

Daylight saving, after the customs of Vixie cron:

- A schedule with fixed hours means the clock on the wall. A time that the spring change leaves out
  fires at the same instant as if the clock had not been changed (02:30 as 03:30); a time that the
  autumn change brings twice fires at its first occurrence only.
- A schedule whose hour field holds ``*`` means a pace. It goes on through both changes at it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: 29 February comes at least once in eight years.
_LONGEST_SEARCH_YEARS = 9
_HOUR_FIELD = 1


class ScheduleError(ValueError):
    """The schedule cannot be used; the text says what is wrong and what is expected."""


def check(expression: str, zone: str | None) -> None:
    """Refuse a schedule that is no cron expression, names no time zone, or never fires.

    Raises:
        ScheduleError: with the reason.
    """
    next_due(expression, zone, after=datetime(2024, 1, 1, tzinfo=UTC), floor_s=0.0)


def next_due(expression: str, zone: str | None, *, after: datetime, floor_s: float) -> datetime:
    """The first time later than `after` at which the schedule fires, in UTC.

    `floor_s` is the least distance from `after` in seconds: a schedule that fires every second is
    slowed down to it. Missed times are skipped, since the next time is asked for, not the last.

    Raises:
        ScheduleError: it is no cron expression, the zone is unknown, or it never fires.
    """
    tz = _zone(zone)
    _parse(expression)
    earliest = after.astimezone(UTC)
    if floor_s > 0:
        # Just below the floor, so that a time exactly on it counts.
        earliest += timedelta(seconds=floor_s) - timedelta(microseconds=1)
    if "*" in expression.split()[_HOUR_FIELD]:
        return _at_a_pace(expression, tz, earliest)
    return _on_the_wall(expression, tz, earliest)


def _on_the_wall(expression: str, tz: ZoneInfo, after: datetime) -> datetime:
    """Fixed hours: walk the wall clock, which may skip or repeat an hour."""
    # A time left out by the spring change fires up to an hour or so later than the wall says.
    wall = after.astimezone(tz).replace(tzinfo=None) - timedelta(hours=3)
    while True:
        wall = _next(expression, wall)
        # fold=0: the first of two occurrences, and the old offset inside a gap.
        due = wall.replace(tzinfo=tz, fold=0).astimezone(UTC)
        if due > after:
            return due


def _at_a_pace(expression: str, tz: ZoneInfo, after: datetime) -> datetime:
    """Any hour: walk the clock with one offset, and go on with the next one from its change."""
    offset = after.astimezone(tz).utcoffset() or timedelta(0)
    while True:
        steady = timezone(offset)
        wall = _next(expression, after.astimezone(steady).replace(tzinfo=None))
        due = wall.replace(tzinfo=steady).astimezone(UTC)
        if due.astimezone(tz).utcoffset() == offset:
            return due
        change = _change_of_offset(tz, after, due)
        offset = change.astimezone(tz).utcoffset() or timedelta(0)
        # Just before it, so that a time exactly on the change counts.
        after = change - timedelta(microseconds=1)


def _change_of_offset(tz: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The first instant in (low, high] whose offset differs from that of `low`, to the second."""
    old = low.astimezone(tz).utcoffset()
    low = low.replace(microsecond=0)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if middle.astimezone(tz).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high


def _next(expression: str, wall: datetime) -> datetime:
    from croniter import CroniterBadDateError, croniter

    try:
        found: datetime = croniter(
            expression, wall, max_years_between_matches=_LONGEST_SEARCH_YEARS
        ).get_next(datetime)
    except CroniterBadDateError:
        raise ScheduleError(f"{expression!r} never fires: there is no such day") from None
    return found


@lru_cache(maxsize=1024)
def _parse(expression: str) -> None:
    # Loaded with the first schedule: it takes longer than the rest of a short command.
    from croniter import CroniterBadDateError, CroniterError, croniter

    fields = len(expression.split())
    if fields not in (5, 6):
        raise ScheduleError(
            f"{expression!r} has {fields} fields, expected 5 (minute hour day month weekday) or 6 "
            f"(… and second), e.g. '0 9 * * *'"
        )
    try:
        croniter(expression)
    except CroniterBadDateError:
        raise ScheduleError(f"{expression!r} never fires: there is no such day") from None
    except (CroniterError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise ScheduleError(
            f"{expression!r} is no cron expression ({error}), expected e.g. '0 9 * * *'"
        ) from None


@lru_cache(maxsize=1024)
def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ScheduleError(
            f"{name!r} is no time zone, expected a name such as 'Europe/Berlin' or 'Asia/Shanghai'"
        ) from None
