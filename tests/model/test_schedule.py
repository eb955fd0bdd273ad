"""When schedules fire: changes of the clock, leap days, and times that never come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.model.schedule import ScheduleError, check, next_due

BERLIN = "Europe/Berlin"
#: 31 March 2024, 02:00 becomes 03:00; 27 October 2024, 03:00 becomes 02:00.
SPRING, AUTUMN = datetime(2024, 3, 30, 23, tzinfo=UTC), datetime(2024, 10, 26, 22, tzinfo=UTC)


def fires(expression: str, zone: str, after: datetime, count: int) -> list[str]:
    times = []
    for _ in range(count):
        after = next_due(expression, zone, after=after, floor_s=0.0)
        times.append(after.strftime("%d %H:%M"))
    return times


@pytest.mark.fault("D3", "schedules across summer time, leap days, impossible days")
@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        # 02:30 does not exist on the 31st: it fires as 03:30 (01:30 UTC), once.
        ("30 2 * * *", BERLIN, SPRING, ["31 01:30", "01 00:30"]),
        ("0 3 * * *", BERLIN, SPRING, ["31 01:00", "01 01:00"]),
        # 02:30 comes twice on the 27th: only the first counts.
        ("30 2 * * *", BERLIN, AUTUMN, ["27 00:30", "28 01:30"]),
        # A pace goes on: every hour, none left out, none doubled.
        ("0 * * * *", BERLIN, SPRING, ["31 00:00", "31 01:00", "31 02:00"]),
        ("0 * * * *", BERLIN, AUTUMN, ["26 23:00", "27 00:00", "27 01:00", "27 02:00"]),
        # Half an hour of summer time, and a zone that is 45 minutes off.
        ("0 9 * * *", "Australia/Lord_Howe", datetime(2024, 4, 6, tzinfo=UTC), ["06 22:30"]),
        ("0 9 * * *", "Asia/Kathmandu", datetime(2024, 4, 6, tzinfo=UTC), ["06 03:15"]),
    ],
)
def test_changes_of_the_clock(
    expression: str, zone: str, after: datetime, expected: list[str]
) -> None:
    assert fires(expression, zone, after, len(expected)) == expected


def test_the_29th_of_february() -> None:
    due = next_due("0 0 29 2 *", None, after=datetime(2096, 3, 1, tzinfo=UTC), floor_s=0.0)
    assert due == datetime(2104, 2, 29, tzinfo=UTC), "2100 is no leap year"


@pytest.mark.parametrize("expression", ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 11 *"])
def test_a_day_that_never_comes_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError, match="never fires"):
        check(expression, None)


def test_a_change_of_the_zone_counts_from_now_on() -> None:
    after = datetime(2024, 6, 1, 3, tzinfo=UTC)
    assert next_due("0 9 * * *", BERLIN, after=after, floor_s=0.0).hour == 7
    assert next_due("0 9 * * *", "Asia/Shanghai", after=after, floor_s=0.0).hour == 1


@given(
    st.sampled_from(["30 2 * * *", "*/7 * * * *", "0 0 * * 1", "15 1,2,3 * * *", "0 */2 * * *"]),
    st.sampled_from([BERLIN, "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
    st.datetimes(datetime(2023, 1, 1), datetime(2026, 1, 1)),
)
def test_it_always_goes_forward_and_never_beside_the_minute(
    expression: str, zone: str, start: datetime
) -> None:
    after = start.replace(tzinfo=UTC)
    due = next_due(expression, zone, after=after, floor_s=0.0)
    assert due > after
    assert due.second == due.microsecond == 0
    again = next_due(expression, zone, after=due, floor_s=0.0)
    assert again - due >= timedelta(minutes=1), "each time once"
    assert next_due(expression, zone, after=due - timedelta(microseconds=1), floor_s=0.0) == due
