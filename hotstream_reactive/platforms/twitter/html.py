"""Whole Nitter pages: posts, paging, profile card, error panel."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from hotstream_reactive.model.page import PageOutcome
from hotstream_reactive.platforms.twitter import conversation, post
from hotstream_reactive.platforms.twitter.links import outside_link, post_link
from hotstream_reactive.platforms.twitter.times import count, join_time

# What only a Nitter page has; the lists of people and of lists use the same wrappers.
STRUCTURE = (
    ".timeline-item, .timeline, .timeline-none, .timeline-end, .timeline-protected, "
    ".error-panel, .profile-card, .conversation"
)
_NO_POSTS = ("show-more", "more-replies", "more-replies-thread", "earlier-replies", "list-result")
_STATS = ("posts", "following", "followers", "likes")


class Posts(NamedTuple):
    """The posts of a page in page order, and what stood between them.

    `unavailable` are posts that the page names but does not show (``id`` if known, ``reason``);
    `other_results` counts accounts and lists found by a search; `unreadable` counts items
    without an id; `root` is the post that a conversation is about.
    """

    records: list[dict[str, Any]]
    unavailable: list[dict[str, Any]]
    other_results: int
    unreadable: int
    root: str | None = None


class Panel(NamedTuple):
    """What an error panel means; `elsewhere` says whether another instance may do better."""

    outcome: PageOutcome
    kind: str
    elsewhere: bool


_PANELS: tuple[tuple[re.Pattern[str], Panel], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), panel)
    for pattern, panel in (
        (
            r"has been suspended|user (is )?suspended",
            Panel(PageOutcome.ERROR, "account_suspended", False),
        ),
        (
            r"\buser\b.*\bnot found|user not found",
            Panel(PageOutcome.NOT_FOUND, "account_not_found", False),
        ),
        (r"\blist\b.*\bnot found", Panel(PageOutcome.NOT_FOUND, "list_not_found", False)),
        (
            r"\b(tweet|post|status)\b.*\bnot found",
            Panel(PageOutcome.NOT_FOUND, "tweet_not_found", False),
        ),
        (r"invalid tweet id", Panel(PageOutcome.NOT_FOUND, "invalid_tweet_id", False)),
        (r"page not found", Panel(PageOutcome.NOT_FOUND, "page_not_found", False)),
        (
            r"tweets are protected|protected account",
            Panel(PageOutcome.ERROR, "account_protected", False),
        ),
        (r"rate.?limited", Panel(PageOutcome.RATE_LIMITED, "rate_limited", True)),
        (r"no auth tokens", Panel(PageOutcome.RATE_LIMITED, "rate_limited", True)),
        (r"rss feed is disabled", Panel(PageOutcome.ERROR, "rss_disabled", True)),
        (r"search input too long", Panel(PageOutcome.ERROR, "query_too_long", False)),
        (r"network error", Panel(PageOutcome.ERROR, "network_error", True)),
        (r"an error occurred", Panel(PageOutcome.ERROR, "instance_error", True)),
    )
)
_UNKNOWN_PANEL = Panel(PageOutcome.ERROR, "error_panel", True)


def error_panel(tree: LexborHTMLParser) -> tuple[str, Panel] | None:
    """The text of the page's error panel and its meaning; None when there is no panel."""
    node = tree.css_first(".error-panel")
    if node is None:
        return None
    message = " ".join(node.text(separator=" ").split())
    for pattern, panel in _PANELS:
        if pattern.search(message):
            return message, panel
    return message, _UNKNOWN_PANEL


def instance_host(tree: LexborHTMLParser, url: str | None) -> str | None:
    """The host that served the page: from its address, else from its own search link."""
    node = tree.css_first('link[rel="search"][href]')
    href = url or (node.attributes.get("href") if node is not None else None) or ""
    try:
        return urlsplit(href).hostname
    except ValueError:
        return None


