"""Nitter's RSS feeds as raw records."""

from __future__ import annotations

import io
import re
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from hotstream_reactive.model.item import iso_utc
from hotstream_reactive.platforms.twitter import media, text
from hotstream_reactive.platforms.twitter.links import post_link, post_url

_PREFIX = re.compile(r"\s*(?:(?P<pin>Pinned)|RT by @(?P<repost>\w+)|R to @(?P<reply>\w+)):\s*")
_QUOTED = re.compile(r"(?P<name>.*?)\s*\(@(?P<handle>\w{1,50})\)\s*", re.DOTALL)
_CHANNEL = re.compile(r"(?P<name>.*) / @(?P<handle>\w{1,50})\s*", re.DOTALL)
_SECTIONS = {"Link": "card", "Article": "card", "Poll": "poll"}
_THUMBS = (
    ("tweet_video_thumb", "gif"),
    ("ext_tw_video_thumb", "video"),
    ("amplify_video_thumb", "video"),
)
_BLOCKS = frozenset({"p", "div", "blockquote", "ul", "li"})


class Feed(NamedTuple):
    """A feed: its kind, the channel's title and account, the posts, the titles of other entries."""

    kind: str
    title: str
    profile: dict[str, Any] | None
    records: list[dict[str, Any]]
    other_titles: list[str]


def looks_like_feed(page: str) -> bool:
    """Whether a text starts as an RSS document."""
    head = page[:1000].lstrip("\ufeff \t\r\n").lower()
    if head.startswith("<?xml"):
        return "<rss" in head or "<html" not in head
    return head.startswith("<rss")


