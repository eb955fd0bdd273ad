"""What the entries of an answer of Juejin turn out to be, told by what stands in them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from hotstream_reactive.platforms.juejin import places, records
from hotstream_reactive.platforms.values import (
    Record,
    count,
    known,
    line_of,
    mapping,
    moment,
)

_ADVERTISEMENT = 14
_DEEDS = {
    0: "published_article",
    1: "liked_article",
    2: "published_pin",
    3: "liked_pin",
    4: "followed_user",
    5: "followed_tag",
}


class Found:
    """The entries of one list.

    Attributes:
        records: content, repetitions included.
        others: what is no content but worth telling.
        ads: how many advertisements were dropped.
        unreadable: how many entries were of no known form.
    """

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.others: list[Record] = []
        self.ads = 0
        self.unreadable = 0
        self._wrappers: set[str] = set()

    def take(self, entry: Mapping[str, Any], rank: int, *, is_alone: bool = False) -> None:
        """Sort one entry in, `rank` being its place."""
        if "result_model" in entry:
            self._wrappers.add("search")
            self._sort(mapping(entry.get("result_model")), rank, hits=entry)
        elif "item_info" in entry:
            self._wrappers.add("home_feed")
            if count(entry.get("item_type")) == _ADVERTISEMENT:
                self.ads += 1
            else:
                self._sort(mapping(entry.get("item_info")), rank)
        elif "target_data" in entry or "target_type" in entry:
            self._wrappers.add("user_dynamic")
            self._sort(mapping(entry.get("target_data")), rank, deed=_deed(entry))
        elif "advert_id" in entry:
            self.ads += 1
        else:
            self._sort(entry, rank, is_alone=is_alone)

    def _sort(
        self,
        entry: Mapping[str, Any],
        rank: int,
        *,
        hits: Mapping[str, Any] | None = None,
        deed: Record | None = None,
        is_alone: bool = False,
    ) -> None:
        record, is_content = _read(entry, rank, hits)
        listed_by_itself = hits is None and deed is None
        if record is None:
            self.unreadable += not is_alone
        elif is_content or (listed_by_itself and record["kind"] in _LISTED_BY_THEMSELVES):
            self.records.append(record | (deed or {}))
        elif not is_alone or record["kind"] != "account":
            self.others.append(record | (deed or {}))

    def tell(self, info: dict[str, Any]) -> None:
        """Note what was no content, and repetitions."""
        if self.ads:
            info["ads_skipped"] = self.ads
        if self.others:
            info["other_results"] = self.others
        if self.unreadable:
            info["unreadable"] = self.unreadable
        unique = len({record["id"] for record in self.records})
        if unique != len(self.records):
            info["unique_count"] = unique

    def kind(self, data: Any, cursor: Any) -> str:
        """The kind of a list whose address is not known, by what stands in it."""
        if self._wrappers:
            return min(self._wrappers)
        kinds = {record["kind"] for record in self.records}
        if kinds == {"article"}:
            if isinstance(data, dict):
                return "article"
            first = mapping(data[0]) if isinstance(data, list) and data else {}
            if "content_counter" in first:
                return "hot_list"
            return self._article_list(cursor)
        return _KINDS.get(min(kinds), "list") if len(kinds) == 1 else "list"

    def _article_list(self, cursor: Any) -> str:
        authors = {record.get("author_id") for record in self.records}
        if len(authors) == 1 and not _is_feed_cursor(cursor):
            return "user_articles"
        common = set(self.records[0].get("tags", []))
        for record in self.records[1:]:
            common &= set(record.get("tags", []))
        if common:
            return "tag_feed"
        categories = {record.get("category_id") for record in self.records}
        return "category_feed" if len(categories) == 1 else "home_feed"


_Reader = Callable[[Mapping[str, Any]], Record | None]
# The first key that an object has tells what it is.
_FORMS: tuple[tuple[str, _Reader, bool], ...] = (
    ("article_info", records.article, True),
    ("msg_Info", records.pin, True),
    ("msg_info", records.pin, True),
    ("theme", places.theme, False),
    ("content_info", records.news, True),
    ("column_version", places.column, False),
    ("tag_name", places.tag, False),
    ("tag", places.tag, False),
    ("topic", places.topic, False),
    ("category_name", places.category, False),
    ("category", places.category, False),
    ("user_name", places.account, False),
    ("user", places.account, False),
)
_LISTED_BY_THEMSELVES = frozenset({"topic", "tag", "category", "column"})
_KINDS = {
    "pin": "pins",
    "topic": "theme_list",
    "tag": "tag_list",
    "category": "category_list",
    "column": "column_list",
    "news": "news_list",
}


def _read(
    entry: Mapping[str, Any], rank: int, hits: Mapping[str, Any] | None
) -> tuple[Record | None, bool]:
    """The record of an object, and whether it is content by itself."""
    if "content_counter" in entry or "content_id" in mapping(entry.get("content")):
        return records.hot_entry(entry, rank), True
    if "article_info" in entry:
        return records.article(entry, hits), True
    for key, reader, is_content in _FORMS:
        if entry.get(key):
            return reader(entry), is_content
    return None, False


def _deed(entry: Mapping[str, Any]) -> Record:
    """What a watched account did, and when."""
    action = count(entry.get("action"))
    return known(
        {
            "verb": _DEEDS.get(action, f"action_{action}") if action is not None else None,
            "activity_time": moment(entry.get("time")),
            "actor": line_of(mapping(entry.get("user")).get("user_name")),
        }
    )


def _is_feed_cursor(cursor: Any) -> bool:
    """Whether a cursor is that of a recommendation feed: base64 of a small JSON object."""
    if not isinstance(cursor, str) or len(cursor) < 8 or cursor.isdigit():
        return False
    try:
        return base64.b64decode(cursor, validate=True).startswith(b"{")
    except (binascii.Error, ValueError):
        return False
