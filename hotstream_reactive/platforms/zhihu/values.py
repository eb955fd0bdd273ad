"""Single values of Zhihu's answers: ids, times, counters, and the two spellings of keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from hotstream_reactive.model.item import iso_utc

_UPPER = re.compile(r"(?<=[a-z0-9])([A-Z])")
_AMOUNT = re.compile(r"([\d,]*\.?\d+)\s*([万亿kKwWmM]?)")
_UNITS = {"万": 10_000, "w": 10_000, "亿": 100_000_000, "k": 1_000, "m": 1_000_000, "": 1}
# A time in milliseconds, read as seconds, would lie beyond the year 5000.
_LATEST_SECONDS = 100_000_000_000
_LONGEST_ID = 128


def snake(value: Any) -> Any:
    """A record with its keys in snake_case, however deep: pages embed them in camelCase."""
    if isinstance(value, dict):
        return {_UPPER.sub(r"_\1", str(key)).lower(): snake(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [snake(inner) for inner in value]
    return value


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def entries(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; what is no object, or no list, is left out."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def identifier(value: Any) -> str | None:
    """An id as text; None for what is no id (``0`` stands for nobody)."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    return text if text not in ("", "0", "-1") and len(text) <= _LONGEST_ID else None


def text_of(value: Any) -> str:
    """The value if it is a text, trimmed; else an empty one."""
    return value.strip() if isinstance(value, str) else ""


def moment(*candidates: Any) -> str | None:
    """The first of the values that is a time (seconds, also as text), in ISO 8601 UTC."""
    for value in candidates:
        seconds = _number(value)
        if seconds is None or seconds <= 0:
            continue
        if seconds > _LATEST_SECONDS:
            seconds /= 1000
        try:
            return iso_utc(datetime.fromtimestamp(seconds, UTC))
        except (OverflowError, ValueError, OSError):
            continue
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number == number else None


def count(value: Any) -> int | None:
    """A counter given as a number or as text such as ``1,234`` or ``3861 万热度``."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return int(value) if 0 <= value < 2**63 else None
    found = _AMOUNT.search(value) if isinstance(value, str) else None
    if found is None:
        return None
    # In whole hundredths, so that 1.15 万 is not 11499.
    whole, _, fraction = found[1].replace(",", "").partition(".")
    digits = int((whole or "0") + fraction)
    return digits * _UNITS[found[2].lower()] // 10 ** len(fraction)


def first_count(record: Mapping[str, Any], names: Iterable[str]) -> int | None:
    """The first counter that the record has, by the names it may have."""
    for name in names:
        if (number := count(record.get(name))) is not None:
            return number
    return None
