"""Answers that are almost right: something of them replaced or left out."""

from __future__ import annotations

import random
from typing import Any

JUNK: tuple[Any, ...] = (
    *(None, 0, -1, True, "", "0", "x", 1.5, float("inf"), 10**30, -62135596800, "\ud800"),
    *([], {}, [None], [[]], {"a": None}),
)


def mutated(value: Any, chance: random.Random, share: float) -> Any:
    """The value with about that share of its parts replaced."""
    if chance.random() < share:
        return chance.choice(JUNK)
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if chance.random() > share / 3}
        return {key: mutated(one, chance, share) for key, one in kept.items()}
    if isinstance(value, list):
        return [mutated(one, chance, share) for one in value]
    return value
