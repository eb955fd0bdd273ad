"""Times and counters as Nitter prints them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hotstream_reactive.model.item import iso_utc

# Own table: `strptime("%b")` depends on the locale of the process.
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_MODERN = re.compile(
    r"(?P<month>[A-Za-z]{3,9})\.?\s+(?P<day>\d{1,2}),\s*(?P<year>\d{4})\s*[·\u2022-]\s*"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})\s*(?P<half>[AaPp][Mm])\s*(?:UTC|GMT)?"
)
_OLD = re.compile(
    r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4}),\s*"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})"
)
_JOINED = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})\s*(?P<half>[AaPp][Mm])\s*-\s*"
    r"(?P<day>\d{1,2})\s+(?P<month>[A-Za-z]{3,9})\s+(?P<year>\d{4})"
)
_COUNT = re.compile(r"(\d[\d,.\u00a0\u202f' ]*)\s*([KMB]?)", re.IGNORECASE)
_SCALE = {"": 1, "K": 1_000, "M": 1_000_000, "B": 1_000_000_000}

_SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
_FIRST_SNOWFLAKE = 29_700_000_000
_MAX_ID_DIGITS = 20


def post_time(title: str) -> str | None:
    """The `title` of a date link as ISO 8601 UTC; None when it is in no known form.

    Known are ``May 30, 2025 · 12:38 PM UTC`` (since about 2022) and ``27/4/2019, 05:45:08``
    (around 2020, day first, UTC).
    """
    for pattern in (_MODERN, _OLD):
        if match := pattern.fullmatch(title.strip()):
            return _moment(match.groupdict())
    return None


def join_time(title: str) -> str | None:
    """The join date of a profile, ``12:34 AM - 10 Jun 2015``, as ISO 8601 UTC."""
    match = _JOINED.fullmatch(title.strip())
    return _moment(match.groupdict()) if match else None


def _moment(parts: dict[str, str]) -> str | None:
    month = parts["month"]
    number = int(month) if month.isdigit() else _MONTHS.get(month[:3].lower(), 0)
    hour = int(parts["hour"])
    if half := parts.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    try:
        moment = datetime(
            int(parts["year"]),
            number,
            int(parts["day"]),
            hour,
            int(parts["minute"]),
            int(parts.get("second") or 0),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return iso_utc(moment)


def count(text: str) -> int | None:
    """A counter: ``2,395`` is 2395, nothing is 0, a word such as ``GIF`` is None."""
    text = text.strip()
    if not text:
        return 0
    match = _COUNT.fullmatch(text)
    if match is None:
        return None
    digits, unit = match.group(1).strip(), match.group(2).upper()
    if unit:
        try:
            return int(float(digits.replace(",", "")) * _SCALE[unit])
        except ValueError:
            return None
    return int(re.sub(r"\D", "", digits))


def id_milliseconds(post_id: str) -> int | None:
    """When a post was made, in ms since 1970, from its id; None for ids before November 2010."""
    if not post_id.isascii() or not post_id.isdigit() or len(post_id) > _MAX_ID_DIGITS:
        return None
    number = int(post_id)
    if number < _FIRST_SNOWFLAKE:
        return None
    return (number >> 22) + _SNOWFLAKE_EPOCH_MS
