"""Reading single fields of a document whose writer is unknown.

A `FieldReader` never raises: it gives a usable value and notes a problem, so that one pass over a
document finds everything that is wrong with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hotstream_reactive.text import clean, redact

DEEPEST_OPTIONS = 10
MOST_VALUES = 1000
LONGEST_LIST = 500
LONGEST_WORD = 500
LARGEST_LIMIT = 100_000
_SECRET_WORDS = ("password", "token", "secret", "cookie", "credential", "authorization")


def is_plain(options: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether `FieldReader` would find these two tables right, and leave them as they are.

    False says nothing.
    """
    for table in (options, other):
        if len(table) >= MOST_VALUES:
            return False
        for key, value in table.items():
            if key.startswith("$") or isinstance(value, dict | list):
                return False
    limit = options.get("limit", 1)
    return (
        type(limit) is int
        and 1 <= limit <= LARGEST_LIMIT
        and isinstance(options.get("only_new", False), bool)
    )


class FieldReader:
    """Reads the fields of one document and gathers what is wrong in `problems`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.problems: list[str] = []

    def demand(self, field: str, *, present: bool, expected: str) -> None:
        """Note a problem unless the field is there (once per field)."""
        if not present and not any(p.startswith(f"{field}:") for p in self.problems):
            self._wrong(field, self._document.get(field), expected)

    def text(
        self, field: str, *, required: bool = False, default: str = "", longest: int = 500
    ) -> str:
        """A text of at most `longest` characters; None and missing give the default."""
        value = self._document.get(field)
        if value is None and not required:
            return default
        if not isinstance(value, str) or len(value) > longest or (required and not value.strip()):
            self._wrong(field, value, f"a text of 1 to {longest} characters")
            return default
        if "\x00" in value:
            self._wrong(field, value, f"a text of 1 to {longest} characters without NUL")
            return default
        return value

    def texts(self, field: str) -> list[str]:
        """An array of non-empty texts; None and missing give an empty list."""
        value = self._document.get(field)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong(field, value, 'an array of texts, e.g. ["AI", "MongoDB"]')
            return []
        if len(value) > LONGEST_LIST:
            self._wrong(field, f"{len(value)} entries", f"at most {LONGEST_LIST} entries")
            return []
        for place, word in enumerate(value):
            if not isinstance(word, str) or not word.strip() or len(word) > LONGEST_WORD:
                self._wrong(f"{field}[{place}]", word, f"a text of 1 to {LONGEST_WORD} characters")
        return [word for word in value if isinstance(word, str)]

    def choice(self, field: str, allowed: Sequence[str], *, default: str) -> str:
        """One of a few words."""
        value = self._document.get(field)
        if value is None:
            return default
        if value not in allowed:
            self._wrong(field, value, " or ".join(repr(word) for word in allowed))
            return default
        return str(value)

    def integer(self, field: str, *, low: int, high: int, default: int) -> int:
        """A whole number of any numeric type."""
        value = self._document.get(field)
        if value is None:
            return default
        number = _whole(value)
        if number is None or not low <= number <= high:
            self._wrong(field, value, f"an integer from {low} to {high}")
            return default
        return number

    def number(self, field: str, *, low: float, high: float, default: float) -> float:
        """A finite number of any numeric type."""
        value = self._document.get(field)
        if value is None:
            return default
        number = _real(value)
        if number is None or not low <= number <= high:
            self._wrong(field, value, f"a number from {low:g} to {high:g}")
            return default
        return number

    def boolean(self, field: str) -> bool:
        """True or false; missing is false."""
        value = self._document.get(field)
        if value is None:
            return False
        if not isinstance(value, bool):
            self._wrong(field, value, "true or false")
            return False
        return value

    def moment(self, field: str) -> datetime | None:
        """A date, or a text in ISO 8601 (UTC when it names no zone)."""
        value = self._document.get(field)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                self._wrong(field, value, "a date")
                return None
        if value is None:
            return None
        if not isinstance(value, datetime):
            self._wrong(field, value, "a date between the years 1 and 9999")
            return None
        try:
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        except OverflowError:  # at the ends of the calendar a zone leads out of it
            self._wrong(field, value, "a date between the years 1 and 9999")
            return None

    def table(self, field: str, *, inspected: bool = True) -> dict[str, Any]:
        """An object; if `inspected`, without operators (`$…`), not too deep and not too large."""
        value = self._document.get(field)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._wrong(field, value, 'an object, e.g. {"limit": 50}')
            return {}
        if inspected:
            self._inspect(field, value)
        return dict(value)

    def options(self) -> dict[str, Any]:
        """The `options` object with its `limit` as an integer."""
        options = self.table("options")
        only_new = options.get("only_new")
        if only_new is not None and not isinstance(only_new, bool):
            self._wrong("options.only_new", only_new, "true or false")
        limit = options.get("limit")
        if limit is None:
            return {name: value for name, value in options.items() if name != "limit"}
        number = _whole(limit)
        if number is None or not 1 <= number <= LARGEST_LIMIT:
            self._wrong("options.limit", limit, f"an integer from 1 to {LARGEST_LIMIT}")
            return options
        return {**options, "limit": number}

    def _inspect(self, field: str, table: dict[str, Any]) -> None:
        """Walk a nested object and note the first thing that is not acceptable in it."""
        waiting: list[tuple[str, dict[str, Any] | list[Any], int]] = [(field, table, 1)]
        values = 1
        while waiting:
            path, holder, depth = waiting.pop()
            values += len(holder)
            if values > MOST_VALUES:
                return self._wrong(field, table, f"at most {MOST_VALUES} values in all")
            if depth == DEEPEST_OPTIONS and holder:
                return self._wrong(path, holder, f"at most {DEEPEST_OPTIONS} levels of nesting")
            if isinstance(holder, dict):
                for key, inner in holder.items():
                    if str(key).startswith("$"):
                        return self._wrong(f"{path}.{key}", inner, "a field name without '$'")
                    if isinstance(inner, dict | list):
                        waiting.append((f"{path}.{key}", inner, depth + 1))
            else:
                for place, inner in enumerate(holder):
                    if isinstance(inner, dict | list):
                        waiting.append((f"{path}[{place}]", inner, depth + 1))
        return None

    def _wrong(self, field: str, value: Any, expected: str) -> None:
        shown = "missing" if value is None else _shown(field, value)
        self.problems.append(f"{clean(field, 100)}: {shown}, expected {expected}")


def _whole(value: Any) -> int | None:
    """The integer a BSON number stands for, or None; booleans are no numbers."""
    if type(value) is int:
        return value if abs(value) < 2**63 else None
    number = _real(value)
    if number is None or number != int(number):
        return None
    return int(value) if isinstance(value, int) else int(number)


def _real(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return float(value) if abs(value) < 2**63 else None
    if hasattr(value, "to_decimal"):  # the driver's Decimal128, which this layer does not import
        value = value.to_decimal()
    if isinstance(value, Decimal) and not value.is_finite():  # a signalling NaN is no float
        return None
    if isinstance(value, float | Decimal):
        number = float(value)
        return number if math.isfinite(number) else None
    return None


def _shown(field: str, value: Any) -> str:
    if any(word in field.lower() for word in _SECRET_WORDS):
        return "(a secret, not shown)"
    if isinstance(value, str | bytes) and len(value) > 200:
        return f"{clean(redact(repr(value[:40])), 60)} … ({len(value)} characters)"
    return clean(redact(repr(value)), 80)
