"""How long a text and how large a number in a task may be.

`admit` refuses by these numbers, and the schemas of `hotstream schema` are made of them; those of
lists, options and limits stand with the reader in `fields`.
"""

from __future__ import annotations

from typing import Final, TypedDict


class Span(TypedDict):
    """A range of numbers; both ends belong to it."""

    low: int
    high: int


#: The most characters of each text.
LONGEST: Final = {
    "task_id": 200,
    "name": 500,
    "platform": 64,
    "schedule": 200,
    "timezone": 64,
    "lease_id": 200,
    "armed_for": 300,
}
#: Bytes of a whole task document, as the database stores it.
LARGEST_DOCUMENT: Final = 256 * 1024
#: The range of each whole number.
WHOLE: Final[dict[str, Span]] = {
    "status": {"low": 0, "high": 4},
    "priority": {"low": 1, "high": 10},
    "retry_count": {"low": 0, "high": 1000},
    "current_retry": {"low": 0, "high": 1_000_000},
    "run_number": {"low": 0, "high": 2**62},
    "rescues": {"low": 0, "high": 2**62},
}
#: Seconds that a run may take.
TIMEOUT: Final[Span] = {"low": 1, "high": 30 * 86_400}
#: What `task_type` may be; the first is the default.
KINDS: Final = ("search", "monitor")
