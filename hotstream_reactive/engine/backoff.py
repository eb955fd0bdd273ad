"""Waiting times between tries, as pure arithmetic."""

from __future__ import annotations

import random


def ceiling(attempt: int, base_s: float, longest_s: float) -> float:
    """The longest wait before try number `attempt` + 1, in seconds: base · 2^(attempt - 1), capped.

    `attempt` counts the failures so far, from 1.
    """
    # Beyond 2^63 a float still grows, but an int exponent of a million would not end.
    return min(longest_s, base_s * 2.0 ** min(max(attempt, 1) - 1, 63))


def full_jitter(attempt: int, base_s: float, longest_s: float) -> float:
    """A wait drawn evenly from 0 to `ceiling`, so that many waiters do not come back together.

    The scheme is the "full jitter" of the AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    return random.uniform(0.0, ceiling(attempt, base_s, longest_s))
