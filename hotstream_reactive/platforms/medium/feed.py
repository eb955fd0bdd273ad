"""Medium's RSS feeds as raw records."""

from __future__ import annotations

import io
import re
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborHTMLParser

from hotstream_reactive.model.item import iso_utc
from hotstream_reactive.platforms.medium.links import (
    article_id,
    handle_in,
    publication_in,
    without_query,
)
from hotstream_reactive.platforms.plaintext import plain_text
from hotstream_reactive.platforms.values import Record, known, line_of, moment, text_of, unescaped

# A copy out of a browser window begins with the browser's notice, or with its viewer's markup.
_BEGIN = re.compile(r"<\?xml|<rss[\s>]|<feed[\s>]", re.IGNORECASE)
_LOOKED_AT_CHARS = 4_000
_STORIES_BY = re.compile(r"Stories by (?P<name>.+?)(?: on Medium)?", re.DOTALL)
_MORE = re.compile(r"continue reading on ", re.IGNORECASE)
_LINK_TO_MORE = "p.medium-feed-link, p.medium-feed-image"


class Feed(NamedTuple):
    """A feed: its kind, title and account, its stories, and how many entries were none."""

    kind: str
    title: str
    profile: dict[str, Any] | None
    records: list[Record]
    unreadable: int


def feed_in(page: str) -> str | None:
    """The feed in a text, what stands before it cut off; None when the text holds none."""
    head = page[:_LOOKED_AT_CHARS]
    found = _BEGIN.search(head)
    if found is None:
        return None
    bare = page[found.start() :]
    opening = bare[:_LOOKED_AT_CHARS].lower()
    if "<rss" not in opening and "<feed" not in opening:
        return None
    # A page that shows a feed as an example has markup of its own in front of it.
    before = head[: found.start()].lower()
    if "<body" in before and "xml-viewer" not in before:
        return None
    return bare


def read(xml: str) -> Feed:
    """Read a feed."""
    # Slow to import, and many runs read no feed.
    import feedparser

    # As bytes in a file: given a text, feedparser would open it as an address or a path.
    parsed = feedparser.parse(
        io.BytesIO(xml.encode("utf-8", "replace")),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    title, link = line_of(parsed.feed.get("title")), text_of(parsed.feed.get("link"))
    kind, profile = _kind(title, link)
    found = [_record(entry, kind) for entry in parsed.entries]
    records = [record for record in found if record is not None]
    return Feed(kind, title, profile, records, len(found) - len(records))


def _kind(title: str, link: str) -> tuple[str, dict[str, Any] | None]:
    words = [word for word in urlsplit(link).path.split("/") if word] if link else []
    if words and words[0] == "tag":
        return "tag_rss", None
    stories = _STORIES_BY.fullmatch(title)
    if stories is not None or (words and words[0].startswith("@")):
        profile = {"handle": handle_in(link), "name": stories["name"] if stories else None}
        return "user_rss", known(profile)
    if "tagged" in words:
        return "publication_tag_rss", None
    name = title.removesuffix(" - Medium").removesuffix(" — Medium").strip()
    slug = unquote(words[0]) if words and urlsplit(link).hostname == "medium.com" else None
    return "publication_rss", known({"handle": slug, "name": name})


def _record(entry: Any, kind: str) -> Record | None:
    guid, link = text_of(entry.get("id")), without_query(text_of(entry.get("link")))
    identity = article_id(guid) or article_id(link)
    if identity is None:
        return None
    html = _body(entry)
    text, is_piece = _text(html)
    record = known(
        {
            "source": "rss",
            "id": identity,
            "kind": "article",
            "title": unescaped(entry.get("title")),
            "text": text,
            "author": line_of(entry.get("author")),
            "handle": handle_in(link),
            "created_at": _time(entry.get("published_parsed")),
            "updated_at": moment(entry.get("updated")) or _time(entry.get("updated_parsed")),
            "url": link,
            "article_url": link,
            "tags": _tags(entry),
            "publication_slug": publication_in(link),
            "html": html,
        }
    )
    if is_piece:
        record["partial"] = True
        if kind != "tag_rss" and "content" not in entry:
            # Feeds of tags give a piece of every story, the others only of those for members.
            record["locked"] = True
    return record


def _body(entry: Any) -> str:
    for content in entry.get("content") or []:
        if value := text_of(content.get("value")):
            return value
    return text_of(entry.get("summary"))


def _text(html: str) -> tuple[str, bool]:
    """The text of an entry, and whether it is only a piece of the story."""
    if not html:
        return "", True
    tree = LexborHTMLParser(html)
    is_piece = False
    for node in tree.css(_LINK_TO_MORE):
        is_piece = is_piece or _MORE.search(node.text()) is not None
        node.decompose()
    lines = plain_text(tree.body).splitlines() if tree.body is not None else []
    while lines and (not lines[-1].strip() or _MORE.match(lines[-1])):
        is_piece = is_piece or bool(lines[-1].strip())
        lines.pop()
    return "\n".join(lines), is_piece


def _tags(entry: Any) -> list[str]:
    found = (text_of(tag.get("term")) for tag in entry.get("tags") or [])
    return list(dict.fromkeys(tag for tag in found if tag))


def _time(parsed: time.struct_time | None) -> str | None:
    if parsed is None:
        return None
    try:
        return iso_utc(datetime(*parsed[:6], tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
