"""One post of a Nitter page, as a raw record."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from selectolax.lexbor import LexborNode

from hotstream_reactive.platforms.twitter import media, text
from hotstream_reactive.platforms.twitter.links import outside_link, post_link, post_url
from hotstream_reactive.platforms.twitter.times import count, post_time

# By icon, not by position: the row had three, four and five places over the years.
_COUNTERS = {
    "icon-comment": "replies",
    "icon-retweet": "reposts",
    "icon-quote": "quotes",
    "icon-heart": "likes",
    "icon-views": "views",
    "icon-play": "video_views",
}
_CARD_LINKS = "a.card-container[href], a.card-content-container[href], a[href*='/i/article/']"
_VOTES = re.compile(r"([\d,]+)\s+votes?\s*(?:[•·]\s*(.*))?", re.DOTALL)


def read(item: LexborNode, instance_host: str | None = None) -> dict[str, Any] | None:
    """Make the raw record of one `div.timeline-item`; None when it names no post.

    The record holds what the page says and nothing else: ``id``, ``handle``, ``author``, ``text``,
    ``created_at`` (ISO UTC or None), ``url``, ``is_repost``, ``is_pinned``, and where present
    ``reposted_by``, ``reply_to``, the counters, ``quote``, ``media``, ``card``, ``poll``,
    ``links``, ``hashtags``, ``community_note``.
    """
    record: dict[str, Any] = {
        "source": "html",
        "id": "",
        "handle": None,
        "author": None,
        "text": "",
        "created_at": None,
        "is_repost": False,
        "is_pinned": False,
    }
    _walk(item, record, instance_host)
    if not record["id"]:
        return None
    if record["handle"] is None:
        record["handle"] = item.attributes.get("data-username") or None
    record["url"] = post_url(record["id"], record["handle"])
    return record


def _walk(node: LexborNode, record: dict[str, Any], host: str | None) -> None:
    # One pass that does not enter what it has read: a quote's names and pictures stay the quote's.
    for child in node.iter():
        classes = (child.attributes.get("class") or "").split()
        for name in classes:
            reader = _READERS.get(name)
            if reader is not None:
                reader(child, record, host)
                break
        else:
            _walk(child, record, host)


def _read_link(node: LexborNode, record: dict[str, Any], _host: str | None) -> None:
    link = post_link(node.attributes.get("href") or "")
    if link is not None and not record["id"]:
        record["id"] = link.id
        record["handle"] = record["handle"] or link.handle


def _read_date(node: LexborNode, record: dict[str, Any], host: str | None) -> None:
    anchor = node.css_first("a")
    if anchor is None:
        return
    _read_link(anchor, record, host)
    if title := anchor.attributes.get("title"):
        record["time_text"] = title
        record["created_at"] = post_time(title)


def _read_author(node: LexborNode, record: dict[str, Any], _host: str | None) -> None:
    record["author"] = (node.attributes.get("title") or node.text()).strip()


def _read_handle(node: LexborNode, record: dict[str, Any], _host: str | None) -> None:
    handle = (node.attributes.get("title") or node.text()).strip().removeprefix("@")
    record["handle"] = handle or record["handle"]


def _read_pinned(_node: LexborNode, record: dict[str, Any], _host: str | None) -> None:
    record["is_pinned"] = True


def _read_repost(node: LexborNode, record: dict[str, Any], _host: str | None) -> None:
    record["is_repost"] = True
    record["reposted_by"] = " ".join(node.text().split()).removesuffix("retweeted").strip()


def _read_reply(node: LexborNode, record: dict[str, Any], _host: str | None) -> None:
    names = [link.text().strip().removeprefix("@") for link in node.css("a")]
    record["reply_to"] = [name for name in names if name]


def _read_text(node: LexborNode, record: dict[str, Any], host: str | None) -> None:
    content = text.read(node, host)
    record["text"] = content.text
    if content.links:
        record["links"] = content.links
    if content.hashtags:
        record["hashtags"] = content.hashtags
    if (place := node.css_first(".tweet-geo")) is not None:
        record["place"] = place.text().strip().removeprefix("–").strip().removeprefix("at ")


def _read_media(node: LexborNode, record: dict[str, Any], _host: str | None) -> None:
    record.setdefault("media", []).extend(media.attachments(node))
    title = node.css_first(".card-title")
    if title is not None and "card" not in record:
        record["card"] = {"title": title.text().strip()}
        if (description := node.css_first(".card-description")) is not None:
            record["card"]["description"] = description.text().strip()


def _read_card(node: LexborNode, record: dict[str, Any], host: str | None) -> None:
    if (moving := node.css_first(".attachments")) is not None:
        record.setdefault("media", []).extend(media.attachments(moving))
    card: dict[str, Any] = {}
    link = node.css_first(_CARD_LINKS)
    if link is None and node.tag == "a":
        link = node
    if link is not None:
        card["url"] = outside_link(link.attributes.get("href") or "", host)
    for key in ("title", "description", "destination"):
        part = node.css_first(f".card-content-container .card-{key}") or node.css_first(
            f".card-{key}"
        )
        if part is not None:
            card[key] = part.text().strip()
    if "/i/article/" in card.get("url", ""):
        card["kind"] = "article"
    if card:
        record["card"] = card


def _read_poll(node: LexborNode, record: dict[str, Any], _host: str | None) -> None:
    options = []
    for meter in node.css(".poll-meter"):
        option: dict[str, Any] = {"text": _text_of(meter, ".poll-choice-option")}
        percent = count(_text_of(meter, ".poll-choice-value").removesuffix("%"))
        if percent is not None:
            option["percent"] = percent
        if "leader" in (meter.attributes.get("class") or "").split():
            option["leader"] = True
        options.append(option)
    poll: dict[str, Any] = {"options": options}
    if match := _VOTES.fullmatch(_text_of(node, ".poll-info")):
        poll["votes"] = count(match[1])
        if match[2]:
            poll["status"] = match[2].strip()
    record["poll"] = poll


def _read_quote(node: LexborNode, record: dict[str, Any], host: str | None) -> None:
    quote: dict[str, Any] = {}
    anchor = node.css_first("a.quote-link[href], a.unavailable-quote[href]")
    link = post_link(anchor.attributes.get("href") or "") if anchor is not None else None
    if link is not None:
        quote["id"] = link.id
        if link.handle:
            quote["handle"] = link.handle
    if "unavailable" in (node.attributes.get("class") or "").split():
        quote["unavailable"] = True
        reason = _text_of(node, ".unavailable-quote")
        record["quote"] = quote | ({"reason": reason} if reason else {})
        return
    inner: dict[str, Any] = {"id": "", "handle": None, "created_at": None}
    _walk(node, inner, host)
    for key in ("handle", "author", "text", "created_at", "reply_to", "media", "card", "links"):
        if inner.get(key):
            quote[key] = inner[key]
    if "id" not in quote and inner["id"]:
        quote["id"] = inner["id"]
    if quote.get("id"):
        quote["url"] = post_url(quote["id"], quote.get("handle"))
    record["quote"] = quote


def _read_note(node: LexborNode, record: dict[str, Any], host: str | None) -> None:
    words = node.css_first(".community-note-text")
    record["community_note"] = text.read(words if words is not None else node, host).text


def _read_counters(node: LexborNode, record: dict[str, Any], _host: str | None) -> None:
    for stat in node.css(".tweet-stat"):
        icon = stat.css_first("[class*=icon-]:not(.icon-container)")
        names = (icon.attributes.get("class") or "").split() if icon is not None else []
        field = next((_COUNTERS[name] for name in names if name in _COUNTERS), None)
        shown = stat.text().strip()
        if field is None or (field == "views" and not shown):
            continue  # no views means that nobody counted, not that nobody looked
        value = count(shown)
        if value is not None:
            record[field] = value


def _skip(_node: LexborNode, _record: dict[str, Any], _host: str | None) -> None:
    """Nothing here belongs to the post."""


def _text_of(node: LexborNode, selector: str) -> str:
    found = node.css_first(selector)
    return " ".join(found.text().split()) if found is not None else ""


_Reader = Callable[[LexborNode, dict[str, Any], "str | None"], None]
_READERS: dict[str, _Reader] = {
    "tweet-link": _read_link,
    "tweet-date": _read_date,
    "fullname": _read_author,
    "username": _read_handle,
    "pinned": _read_pinned,
    "retweet-header": _read_repost,
    "replying-to": _read_reply,
    "tweet-content": _read_text,
    "quote-text": _read_text,
    "quote-media-container": _read_media,
    "attachments": _read_media,
    "card": _read_card,
    "article-card": _read_card,
    "poll": _read_poll,
    "quote": _read_quote,
    "community-note": _read_note,
    "tweet-stats": _read_counters,
    "tweet-avatar": _skip,
    "attribution": _skip,
    "media-tag-block": _skip,
    "verified-icon": _skip,
    "show-thread": _skip,
    "latest-post-version": _skip,
}
