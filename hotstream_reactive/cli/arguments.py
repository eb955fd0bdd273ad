"""Types of arguments that several verbs share."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from hotstream_reactive.text import clean

_FROM_NOW = re.compile(r"\+(\d{1,9})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def text(value: str) -> str:
    """A text that can be written as UTF-8; an argument of other bytes could not be stored.

    Raises:
        BadParameter: it is none.
    """
    if not value.isascii() and value != value.encode("utf-8", "replace").decode():
        raise click.BadParameter("it is not valid UTF-8")
    return value


def moment(value: str) -> datetime:
    """A date in ISO 8601 (UTC when it names no zone), or a time from now such as ``+10m``.

    Raises:
        BadParameter: it is neither.
    """
    value = value.strip()
    try:
        if found := _FROM_NOW.fullmatch(value):
            return datetime.now(UTC) + timedelta(**{_UNITS[found[2]]: int(found[1])})
        given = datetime.fromisoformat(value)
        return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{clean(value, 60)!r} is no time; write 2030-01-31T08:00, or +10m (s, m, h, d)"
        ) from None


def key_value(value: str) -> tuple[str, Any]:
    """``key=value``, where the value may be JSON; what is no JSON is a text.

    Raises:
        BadParameter: it has no key, or no equals sign.
    """
    name, sign, given = text(value).partition("=")
    if not (name and sign):
        raise click.BadParameter(f"{clean(name, 60)!r} is not of the form key=value")
    try:
        return name, json.loads(given, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return name, given


def _no_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are words like any other


def words(values: tuple[str, ...]) -> list[str]:
    """The words of options such as ``-k "a,b" -k c``, without empty ones."""
    return [word.strip() for value in values for word in value.split(",") if word.strip()]
