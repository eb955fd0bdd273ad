"""Raw records out of the objects of Juejin's API.

A record has ``id``, ``kind`` (``article``, ``pin``, ``topic``, ``tag``, ``category``, ``column``,
``news``), ``url`` and, only where the object says so: ``title``, ``text``, ``author``,
``author_id``, ``created_at``, ``updated_at``, ``likes``, ``replies``, ``views``, ``collects``,
``heat``, ``tags``, ``category``, ``topic``, ``rank``, ``articles``, ``followers``, ``html``.
Ids are texts, as the numbers beside them may have lost their last digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hotstream_reactive.platforms.plaintext import plain_text
from hotstream_reactive.platforms.values import (
    Record,
    count,
    entries,
    identifier,
    known,
    line_of,
    mapping,
    moment,
    text_of,
    unescaped,
)

SITE = "https://juejin.cn"

ADDRESSES: Mapping[str, str] = {
    "article": SITE + "/post/{id}",
    "pin": SITE + "/pin/{id}",
    "topic": SITE + "/theme/detail/{id}",
    "column": SITE + "/column/{id}",
    "news": SITE + "/news/{id}",
    "account": SITE + "/user/{id}",
    "booklet": SITE + "/book/{id}",
}
_HIT = re.compile(r"</?em\b[^>]*>", re.IGNORECASE)
_FRONT_MATTER = re.compile(
    r"---[ \t]*\n(?:[\w-]+[ \t]*:.*\n|[ \t]+.*\n|[ \t]*\n)*---[ \t]*(?:\n|$)"
)
_COUNTERS: Mapping[str, tuple[str, ...]] = {
    "likes": ("digg_count", "like"),
    "replies": ("comment_count",),
    "views": ("view_count", "view"),
    "collects": ("collect_count", "collect"),
}


def without_hits(value: Any) -> str:
    """A text without the marks that a search puts around its hits."""
    return unescaped(_HIT.sub("", value)) if isinstance(value, str) else ""


def article(found: Mapping[str, Any], hits: Mapping[str, Any] | None = None) -> Record | None:
    """An article of a list, a search, a detail answer.

    Args:
        found: the object with ``article_info``.
        hits: the search result around it, whose highlighted texts help out.
    """
    info = mapping(found.get("article_info"))
    identity = identifier(found.get("article_id")) or identifier(info.get("article_id"))
    if identity is None:
        return None
    hits = hits or {}
    body, html = _body(info)
    brief = text_of(info.get("brief_content"))
    return known(
        {
            **_named("article", identity, info),
            "title": line_of(info.get("title")) or without_hits(hits.get("title_highlight")),
            "text": body or brief or without_hits(hits.get("content_highlight")),
            "brief": brief if body else None,
            "partial": None if body else True,
            **author_of(found, info),
            **_counters(info),
            **_sorted_under(found),
            "heat": count(info.get("hot_index")),
            "cover": text_of(info.get("cover_image")),
            "html": html,
        }
    )


def _body(info: Mapping[str, Any]) -> tuple[str, str | None]:
    """The full text, where the answer gives it: as Markdown or as HTML."""
    markdown = text_of(info.get("mark_content"))
    if markdown:
        return _FRONT_MATTER.sub("", markdown, count=1).strip() or markdown, None
    for name in ("content", "web_html_content", "app_html_content"):
        html = text_of(info.get(name))
        if html and (text := plain_text(html)):
            return text, html
    return "", None


def pin(found: Mapping[str, Any]) -> Record | None:
    """A pin (沸点)."""
    info = mapping(found.get("msg_Info")) or mapping(found.get("msg_info"))
    identity = identifier(found.get("msg_id")) or identifier(info.get("msg_id"))
    if identity is None:
        return None
    topic, theme = mapping(found.get("topic")), mapping(found.get("theme"))
    pictures = info.get("pic_list")
    return known(
        {
            **_named("pin", identity, info),
            "text": text_of(info.get("content")),
            **author_of(found, info),
            **_counters(info),
            "topic": line_of(topic.get("title")),
            "topic_id": identifier(topic.get("topic_id")),
            "theme": line_of(theme.get("name")),
            "heat": count(info.get("hot_index")),
            "media_urls": [url for url in pictures or [] if isinstance(url, str) and url]
            if isinstance(pictures, list)
            else None,
            "links": [link] if (link := text_of(info.get("url"))) else None,
            "card_title": line_of(info.get("url_title")),
        }
    )


def hot_entry(found: Mapping[str, Any], rank: int) -> Record | None:
    """An entry of the hot list; it has no time of its own."""
    content, counters = mapping(found.get("content")), mapping(found.get("content_counter"))
    identity = identifier(content.get("content_id"))
    if identity is None:
        return None
    author = mapping(found.get("author"))
    tag_ids = content.get("tag_ids")
    return known(
        {
            **_named("article", identity, content),
            "rank": rank,
            "title": line_of(content.get("title")),
            "text": text_of(content.get("brief")),
            "partial": True,
            "author": line_of(author.get("name")) or line_of(author.get("user_name")),
            "author_id": identifier(author.get("user_id")) or identifier(content.get("author_id")),
            **_counters(counters),
            "heat": count(counters.get("hot_rank")),
            # As numbers they may have lost their last digits.
            "tag_ids": [one for one in tag_ids if isinstance(one, str) and one]
            if isinstance(tag_ids, list)
            else None,
            "category_id": identifier(content.get("category_id")),
        }
    )


def news(found: Mapping[str, Any]) -> Record | None:
    """A short piece of news."""
    info = mapping(found.get("content_info"))
    identity = identifier(found.get("content_id")) or identifier(info.get("content_id"))
    if identity is None:
        return None
    return known(
        {
            **_named("news", identity, info),
            "title": line_of(info.get("title")),
            "text": text_of(info.get("brief")),
            **author_of(found, info),
            **_counters(mapping(found.get("counter")) or info),
            **_sorted_under(found),
        }
    )


def _named(kind: str, identity: str, info: Mapping[str, Any]) -> Record:
    """What every content has: which it is, where it stands, and its times."""
    times = (moment(info.get(name)) for name in ("ctime", "created_at", "rtime"))
    return {
        "id": identity,
        "kind": kind,
        "url": ADDRESSES[kind].format(id=identity),
        "created_at": next(filter(None, times), None),
        "updated_at": moment(info.get("mtime")),
    }


def author_of(found: Mapping[str, Any], info: Mapping[str, Any]) -> Record:
    """Who wrote an object; keys without a value when it does not say."""
    author = mapping(found.get("author_user_info"))
    return {
        "author": line_of(author.get("user_name")),
        "author_id": identifier(author.get("user_id")) or identifier(info.get("user_id")),
    }


def _counters(info: Mapping[str, Any]) -> Record:
    found: Record = {}
    for name, sources in _COUNTERS.items():
        found[name] = next((n for s in sources if (n := count(info.get(s))) is not None), None)
    return found


def _sorted_under(found: Mapping[str, Any]) -> Record:
    tags = [line_of(one.get("tag_name")) for one in entries(found.get("tags"))]
    under = mapping(found.get("category"))
    return {
        "tags": [name for name in tags if name],
        "category": line_of(under.get("category_name")),
        "category_id": identifier(under.get("category_id")),
    }
