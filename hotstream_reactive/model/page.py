"""What one fetched page, feed or answer turned out to be.

The words are those every platform shares, so that a run can be judged without knowing the site.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class PageOutcome(StrEnum):
    """How a page answered what was asked of it."""

    OK = "ok"
    EMPTY = "empty"
    EMPTY_SUSPECT = "empty_suspect"
    ERROR = "error"
    LOGIN_REQUIRED = "login_required"
    CHALLENGE = "challenge"
    BLOCKED = "blocked"
    RATE_LIMITED = "rate_limited"
    NOT_FOUND = "not_found"
    NOT_INSTANCE = "not_instance"
    NOT_TIMELINE = "not_timeline"


class ParsedPage(msgspec.Struct, kw_only=True, frozen=True):
    """One page read by a parser.

    `records` are raw records in page order, ready for the platform's extractor.
    `next_cursor` is opaque: it is given back to the source as it came; None means no further page.
    `failure_kind` is a short machine-readable reason for outcomes that are no success.
    `retry_elsewhere` says whether another instance, proxy or session may do better.
    `info` holds what the page tells beside its items (profile counters, title, HTTP status).
    """

    outcome: PageOutcome
    page_kind: str
    records: list[dict[str, Any]] = []
    next_cursor: str | None = None
    failure_kind: str | None = None
    message: str | None = None
    retry_elsewhere: bool = False
    info: dict[str, Any] = {}
