"""Raw posts of Nitter pages and feeds as items."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hotstream_reactive.extractors.base import DataExtractor
from hotstream_reactive.model.item import DataItem

_PLATFORM = "twitter"
_COPIED = (
    "handle",
    "likes",
    "reposts",
    "replies",
    "quotes",
    "views",
    "video_views",
    "is_repost",
    "reposted_by",
    "is_pinned",
    "card",
    "poll",
    "links",
    "hashtags",
    "thread",
    "conversation",
    "community_note",
    "place",
)
_MEDIA_KEYS = {"photo": "photos", "video": "videos", "gif": "gifs"}


class TwitterExtractor(DataExtractor):
    """Makes ``twitter_<status id>`` items out of the records of `platforms.twitter`.

    `metadata` holds, each only where the page says it: ``handle``, ``author_url``, the counters
    ``likes``, ``reposts``, ``replies``, ``quotes``, ``views``, ``video_views`` (integers),
    ``is_repost``, ``reposted_by``, ``is_pinned``, ``is_reply``, ``reply_to`` (handles), ``quote``
    (``id``, ``handle``, ``author``, ``text``, …, or ``unavailable``), ``media`` (``photos``,
    ``videos``, ``gifs``), ``media_urls``, ``card`` (``url``, ``title``, ``description``,
    ``destination``), ``card_title``, ``poll``, ``links``, ``hashtags``, ``thread``
    (``position``, ``size``), ``conversation`` (``part``: ``main``, ``before``, ``after`` or
    ``reply``; ``root``: id of the post it is about), ``community_note``, ``place`` and
    ``alt_texts`` (what pictures show, for those who do not see them).
    """

    async def extract(self, raw_data: dict[str, Any]) -> DataItem:
        """Make one item.

        Raises:
            ValueError: the record has no status id.
        """
        post_id = raw_data.get("id")
        if not isinstance(post_id, str) or not post_id.isascii() or not post_id.isdigit():
            raise ValueError(f"a post needs its status id as digits, not {post_id!r}")
        handle = raw_data.get("handle")
        return DataItem(
            id=f"{_PLATFORM}_{post_id}",
            platform=_PLATFORM,
            content=raw_data.get("text") or "",
            author=raw_data.get("author") or handle,
            url=f"https://x.com/{handle or 'i'}/status/{post_id}",
            created_at=raw_data.get("created_at"),
            metadata=_metadata(raw_data, handle),
            raw_data=raw_data,
        )


def _metadata(record: dict[str, Any], handle: str | None) -> dict[str, Any]:
    metadata = {key: record[key] for key in _COPIED if record.get(key) is not None}
    if handle:
        metadata["author_url"] = f"https://x.com/{handle}"
    reply_to = record.get("reply_to") or []
    metadata["is_reply"] = bool(reply_to)
    if reply_to:
        metadata["reply_to"] = reply_to
    if "title" in record.get("card", {}):
        metadata["card_title"] = record["card"]["title"]
    if media := record.get("media"):
        metadata["media"] = _counted(media)
        if urls := [entry["url"] for entry in media if entry.get("url")]:
            metadata["media_urls"] = urls
        if described := [entry["alt"] for entry in media if entry.get("alt")]:
            metadata["alt_texts"] = described
    if quote := record.get("quote"):
        metadata["quote"] = _quote(quote)
    return metadata


def _counted(media: list[dict[str, Any]]) -> dict[str, int]:
    kinds = Counter(entry["kind"] for entry in media)
    return {_MEDIA_KEYS[kind]: kinds[kind] for kind in _MEDIA_KEYS if kinds[kind]}


def _quote(quote: dict[str, Any]) -> dict[str, Any]:
    result = {key: value for key, value in quote.items() if key != "media"}
    if media := quote.get("media"):
        result["media"] = _counted(media)
        if urls := [entry["url"] for entry in media if entry.get("url")]:
            result["media_urls"] = urls
    return result