def read(page: str) -> Feed:
    """Read a feed; entries without a post's id are only named in `other_titles`."""
    # Slow to import, and most runs read no feed.
    import feedparser

    # As bytes in a file: given a text, feedparser would open it as an address or a path.
    parsed = feedparser.parse(
        io.BytesIO(page.encode("utf-8", "replace")),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    channel = parsed.feed
    title = str(channel.get("title", ""))
    records, others = [], []
    for entry in parsed.entries:
        record = _record(entry)
        if record is None:
            others.append(str(entry.get("title", "")))
        else:
            records.append(record)
    kind, profile = _kind(title, str(channel.get("link", "")))
    return Feed(kind, title, profile, records, others)


def _kind(title: str, link: str) -> tuple[str, dict[str, Any] | None]:
    if "/lists/" in link:
        return "list_rss", None
    if title.startswith("Search results") or link.rstrip("/").endswith("/search"):
        return "search_rss", None
    if match := _CHANNEL.fullmatch(title):
        return "user_rss", {"handle": match["handle"], "name": match["name"]}
    return "user_rss", None


def _record(entry: Any) -> dict[str, Any] | None:
    guid, link = str(entry.get("id", "")).strip(), post_link(str(entry.get("link", "")))
    from_guid = post_link(guid)
    if guid.isascii() and guid.isdigit():
        post_id = guid
    elif link is not None or from_guid is not None:
        post_id = (link or from_guid).id  # type: ignore[union-attr]  # one of them is there
    else:
        return None
    creator = str(entry.get("author", "")).strip().removeprefix("@")
    handle = creator or (link.handle if link is not None else None)
    title = str(entry.get("title", ""))
    record: dict[str, Any] = {
        "source": "rss",
        "id": post_id,
        "handle": handle,
        "author": None,
        "text": "",
        "created_at": _time(entry.get("published_parsed")),
        "is_repost": False,
        "is_pinned": False,
        "title": title,
        "url": post_url(post_id, handle),
    }
    if match := _PREFIX.match(title):
        record["is_pinned"] = match["pin"] is not None
        if match["repost"]:
            record |= {"is_repost": True, "reposted_by": match["repost"]}
        if match["reply"]:
            record["reply_to"] = [match["reply"]]
    _read_description(str(entry.get("summary", "")), record)
    return record


def _time(parsed: time.struct_time | None) -> str | None:
    if parsed is None:
        return None
    try:
        return iso_utc(datetime(*parsed[:6], tzinfo=UTC))
    except ValueError:
        return None


def _read_description(markup: str, record: dict[str, Any]) -> None:
    # The feed writes a break and a line feed for each line break of the post.
    tree = LexborHTMLParser(re.sub(r"(<br\s*/?>)[ \t]*\r?\n", r"\1", markup))
    body = tree.body
    if body is None:
        return
    paragraphs: list[text.Content] = []
    section = "text"
    rest: list[LexborNode] = []
    for node in body.iter():
        if node.tag == "hr":
            section = "rest"
        elif section == "rest":
            rest.append(node)
        elif node.tag == "blockquote":
            _read_quote(node, record)
        elif node.tag == "p" and node.css_first("img, video") is None:
            paragraphs.append(text.read(node, None))
        else:
            record.setdefault("media", []).extend(_media(node))
    _read_rest(rest, record)
    record["text"] = "\n".join(part.text for part in paragraphs if part.text)
    for key, values in (
        ("links", [link for part in paragraphs for link in part.links]),
        ("hashtags", [tag for part in paragraphs for tag in part.hashtags]),
    ):
        if values:
            record[key] = values
    if not record.get("media"):
        record.pop("media", None)


def _media(node: LexborNode) -> list[dict[str, Any]]:
    if node.tag == "video" or node.css_first("video") is not None:
        source = node.css_first("source[src]")
        url = media.canonical(source.attributes.get("src") or "") if source is not None else None
        return [{"kind": "gif"} | ({"url": url} if url else {})]
    found = []
    for image in [node] if node.tag == "img" else node.css("img"):
        source_address = image.attributes.get("src") or ""
        kind = next((kind for mark, kind in _THUMBS if mark in source_address), "photo")
        entry: dict[str, Any] = {"kind": kind}
        if url := media.canonical(source_address, full_size=kind == "photo"):
            entry["url" if kind == "photo" else "thumb"] = url
        found.append(entry)
    return found


def _read_rest(nodes: list[LexborNode], record: dict[str, Any]) -> None:
    """What follows a rule: a card, an article, a poll or the quoted post."""
    card: dict[str, Any] = {}
    section = None
    for node in nodes:
        words = node.text().strip()
        if node.tag == "blockquote":
            _read_quote(node, record)
        elif node.tag == "b" and words in _SECTIONS:
            section = words
        elif section in ("Link", "Article"):
            _read_card(node, words, card)
        elif section == "Poll" and node.tag == "p":
            record["poll"] = _poll(node)
    if card:
        record["card"] = card


def _read_card(node: LexborNode, words: str, card: dict[str, Any]) -> None:
    href = node.attributes.get("href")
    if node.tag == "a" and href:
        link = re.sub(r"^https?://[^/]+(?=/i/article/)", "https://x.com", href)
        card.setdefault("url", link)
        card.setdefault("title", words)
    elif node.tag == "b":
        card.setdefault("title", words)
    elif node.tag == "p":
        card.setdefault("description", words)
    elif node.tag == "small":
        card.setdefault("destination", words)


def _poll(node: LexborNode) -> dict[str, Any]:
    options: list[dict[str, Any]] = []
    poll: dict[str, Any] = {"options": options}
    for line in text.read(node, None).text.splitlines():
        if match := re.fullmatch(r"(\d+)%\s*—\s*(.*)", line.strip()):
            options.append({"text": match[2], "percent": int(match[1])})
        elif match := re.fullmatch(r"([\d,]+) votes?\s*(?:[•·]\s*(.*))?", line.strip()):
            poll["votes"] = int(match[1].replace(",", ""))
            if match[2]:
                poll["status"] = match[2]
    return poll


def _read_quote(node: LexborNode, record: dict[str, Any]) -> None:
    quote: dict[str, Any] = {}
    name = node.css_first("b")
    if name is not None and (match := _QUOTED.fullmatch(name.text().strip())):
        quote |= {"handle": match["handle"], "author": match["name"]}
    for cite in node.css("footer a[href], cite a[href]"):
        if link := post_link(cite.attributes.get("href") or ""):
            quote["id"] = link.id
            quote["url"] = post_url(link.id, link.handle or quote.get("handle"))
    words = [text.read(part, None).text for part in node.css("p")]
    if spoken := "\n".join(word for word in words if word):
        quote["text"] = spoken
    record["quote"] = quote
