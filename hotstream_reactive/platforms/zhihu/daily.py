"""The Zhihu Daily (知乎日报): its JSON and the list on its front page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.values import entries, identifier, text_of
from hotstream_reactive.platforms.zhihu import text
from hotstream_reactive.platforms.zhihu.links import public_address
from hotstream_reactive.platforms.zhihu.records import Record
from hotstream_reactive.platforms.zhihu.values import moment

_STORY = re.compile(r"/story/(\d+)")


def is_daily(payload: Mapping[str, Any]) -> bool:
    """Whether an answer is one of the Daily."""
    if isinstance(payload.get("stories"), list):
        return True
    return "share_url" in payload and "body" in payload and "ga_prefix" in payload


def read(payload: Mapping[str, Any], info: dict[str, Any]) -> ParsedPage:
    """Read an edition (``stories``) or one story (``body``)."""
    if "stories" not in payload:
        record = _story(payload)
        return _page([record] if record else [], "daily_story", info)
    if date := text_of(payload.get("date")):
        info["date"] = date
    found = [one for story in entries(payload["stories"]) if (one := _story(story))]
    return _page(found, "daily", info)


def front_page(tree: LexborHTMLParser, info: dict[str, Any]) -> ParsedPage | None:
    """Read the list of stories of the front page; None when it is another page."""
    found: dict[str, Record] = {}
    for link in tree.css("a[href*='/story/']"):
        address = _STORY.search(link.attributes.get("href") or "")
        title = link.css_first(".title")
        if address is None or title is None:
            continue
        found.setdefault(address[1], _record(address[1], " ".join(title.text().split()), ""))
    return _page(list(found.values()), "daily", info) if found else None


def _record(identity: str, title: str, body: str) -> Record:
    return {
        "id": identity,
        "kind": "story",
        "title": title or None,
        "author": None,
        "text": body,
        "created_at": None,
        "url": public_address("story", identity),
    }


def _story(story: Mapping[str, Any]) -> Record | None:
    identity = identifier(story.get("id"))
    if identity is None:
        return None
    content = text.read(story.get("body"))
    record = _record(identity, text.plain(story.get("title")), content.text)
    record["created_at"] = moment(story.get("publish_time"))
    if hint := text_of(story.get("hint")):
        record["hint"] = hint
    if content.links:
        record["links"] = content.links
    images = story.get("images")
    shown = [*content.images, *(images if isinstance(images, list) else [])]
    if media := [{"kind": "photo", "url": one} for one in shown if isinstance(one, str)]:
        record["media"] = media
    return record


def _page(found: list[Record], kind: str, info: dict[str, Any]) -> ParsedPage:
    return ParsedPage(
        outcome=PageOutcome.OK if found else PageOutcome.EMPTY_SUSPECT,
        page_kind=kind,
        records=found,
        failure_kind=None if found else "empty_suspect",
        message=None if found else "an edition without stories",
        info=info,
    )
