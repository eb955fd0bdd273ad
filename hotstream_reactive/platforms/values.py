"""Single values of JSON answers: objects, lists, ids, times and counters, whatever was sent."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Any

from hotstream_reactive.model.item import iso_utc

Record = dict[str, Any]

# Everything below the blank but tab and line end: they break XML and terminals.
_CONTROLS = dict.fromkeys((*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F))
_LONGEST_ID = 128
# A time in milliseconds, read as seconds, would lie beyond the year 5000.
_LATEST_SECONDS = 100_000_000_000
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*")


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def entries(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; what is no object, or no list, is left out."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """A text, trimmed, with line ends as ``\\n`` and without control characters; else empty."""
    if not isinstance(value, str):
        return ""
    return value.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS).strip()


def line_of(value: Any) -> str:
    """A text of one line, such as a title or a name: white space of any kind run together."""
    return " ".join(text_of(value).split())


def unescaped(value: Any) -> str:
    """A line of which the source escaped what is special in HTML."""
    return line_of(html.unescape(value)) if isinstance(value, str) else ""


def identifier(value: Any) -> str | None:
    """An id as text; None for what is none (0 stands for nobody)."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = text_of(str(value))
    return text if text not in ("", "0", "-1") and len(text) <= _LONGEST_ID else None


def count(value: Any) -> int | None:
    """A counter given as a number or as its digits; None when it is neither or negative."""
    if isinstance(value, str):
        digits = value.replace(",", "").strip()
        value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 2**63 else None


def moment(value: Any) -> str | None:
    """A time (seconds or milliseconds, also as text, or ISO 8601) as ISO 8601 in UTC.

    None for 0, for negative numbers (the zero time of Go is one) and for what is no time.
    """
    if isinstance(value, str) and _ISO.fullmatch(value.strip()):
        try:
            return iso_utc(datetime.fromisoformat(value.strip()))
        except (ValueError, OverflowError):
            return None
    number = _number(value)
    if number is None or number <= 0:
        return None
    try:
        seconds = number / 1000 if number > _LATEST_SECONDS else number
        return iso_utc(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def known(record: Record) -> Record:
    """The record without what the page did not say: None, and empty texts and lists."""
    return {key: value for key, value in record.items() if value not in (None, "", [], {})}
