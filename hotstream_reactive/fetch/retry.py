"""Which failures are worth asking again for at once, and after how long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from hotstream_reactive.errors import TransientError

# A cut or refused connection often stands the next time; a name, a certificate or a page that is
# too large does not change within seconds.
_MENDED_BY_ASKING = frozenset({"network", "connect"})
_BUSY = frozenset({500, 502, 503, 504})
_FIRST_PAUSE_S = 0.3
_LONGEST_PAUSE_S = 5.0
# A site that asks for more wants to be left alone: that is for the caller to decide.
_SHORT_WAIT_S = 5.0


def retry_after_s(header: str | None) -> float | None:
    """The seconds of a Retry-After header, given as seconds or as a date; None without one."""
    if not header:
        return None
    header = header.strip()
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    # A date is on the wall clock of both sides; only the difference is used.
    return max(0.0, moment.timestamp() - time.time())


def pause_after_error(
    error: TransientError, attempt: int, chance: Callable[[], float] = random.random
) -> float | None:
    """Seconds to wait before asking again; None when that would not help.

    Args:
        error: of the attempt.
        attempt: how many were made.
        chance: a number from 0 to 1, for the jitter.
    """
    return _backoff(attempt, chance) if error.kind in _MENDED_BY_ASKING else None


def pause_after_answer(
    status: int,
    retry_after: str | None,
    attempt: int,
    chance: Callable[[], float] = random.random,
) -> float | None:
    """As `pause_after_error`, for an answer of an overloaded server or one that names a wait."""
    asked = retry_after_s(retry_after)
    if asked is not None and (status == 429 or status in _BUSY):
        return asked if asked <= _SHORT_WAIT_S else None
    return _backoff(attempt, chance) if status in _BUSY else None


def _backoff(attempt: int, chance: Callable[[], float]) -> float:
    # At least half of it, so that the server gets the time it needs.
    longest: float = min(_FIRST_PAUSE_S * 2 ** (attempt - 1), _LONGEST_PAUSE_S)
    return longest * (0.5 + 0.5 * chance())
