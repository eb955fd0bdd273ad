"""The next times of a schedule, on its own clock and in UTC."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from hotstream_reactive.cli.task_words import iso
from hotstream_reactive.model.schedule import ScheduleError, next_due

HOW_MANY = 5


def fire_times(
    schedule: object,
    zone: object,
    after: datetime,
    *,
    first: datetime | None = None,
    floor_s: float = 0.0,
) -> list[tuple[str, str]]:
    """The next times as (local, UTC); empty for what is no schedule.

    `first` is a first time of the writer's own; `floor_s` is the least distance between two times,
    to which a worker slows a schedule down.
    """
    if not isinstance(schedule, str) or not isinstance(zone, str | None):
        return []
    times = [] if first is None else [max(first, after)]
    try:
        while len(times) < HOW_MANY:
            last = times[-1] if times else after
            times.append(next_due(schedule, zone, after=last, floor_s=floor_s if times else 0.0))
        clock = ZoneInfo(zone or "UTC")
    except (ScheduleError, OverflowError):
        return []
    return [(f"{time.astimezone(clock):%a %Y-%m-%d %H:%M:%S %Z}", iso(time)) for time in times]
