"""Raw records of Zhihu as items."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hotstream_reactive.extractors.base import DataExtractor
from hotstream_reactive.model.item import DataItem

_PLATFORM = "zhihu"
_ON_ITEM = frozenset({"id", "title", "author", "text", "created_at", "url"})
_MEDIA_KEYS = {"photo": "photos", "video": "videos"}


class ZhihuExtractor(DataExtractor):
    """Makes ``zhihu_<kind>_<id>`` items out of the records of `platforms.zhihu`.

    The kind is part of the id because answers, articles and the others count separately. It is one
    of answer, article, question, pin, zvideo, comment, story (of the Daily) and search_term.

    `metadata` holds, each only where the source says it: ``kind``, ``handle``, ``author_id``,
    ``author_url``, ``anonymous``, ``updated_at``, the counters ``likes``, ``replies``,
    ``reposts``, ``collects``, ``views``, ``video_views``, ``answers``, ``followers``, ``thanks``
    (integers), ``question`` (``id``, ``title``), ``column``, ``tags``, ``links``, ``media``
    (``photos``, ``videos``), ``media_urls``, ``card``, ``card_title``, ``is_repost``, ``quote``,
    ``reply_to``; of hot lists ``rank``, ``heat``, ``heat_text``; of search terms ``query``; of
    activities ``verb``, ``activity_time``, ``activity_id``, ``action_text`` and ``actor``, while
    the author stays the one who wrote it.
    """

    async def extract(self, raw_data: dict[str, Any]) -> DataItem:
        """Make one item.

        Raises:
            ValueError: the record has no id or no kind.
        """
        identity, kind = raw_data.get("id"), raw_data.get("kind")
        if not isinstance(identity, str) or not identity or not isinstance(kind, str) or not kind:
            raise ValueError(f"a record needs an id and a kind, not {identity!r} and {kind!r}")
        return DataItem(
            id=f"{_PLATFORM}_{kind}_{identity}",
            platform=_PLATFORM,
            content=raw_data.get("text") or "",
            title=raw_data.get("title"),
            author=raw_data.get("author"),
            url=raw_data.get("url"),
            created_at=raw_data.get("created_at"),
            metadata=_metadata(raw_data),
            raw_data=raw_data,
        )

    def validate(self, data: DataItem) -> bool:
        """Say whether the item is worth storing: it has a title, a text or something to look at."""
        return bool(data.title or data.content or data.metadata.get("media"))


def _metadata(record: dict[str, Any]) -> dict[str, Any]:
    metadata = {
        key: value
        for key, value in record.items()
        if key not in _ON_ITEM and key != "media" and value is not None
    }
    if title := record.get("card", {}).get("title"):
        metadata["card_title"] = title
    if media := record.get("media"):
        kinds = Counter(entry["kind"] for entry in media)
        metadata["media"] = {_MEDIA_KEYS[kind]: kinds[kind] for kind in _MEDIA_KEYS if kinds[kind]}
        if urls := [entry["url"] for entry in media if entry.get("url")]:
            metadata["media_urls"] = urls
    return metadata
