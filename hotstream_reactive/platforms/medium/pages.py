"""Recognise any page, feed or answer of Medium and read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from hotstream_reactive.fetch import challenge
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.medium import article, cards, feed, graph, listing

_FAILURE = "failure"
_MISSING_TITLES = ("404", "page not found", "out of nothing", "410", "not found")
_OWN = (
    'meta[property="og:site_name"][content="Medium"], meta[property="al:ios:app_name"]'
    '[content="Medium"], meta[name="twitter:site"][content="@Medium"], link[href*="medium.com"]'
)


def parse_page(
    text: str,
    *,
    url: str | None = None,
    status: int | None = None,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> ParsedPage:
    """Say what a page of Medium is and read what it holds.

    Args:
        text: the decoded body, as fetched or as saved: RSS (also copied out of a browser window),
            ``?format=json``, GraphQL answers, pages of any front end.
        url: the address it came from, where known; it tells which article of a page is meant.
        status: the HTTP status, where known.
        content_type: the Content-Type header, where known.
        headers: the response's headers in any case, where known.

    Returns:
        A page whose `records` are raw posts in page order (see `post`), whose `next_cursor` is the
        JSON object that leads to the next page, and whose `info` may hold ``title``, ``status``,
        ``feed_title``, ``profile`` (handle, name, id), ``next_cursor`` (the object itself) and
        ``next_path``. Never raises for what a server may send.
    """
    info: dict[str, Any] = {} if status is None else {"status": status}
    if (xml := feed.feed_in(text)) is not None:
        return _feed(xml, info)
    value = listing.payload_in(text)
    if value is not None and (page := listing.read(value, url, info)) is not None:
        return page
    tree = LexborHTMLParser(text)
    if title := challenge.title_of(tree):
        info["title"] = title
    if (page := _content(tree, url, status, info)) is not None:
        return page
    verdict = challenge.classify(
        text, status=status, content_type=content_type, headers=_lowered(headers), tree=tree
    )
    return _failure(verdict, tree, title, info)


def _lowered(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _content(
    tree: LexborHTMLParser, url: str | None, status: int | None, info: dict[str, Any]
) -> ParsedPage | None:
    if status is not None and status >= 400:
        return None
    state = _state(tree)
    found = graph.of_page(state) if state else None
    identity = article.identity_of(tree, url) or (found.main_post() if found else None)
    if identity is not None:
        from_state = graph.post_of_page(state, identity) if state else None
        record = article.read(tree, identity, url, from_state)
        if record.get("title") or record.get("text"):
            return ParsedPage(
                outcome=PageOutcome.OK, page_kind="article", records=[record], info=info
            )
    if found is not None and (found.records or found.profile):
        if found.profile:
            info["profile"] = found.profile
        return listing.listed(found.records, found.kind, found.next_page, info)
    if (shown := cards.read(tree)) and (_is_own(tree) or found is not None):
        return listing.listed(shown, _kind_by_address(url), None, info)
    if state and found is not None and urlsplit(url or "").path.startswith("/search"):
        return listing.listed([], "search", None, info)
    return None


def _state(tree: LexborHTMLParser) -> dict[str, Any] | None:
    for script in tree.css("script"):
        state = graph.state_in(script.text())
        if state is not None:
            return state
    return None


def _is_own(tree: LexborHTMLParser) -> bool:
    return tree.css_first(_OWN) is not None


def _kind_by_address(url: str | None) -> str:
    path = urlsplit(url or "").path
    if path.startswith("/search"):
        return "search"
    if path.startswith("/tag/"):
        return "tag_page"
    return "user_page" if path.startswith("/@") else "listing"


def _feed(xml: str, info: dict[str, Any]) -> ParsedPage:
    found = feed.read(xml)
    info["feed_title"] = found.title
    if found.profile:
        info["profile"] = found.profile
    if found.unreadable:
        info["unreadable"] = found.unreadable
    outcome, kind, message = PageOutcome.OK, None, None
    if not found.records and (found.unreadable or not found.title):
        outcome, kind = PageOutcome.EMPTY_SUSPECT, "unreadable_items"
        message = f"a feed with {found.unreadable} entries that are no stories of Medium"
    elif not found.records:
        outcome, kind, message = PageOutcome.EMPTY, "no_items", "the feed holds no stories"
    return ParsedPage(
        outcome=outcome,
        page_kind=found.kind,
        records=found.records,
        failure_kind=kind,
        message=message,
        info=info,
    )


def _failure(
    verdict: challenge.Verdict | None, tree: LexborHTMLParser, title: str, info: dict[str, Any]
) -> ParsedPage:
    outcome, kind, message = verdict or (
        PageOutcome.BLOCKED,
        "unrelated_page",
        "the answer has nothing of a page of Medium",
    )
    if verdict is None and _is_own(tree):
        outcome, kind = PageOutcome.EMPTY_SUSPECT, "empty_suspect"
        message = "a page of Medium that shows no stories"
        if title.lower().startswith(_MISSING_TITLES):
            outcome, kind, message = PageOutcome.NOT_FOUND, "not_found", title
    return ParsedPage(
        outcome=outcome,
        page_kind=_FAILURE,
        failure_kind=kind,
        message=message,
        retry_elsewhere=outcome is not PageOutcome.NOT_FOUND,
        info=info,
    )