def posts(tree: LexborHTMLParser, host: str | None) -> Posts:
    """Read every post of a timeline, a search, a conversation or a bare fragment."""
    records: list[dict[str, Any]] = []
    parents: list[int | None] = []
    parts: list[str | None] = []
    unavailable: list[dict[str, Any]] = []
    others = unreadable = 0
    in_conversation = tree.css_first(".conversation") is not None
    for item in tree.css(".timeline-item"):
        classes = (item.attributes.get("class") or "").split()
        if any(name in _NO_POSTS for name in classes):
            others += "list-result" in classes
        elif item.css_first(".profile-result") is not None:
            others += 1
        elif (box := item.css_first(".unavailable-box")) is not None:
            unavailable.append(_unavailable(box))
        elif (record := post.read(item, host)) is not None:
            records.append(record)
            parents.append(_thread_of(item))
            parts.append(conversation.part_of(item) if in_conversation else None)
        else:
            unreadable += 1
    _mark_threads(records, parents)
    root = conversation.mark(records, parts)
    return Posts(records, unavailable, others, unreadable, root)


def _unavailable(box: LexborNode) -> dict[str, Any]:
    link = post_link(box.attributes.get("href") or "")
    entry: dict[str, Any] = {"reason": " ".join(box.text().split())}
    if link is not None:
        entry["id"] = link.id
    return entry


def _thread_of(item: LexborNode) -> int | None:
    parent = item.parent
    if parent is not None and "thread-line" in (parent.attributes.get("class") or "").split():
        return parent.mem_id
    return None


def _mark_threads(records: list[dict[str, Any]], parents: list[int | None]) -> None:
    sizes = Counter(parent for parent in parents if parent is not None)
    places: Counter[int] = Counter()
    for record, parent in zip(records, parents, strict=True):
        if parent is not None and sizes[parent] > 1:
            places[parent] += 1
            record["thread"] = {"position": places[parent], "size": sizes[parent]}


def next_cursor(tree: LexborHTMLParser) -> str | None:
    """The query part that leads to the next page (``?cursor=…``), as it stands on the page."""
    links = tree.css(".show-more > a[href]")
    href = (links[-1].attributes.get("href") or "").strip() if links else ""
    if not href.startswith("?") or "cursor=" not in href:
        return None
    return href


def profile(tree: LexborHTMLParser, host: str | None) -> dict[str, Any] | None:
    """The profile card: ``handle``, ``name``, counters and what else it says; None without one."""
    card = tree.css_first(".profile-card")
    if card is None:
        return None
    result: dict[str, Any] = {}
    for key, selector in (("handle", "username"), ("name", "fullname")):
        node = card.css_first(f".profile-card-{selector}")
        if node is not None:
            result[key] = (node.attributes.get("title") or node.text()).strip()
    result["handle"] = result.get("handle", "").removeprefix("@")
    for name in _STATS:
        node = card.css_first(f"li.{name} .profile-stat-num")
        value = count(node.text()) if node is not None else None
        if value is not None:
            result[name] = value
    for key in ("bio", "location"):
        node = card.css_first(f".profile-{key}")
        if node is not None and (words := node.text().strip()):
            result[key] = words
    website = card.css_first(".profile-website a[href]")
    if website is not None:
        result["website"] = outside_link(website.attributes.get("href") or "", host)
    for node in card.css(".profile-joindate [title]"):
        if joined := join_time(node.attributes.get("title") or ""):
            result["joined"] = joined
            break
    return result


def active_tab(tree: LexborHTMLParser) -> str:
    """The last part of the address of the page's active tab: ``media``, ``with_replies``, …"""
    node = tree.css_first(".tab-item.active a[href]")
    href = (node.attributes.get("href") or "") if node is not None else ""
    path = href.split("?", 1)[0].strip("/")
    return path.rsplit("/", 1)[1] if "/" in path else ""


def page_kind(tree: LexborHTMLParser, title: str, url: str | None) -> str:
    """Which of Nitter's pages this is, by its own marks."""
    path = urlsplit(url).path if url else ""
    if tree.css_first(".conversation") is not None:
        return "conversation"
    if tree.css_first(".profile-card") is not None:
        return "user_timeline"
    if "/lists/" in path or tree.css_first(".tab-item a[href*='/lists/']") is not None:
        return "list_timeline"
    if path == "/search" or title.startswith("Search") or tree.css_first(".search-bar") is not None:
        return "search"
    if title.startswith("Multi |"):
        return "multi_timeline"
    return "user_timeline"
