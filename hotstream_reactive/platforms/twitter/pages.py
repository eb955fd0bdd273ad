"""Recognise any page, feed or fragment of a Nitter instance and read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from hotstream_reactive.fetch import challenge
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.twitter import html, rss

_FAILURE = "failure"
_FINAL = frozenset({PageOutcome.OK, PageOutcome.EMPTY, PageOutcome.NOT_TIMELINE})


def parse_page(
    text: str,
    *,
    url: str | None = None,
    status: int | None = None,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> ParsedPage:
    """Say what a page of an instance is and read what it holds.

    Args:
        text: the decoded body, as fetched or as saved; HTML, RSS, or a part of an HTML page.
        url: the address it came from, where known.
        status: the HTTP status, where known.
        content_type: the Content-Type header, where known.
        headers: the response's headers in any case, where known (`Min-Id` continues a feed).

    Returns:
        A page whose `records` are raw posts in page order (see `post.read`), whose `next_cursor`
        is the query part of the next page (``?cursor=…``), and whose `info` may hold ``title``,
        ``status``, ``profile`` (handle, name, posts, following, followers, likes, …),
        ``unavailable``, ``other_results`` and ``conversation`` (``root``). Never raises for what a
        server may send.
    """
    lowered = {name.lower(): value for name, value in (headers or {}).items()}
    info: dict[str, Any] = {} if status is None else {"status": status}
    if rss.looks_like_feed(text):
        return _feed(text, lowered, info)
    tree = LexborHTMLParser(text)
    title = challenge.title_of(tree)
    if title:
        info["title"] = title
    if tree.css_first(html.STRUCTURE) is not None:
        return _nitter(tree, title, url, info)
    if _is_nitter(tree):
        about = tree.css_first('.overlay-panel a[href*="github.com/zedeus/nitter"]') is not None
        return ParsedPage(
            outcome=PageOutcome.NOT_TIMELINE,
            page_kind=_FAILURE,
            failure_kind="about_page" if about else "other_page",
            message="a page of a Nitter instance that shows no posts",
            info=info,
        )
    verdict = challenge.classify(
        text, status=status, content_type=content_type, headers=lowered, tree=tree
    )
    return _no_nitter(verdict, info)


def _is_nitter(tree: LexborHTMLParser) -> bool:
    return (
        tree.css_first('meta[property="og:site_name"][content="Nitter"]') is not None
        or tree.css_first("nav a.site-name") is not None
    )


def _no_nitter(verdict: challenge.Verdict | None, info: dict[str, Any]) -> ParsedPage:
    outcome, kind = PageOutcome.NOT_INSTANCE, "unrelated_page"
    message = "the answer has nothing of a Nitter page"
    if verdict is not None:
        outcome, kind, message = verdict
        if outcome in (PageOutcome.LOGIN_REQUIRED, PageOutcome.NOT_FOUND):
            # Without Nitter's own error panel this tells of the host, not of the account.
            outcome = PageOutcome.NOT_INSTANCE
    return ParsedPage(
        outcome=outcome,
        page_kind=_FAILURE,
        failure_kind=kind,
        message=message,
        retry_elsewhere=True,
        info=info,
    )


def _feed(text: str, headers: Mapping[str, str], info: dict[str, Any]) -> ParsedPage:
    feed = rss.read(text)
    info["title"] = feed.title
    if feed.profile is not None:
        info["profile"] = feed.profile
    if feed.records:
        cursor = headers.get("min-id", "").strip()
        return ParsedPage(
            outcome=PageOutcome.OK,
            page_kind=feed.kind,
            records=feed.records,
            next_cursor=f"?cursor={cursor}" if cursor else None,
            info=info,
        )
    if feed.other_titles:
        asks = "whitelist" in " ".join(feed.other_titles).lower()
        return ParsedPage(
            outcome=PageOutcome.BLOCKED,
            page_kind=_FAILURE,
            failure_kind="rss_not_whitelisted" if asks else "rss_placeholder",
            message=feed.other_titles[0],
            retry_elsewhere=True,
            info=info,
        )
    if not feed.title:
        return _no_nitter(None, info)
    return ParsedPage(
        outcome=PageOutcome.EMPTY,
        page_kind=feed.kind,
        failure_kind="no_items",
        message="the feed holds no posts",
        info=info,
    )


def _nitter(
    tree: LexborHTMLParser, title: str, url: str | None, info: dict[str, Any]
) -> ParsedPage:
    if (panel := html.error_panel(tree)) is not None:
        message, meaning = panel
        return ParsedPage(
            outcome=meaning.outcome,
            page_kind=_FAILURE,
            failure_kind=meaning.kind,
            message=message,
            retry_elsewhere=meaning.elsewhere,
            info=info,
        )
    host = html.instance_host(tree, url)
    kind = html.page_kind(tree, title, url)
    if (profile := html.profile(tree, host)) is not None:
        info["profile"] = profile
    if (shield := tree.css_first(".timeline-protected")) is not None:
        return _protected(shield, kind, info)
    found = html.posts(tree, host)
    if found.root is not None:
        info["conversation"] = {"root": found.root}
    if found.unavailable:
        info["unavailable"] = found.unavailable
    if found.other_results:
        info["other_results"] = found.other_results
    if found.unreadable:
        info["unreadable"] = found.unreadable
    if found.records or found.other_results or found.unavailable:
        return ParsedPage(
            outcome=PageOutcome.OK,
            page_kind=kind,
            records=found.records,
            next_cursor=html.next_cursor(tree),
            info=info,
        )
    return _without_posts(tree, kind, found, info)


def _protected(shield: LexborNode, kind: str, info: dict[str, Any]) -> ParsedPage:
    heading = shield.css_first("h2")
    return ParsedPage(
        outcome=PageOutcome.ERROR,
        page_kind=kind,
        failure_kind="account_protected",
        message=" ".join((heading if heading is not None else shield).text().split()),
        info=info,
    )


def _without_posts(
    tree: LexborHTMLParser, kind: str, found: html.Posts, info: dict[str, Any]
) -> ParsedPage:
    none = tree.css_first(".timeline-none")
    end = tree.css_first(".timeline-end")
    # From page two on a "Load newest" stands first: there, nothing more is the honest end.
    first_page = tree.css_first(".timeline-item.show-more") is None and end is None
    claimed = info.get("profile", {}).get("posts", 0)
    suspect = first_page and claimed > 0 and html.active_tab(tree) not in ("media", "search")
    if found.unreadable:
        outcome, failure = PageOutcome.EMPTY_SUSPECT, "unreadable_items"
        message = f"{found.unreadable} items without an id: the markup has changed"
    elif suspect:
        outcome, failure = PageOutcome.EMPTY_SUSPECT, "empty_suspect"
        message = f"no posts shown, although the profile counts {claimed}"
    else:
        outcome, failure = PageOutcome.EMPTY, "no_items"
        mark = none if none is not None else end
        message = " ".join(mark.text().split()) if mark is not None else "the page holds no posts"
    return ParsedPage(
        outcome=outcome,
        page_kind=kind,
        failure_kind=failure,
        message=message,
        retry_elsewhere=outcome is PageOutcome.EMPTY_SUSPECT,
        info=info,
    )
