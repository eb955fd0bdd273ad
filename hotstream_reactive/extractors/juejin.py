"""Raw records of Juejin as items."""

from __future__ import annotations

from typing import Any

from hotstream_reactive.extractors.base import DataExtractor
from hotstream_reactive.model.item import DataItem

_PLATFORM = "juejin"
_COPIED = (
    "kind",
    "author_id",
    "likes",
    "replies",
    "views",
    "collects",
    "heat",
    "rank",
    "tags",
    "tag_ids",
    "category",
    "category_id",
    "topic",
    "topic_id",
    "theme",
    "articles",
    "followers",
    "pins",
    "brief",
    "partial",
    "cover",
    "media_urls",
    "links",
    "card_title",
    "updated_at",
    "verb",
    "activity_time",
    "actor",
)


class JuejinExtractor(DataExtractor):
    """Makes ``juejin_<id>`` items out of the records of `platforms.juejin`.

    `metadata` holds, each only where the source says it: ``kind`` (``article``, ``pin``,
    ``topic``, ``tag``, ``category``, ``column``, ``news``), ``author_id``, ``author_url``, the
    counters ``likes``, ``replies``, ``views``, ``collects``, ``heat``, ``articles``,
    ``followers``, ``pins``; ``rank`` (place in the hot list), ``tags`` (names), ``tag_ids``,
    ``category``, ``category_id``, ``topic``, ``topic_id``, ``theme``, ``brief``, ``partial``
    (`content` is only the summary), ``cover``, ``media_urls``, ``links``, ``card_title``,
    ``updated_at``; of an account's activities ``verb``, ``activity_time`` and ``actor``.
    """

    async def extract(self, raw_data: dict[str, Any]) -> DataItem:
        """Make one item.

        Raises:
            ValueError: the record has no id.
        """
        identity = raw_data.get("id")
        if not isinstance(identity, str) or not identity:
            raise ValueError(f"a record of Juejin needs its id as text, not {identity!r}")
        metadata = {key: raw_data[key] for key in _COPIED if raw_data.get(key) is not None}
        if author_id := raw_data.get("author_id"):
            metadata["author_url"] = f"https://juejin.cn/user/{author_id}"
        return DataItem(
            id=f"{_PLATFORM}_{identity}",
            platform=_PLATFORM,
            content=raw_data.get("text") or "",
            title=raw_data.get("title"),
            author=raw_data.get("author"),
            url=raw_data.get("url"),
            created_at=raw_data.get("created_at"),
            metadata=metadata,
            raw_data=raw_data,
        )
