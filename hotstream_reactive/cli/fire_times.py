"""The next times of a schedule, on its own clock and in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hotstream_reactive.cli.task_words import iso
from hotstream_reactive.model.schedule import ScheduleError, next_due

HOW_MANY = 5


def fire_times(
    schedule: object, zone: object, after: datetime, *, floor_s: float = 0.0, many: int = HOW_MANY
) -> list[tuple[str, str]]:
    """The next times as (local, UTC); empty for what is no schedule.

    `floor_s` is the least distance between two of them, to which a worker slows a schedule down.
    """
    if not isinstance(schedule, str) or not isinstance(zone, str | None):
        return []
    times: list[tuple[str, str]] = []
    try:
        for _ in range(many):
            after = next_due(schedule, zone, after=after, floor_s=floor_s if times else 0.0)
            local = after.astimezone(ZoneInfo(zone or "UTC"))
            times.append((f"{local:%a %Y-%m-%d %H:%M:%S %Z}", iso(after.astimezone(UTC))))
    except (ScheduleError, OverflowError, IndexError):
        return times
    return times
