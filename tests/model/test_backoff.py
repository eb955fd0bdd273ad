"""Waits grow, are capped, and are spread evenly from zero (full jitter)."""

from __future__ import annotations

import math
import statistics

from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.engine.backoff import ceiling, full_jitter

bases = st.floats(0.001, 1000)
attempts = st.integers(-5, 10**9)


@given(attempts, bases, st.floats(0.001, 10_000))
def test_a_wait_is_between_zero_and_its_ceiling(attempt: int, base: float, longest: float) -> None:
    wait = full_jitter(attempt, base, longest)
    assert 0 <= wait <= ceiling(attempt, base, longest) <= longest
    assert math.isfinite(wait)


@given(st.integers(1, 40), bases)
def test_the_ceiling_doubles_until_the_cap(attempt: int, base: float) -> None:
    longest = base * 1000
    here, after = ceiling(attempt, base, longest), ceiling(attempt + 1, base, longest)
    assert after == min(longest, here * 2)


def test_the_first_ceiling_is_the_base() -> None:
    assert ceiling(1, 2.0, 300.0) == 2.0
    assert ceiling(0, 2.0, 300.0) == 2.0


def test_waits_are_spread_over_the_whole_range() -> None:
    waits = [full_jitter(4, 2.0, 300.0) for _ in range(4000)]
    assert 7 < statistics.mean(waits) < 9
    assert min(waits) < 1
    assert max(waits) > 15
