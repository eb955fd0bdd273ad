"""Order and health of instances, on a clock of the test's own."""

from __future__ import annotations

import pytest

from hotstream_reactive.errors import BlockedError, RateLimited, TransientError
from hotstream_reactive.platforms.instances import (
    Health,
    Refusal,
    all_refused,
    configured,
    retry_after_s,
)

ONE, TWO, THREE = configured(["http://one.example", "http://two.example", "http://three.example"])
ALL = [ONE, TWO, THREE]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_operators_order_counts(clock):
    assert Health(clock).ordered(ALL) == ALL


def test_who_failed_lately_comes_last(clock):
    health = Health(clock)
    health.failed(ONE)
    clock.now += 1
    health.failed(TWO)
    assert health.ordered(ALL) == [THREE, ONE, TWO]
    health.answered(TWO)
    assert health.ordered(ALL) == [TWO, THREE, ONE]
    clock.now += 3600
    assert health.ordered(ALL) == ALL


def test_who_limits_is_left_alone_for_longer_each_time(clock):
    health = Health(clock)
    waits = [health.limited(ONE, None) for _ in range(9)]
    assert waits[:3] == [15, 30, 60]
    assert max(waits) == 900
    assert ONE not in health.ordered(ALL)
    assert health.cooling_s(ONE) == pytest.approx(900)
    clock.now += 901
    assert health.ordered(ALL)[0] is ONE
    health.answered(ONE)
    assert health.limited(ONE, None) == 15
    assert health.limited(ONE, 77.0) == 77
    assert health.limited(ONE, 10**9) == 3600


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, None), ("", None), ("12", 12), ("soon", None), ("-3", None)]
)
def test_retry_after(header, seconds):
    assert retry_after_s(header) == seconds


def test_retry_after_as_a_date():
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert (retry_after_s("Wed, 21 Oct 2099 07:28:00 GMT") or 0) > 0


def refusal(nature, kind="k", wait=None):
    return Refusal("h", nature, kind, "m", wait)


def test_the_error_of_all():
    limited = all_refused("x", [refusal("blocked"), refusal("limited", wait=9.0)])
    assert isinstance(limited, RateLimited)
    assert limited.retry_after == 9
    mixed = all_refused("x", [refusal("blocked", "a"), refusal("transient", "b")])
    assert isinstance(mixed, TransientError)
    assert mixed.kind == "all_instances_failed"
    blocked = all_refused("x", [refusal("blocked", "a"), refusal("blocked", "a")])
    assert type(blocked) is BlockedError
    assert blocked.kind == "a"
