"""Single values of Zhihu's answers: times, counters in words, and the two spellings of keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hotstream_reactive.platforms import values

_UPPER = re.compile(r"(?<=[a-z0-9])([A-Z])")
_AMOUNT = re.compile(r"(\d[\d,]{0,20})(?:\.(\d{1,6}))?\s*([万亿kKwWmM]?)", re.ASCII)
_UNITS = {"万": 10_000, "w": 10_000, "亿": 100_000_000, "k": 1_000, "m": 1_000_000, "": 1}


def snake(value: Any) -> Any:
    """A record with its keys in snake_case, however deep: pages embed them in camelCase."""
    if isinstance(value, dict):
        return {_UPPER.sub(r"_\1", str(key)).lower(): snake(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [snake(inner) for inner in value]
    return value


def moment(*candidates: Any) -> str | None:
    """The first of the values that is a time, in ISO 8601 UTC."""
    return next((found for one in candidates if (found := values.moment(one)) is not None), None)


def count(value: Any) -> int | None:
    """A counter given as a number or as text such as ``1,234`` or ``3861 万热度``."""
    found = _AMOUNT.search(value) if isinstance(value, str) else None
    if found is None:
        return values.count(value)
    fraction = found[2] or ""
    # In whole numbers, so that 1.15 万 is not 11499.
    digits = int(found[1].replace(",", "") + fraction)
    return values.count(digits * _UNITS[found[3].lower()] // int(10 ** len(fraction)))


def first_count(record: Mapping[str, Any], names: Iterable[str]) -> int | None:
    """The first counter that the record has, by the names it may have."""
    return next((found for name in names if (found := count(record.get(name))) is not None), None)
