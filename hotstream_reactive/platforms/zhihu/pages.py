"""Recognise any answer of Zhihu, of the site or its API, and read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from hotstream_reactive.fetch import challenge
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.values import entries, mapping
from hotstream_reactive.platforms.zhihu import daily, failures, hot, lists, records, state
from hotstream_reactive.platforms.zhihu.links import path_of
from hotstream_reactive.platforms.zhihu.values import snake


def parse_page(
    text: str,
    *,
    url: str | None = None,
    status: int | None = None,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> ParsedPage:
    """Say what an answer of Zhihu is and read what it holds.

    Args:
        text: the decoded body, as fetched or as saved: an answer of the API or a page.
        url: where it came from in the end, where known: it tells lists and redirects apart.
        status: the HTTP status, where known.
        content_type: the Content-Type header, where known.
        headers: the response's headers in any case, where known.

    Returns:
        A page whose `records` are raw records in page order (see `records`), whose `next_cursor`
        is the address of the next page as the API gave it (use its query only), and whose `info`
        may hold ``status``, ``title``, ``is_end``, ``totals``, ``page``, ``other_results`` (people,
        columns, topics), ``skipped``, ``unreadable``, ``profile``, ``question``,
        ``search_hash_id``, ``lc_idx`` and ``snapshot_at``. Never raises for what a server may send.
    """
    lowered = {name.lower(): value for name, value in (headers or {}).items()}
    info: dict[str, Any] = {} if status is None else {"status": status}
    if url is not None:
        info["url"] = url
    try:
        payload = _json(text)
        if payload is not None:
            return _from_api(payload, url, status, info)
        return _from_site(text, url, status, content_type, lowered, info)
    except RecursionError:
        return _unknown("the answer is nested too deeply", info)


def _json(text: str) -> dict[str, Any] | None:
    """The body as a JSON object; a bare list counts as its data."""
    body = text.lstrip("\ufeff \t\r\n")
    if not body.startswith(("{", "[")):
        return None
    try:
        value = json.loads(body)
    except ValueError:
        return None
    if isinstance(value, list):
        return {"data": value}
    return value if isinstance(value, dict) else None


def _from_api(
    raw: dict[str, Any], url: str | None, status: int | None, info: dict[str, Any]
) -> ParsedPage:
    payload = snake(raw)
    if (wall := failures.told_by_api(payload, status)) is not None:
        is_comments = lists.kind_of(url) == "comments"
        if wall.outcome is PageOutcome.NOT_FOUND and is_comments:
            # Closed or removed comments answer like this; the content itself may well be there.
            return ParsedPage(
                outcome=PageOutcome.EMPTY, page_kind="comments", message=wall.message, info=info
            )
        return failures.page(wall, info)
    if isinstance(raw.get("initialState"), dict):
        return state.read(raw["initialState"], url, info) or _unknown("a state", info)
    if daily.is_daily(payload):
        return daily.read(payload, info)
    if found := _search_terms(payload):
        return ParsedPage(outcome=PageOutcome.OK, page_kind="top_search", records=found, info=info)
    if isinstance(payload.get("data"), list):
        return lists.read(payload, url, info)
    return _single(payload, info)


def _search_terms(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    words = mapping(payload.get("top_search")).get("words")
    queries = mapping(payload.get("recommend_queries")).get("queries")
    return hot.terms(entries(words) or entries(queries))


def _single(payload: dict[str, Any], info: dict[str, Any]) -> ParsedPage:
    entity = payload
    if isinstance(payload.get("data"), dict):
        entity = payload["data"]
    kind = records.kind_of(entity)
    record = records.read(entity)
    if record is not None:
        return ParsedPage(outcome=PageOutcome.OK, page_kind=kind, records=[record], info=info)
    if kind in ("people", "organization", "column", "topic"):
        info["other_results"] = [records.people(entity)]
        return ParsedPage(outcome=PageOutcome.OK, page_kind=kind, info=info)
    return _unknown("an answer of a form that is not known", info)


def _from_site(
    text: str,
    url: str | None,
    status: int | None,
    content_type: str | None,
    headers: Mapping[str, str],
    info: dict[str, Any],
) -> ParsedPage:
    tree = LexborHTMLParser(text.encode("utf-8", "replace").decode())
    if title := challenge.title_of(tree):
        info["title"] = title
    wall = failures.script_challenge(tree) or failures.redirected(url)
    if wall is not None:
        return failures.page(wall, info)
    embedded = state.embedded(tree)
    if embedded is not None:
        wall = failures.redirected(state.own_address(embedded))
        if wall is not None:
            return failures.page(wall, info)
    # A page that is found missing or refused may embed other things to read.
    is_refused = status is not None and status >= 400
    page = state.read(embedded, url, info) if embedded is not None and not is_refused else None
    if page is None and not is_refused:
        page = daily.front_page(tree, info)
    if page is not None and page.records:
        return page
    wall = failures.shown_instead(
        tree, text, status=status, content_type=content_type, headers=headers
    )
    if wall is not None:
        return failures.page(wall, info)
    return page or _unknown(f"a page without content at {path_of(url) or 'an unknown path'}", info)


def _unknown(message: str, info: dict[str, Any]) -> ParsedPage:
    return ParsedPage(
        outcome=PageOutcome.EMPTY_SUSPECT,
        page_kind="page",
        failure_kind="no_content",
        message=message,
        retry_elsewhere=True,
        info=info,
    )
