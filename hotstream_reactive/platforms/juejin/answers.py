"""Answers of Juejin's API: what list it is, what stands in it, where to go on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.juejin import places
from hotstream_reactive.platforms.juejin.found import Found
from hotstream_reactive.platforms.values import (
    count,
    entries,
    identifier,
    line_of,
)

_PATHS: tuple[tuple[str, str], ...] = (
    ("/search_api/", "search"),
    ("/article/query_list", "user_articles"),
    ("/user/dynamic", "user_dynamic"),
    ("/user/get", "user"),
    ("/recommend_tag_feed", "tag_feed"),
    ("/recommend_cate_feed", "category_feed"),
    ("/recommend_cate_tag_feed", "category_feed"),
    ("/recommend_all_feed", "home_feed"),
    ("/article_rank", "hot_list"),
    ("/short_msg/query_list", "user_pins"),
    ("/short_msg/", "pins"),
    ("/theme/", "theme_list"),
    ("/query_tag_list", "tag_list"),
    ("/query_tag_detail", "tag"),
    ("/query_category", "category_list"),
    ("/column/detail", "column"),
    ("/column/articles_cursor", "column_articles"),
    ("/collectionset/get", "collection"),
    ("/collectionset/", "collection_list"),
    ("/article/detail", "article"),
)
_LOGIN = frozenset({"403", "401"})
_SLOW_DOWN = re.compile(r"频繁|too many|rate limit", re.IGNORECASE)
_LISTS = ("list", "article_list", "articles", "items", "data")


def read(answer: Mapping[str, Any], url: str | None, info: dict[str, Any]) -> ParsedPage:
    """Read an answer with the envelope ``err_no``, ``err_msg``, ``data``.

    Args:
        answer: the JSON object.
        url: what was asked for, where known; else the list is told by what stands in it.
        info: added to: ``err_no``, ``count``, ``has_more``, ``ads_skipped``, ``other_results``,
            ``unique_count``, ``unreadable``, ``profile``.
    """
    number = identifier(answer.get("err_no")) or "0"
    message = line_of(answer.get("err_msg"))
    if number != "0":
        info["err_no"] = count(answer.get("err_no")) or number
        return _refused(number, message, info)
    data = answer.get("data")
    kind = kind_by_address(url)
    if isinstance(data, dict):
        return _object(data, answer, kind, info)
    found = Found()
    for rank, entry in enumerate(entries(data), 1):
        found.take(entry, rank)
    kind = kind or found.kind(data, answer.get("cursor"))
    return _page(found, kind, answer, info, is_null=data is None)


def kind_by_address(url: str | None) -> str:
    """Which list an address of the API is; empty for others."""
    path = urlsplit(url or "").path
    return next((kind for mark, kind in _PATHS if mark in path), "")


def _refused(number: str, message: str, info: dict[str, Any]) -> ParsedPage:
    outcome, kind = PageOutcome.ERROR, "platform_error"
    if number in _LOGIN or "must login" in message.lower():
        outcome, kind = PageOutcome.LOGIN_REQUIRED, "login_required"
    elif _SLOW_DOWN.search(message):
        outcome, kind = PageOutcome.RATE_LIMITED, "rate_limited"
    return ParsedPage(
        outcome=outcome,
        page_kind="failure",
        failure_kind=kind,
        message=message or f"Juejin answers with err_no {number}",
        retry_elsewhere=outcome is not PageOutcome.ERROR,
        info=info,
    )


def _object(
    data: dict[str, Any], answer: Mapping[str, Any], kind: str, info: dict[str, Any]
) -> ParsedPage:
    found = Found()
    inner = next((name for name in _LISTS if isinstance(data.get(name), list)), None)
    is_single = "article_info" in data or "msg_Info" in data
    if is_single or (inner is None and not {"cursor", "hasMore", "has_more"} & data.keys()):
        found.take(data, 1, is_alone=True)
        if profile := places.profile(data):
            info["profile"] = profile
            kind = kind or "user"
        return _page(found, kind or found.kind(data, None), {}, info, is_null=not data)
    for rank, entry in enumerate(entries(data.get(inner or "list")), 1):
        found.take(entry, rank)
    if inner == "article_list":
        kind = kind or "collection"
    kind = kind or found.kind(data.get(inner or "list"), data.get("cursor"))
    envelope = {**answer, **{k: v for k, v in data.items() if k != inner}}
    return _page(found, kind, envelope, info, is_null=data.get(inner or "list") is None)


def _page(
    found: Found, kind: str, envelope: Mapping[str, Any], info: dict[str, Any], *, is_null: bool
) -> ParsedPage:
    more = envelope.get("has_more", envelope.get("hasMore"))
    if isinstance(more, bool):
        info["has_more"] = more
    if (total := count(envelope.get("count"))) is not None:
        info["count"] = total
    found.tell(info)
    has_content = bool(found.records or found.others or info.get("profile"))
    outcome, failure, message = PageOutcome.OK, None, None
    if not has_content:
        # A list that goes on answers with the place where it stands.
        is_first = envelope.get("cursor") in (None, "", "0", 0)
        outcome, failure, message = _empty(kind, found, is_null=is_null, is_first=is_first)
    return ParsedPage(
        outcome=outcome,
        page_kind=kind or "list",
        records=found.records,
        next_cursor=_cursor(envelope, more, found) if has_content or found.ads else None,
        failure_kind=failure,
        message=message,
        retry_elsewhere=outcome is PageOutcome.EMPTY_SUSPECT,
        info=info,
    )


def _empty(
    kind: str, found: Found, *, is_null: bool, is_first: bool
) -> tuple[PageOutcome, str, str]:
    if found.unreadable and not found.ads:
        message = f"{found.unreadable} entries of unknown form: the answers have changed"
        return PageOutcome.EMPTY_SUSPECT, "unreadable_items", message
    if is_null and is_first:
        message = "the answer holds null in place of a list"
        return PageOutcome.EMPTY_SUSPECT, "null_data", message
    if kind == "hot_list":
        return PageOutcome.EMPTY_SUSPECT, "empty_suspect", "a hot list is never empty"
    return PageOutcome.EMPTY, "no_items", "the list holds nothing (more)"


def _cursor(envelope: Mapping[str, Any], more: Any, found: Found) -> str | None:
    cursor = envelope.get("cursor")
    if isinstance(cursor, int) and not isinstance(cursor, bool):
        cursor = str(cursor)
    if more is False or not isinstance(cursor, str) or not cursor:
        return None
    # Without an end flag a cursor of 0 leads back to the start.
    return None if more is None and cursor == "0" else cursor
