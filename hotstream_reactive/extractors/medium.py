"""Raw posts of Medium as items."""

from __future__ import annotations

import re
from typing import Any

from hotstream_reactive.extractors.base import DataExtractor
from hotstream_reactive.model.item import DataItem

_PLATFORM = "medium"
_ID = re.compile(r"[0-9a-f]{8,12}")
_COPIED = (
    "kind",
    "handle",
    "author_id",
    "article_url",
    "subtitle",
    "likes",
    "recommends",
    "replies",
    "reading_time_min",
    "tags",
    "publication",
    "publication_slug",
    "locked",
    "partial",
    "updated_at",
    "language",
    "reply_to",
)


class MediumExtractor(DataExtractor):
    """Makes ``medium_<hexadecimal id>`` items out of the records of `platforms.medium`.

    `url` is the address that the source states, else ``https://medium.com/p/<id>``, which stands
    in ``metadata.permalink`` in any case. `metadata` holds, each only where the source says it:
    ``kind`` (``article``), ``handle``, ``author_id``, ``author_url``, ``article_url``,
    ``subtitle``, ``likes`` (claps), ``recommends`` (people who clapped), ``replies``,
    ``reading_time_min`` (minutes), ``tags`` (slugs), ``publication``, ``publication_slug``,
    ``locked`` (for members only), ``partial`` (`content` is only a part of the story),
    ``updated_at``, ``language`` and ``reply_to`` (id of the story it answers). The HTML stays in
    `raw_data`.
    """

    async def extract(self, raw_data: dict[str, Any]) -> DataItem:
        """Make one item.

        Raises:
            ValueError: the record has no id.
        """
        identity = raw_data.get("id")
        if not isinstance(identity, str) or not _ID.fullmatch(identity):
            raise ValueError(f"a story needs its hexadecimal id, not {identity!r}")
        permalink = f"https://medium.com/p/{identity}"
        handle = raw_data.get("handle")
        metadata = {key: raw_data[key] for key in _COPIED if raw_data.get(key) is not None}
        metadata["permalink"] = permalink
        if handle:
            metadata["author_url"] = f"https://medium.com/@{handle}"
        return DataItem(
            id=f"{_PLATFORM}_{identity}",
            platform=_PLATFORM,
            content=raw_data.get("text") or "",
            title=raw_data.get("title"),
            author=raw_data.get("author") or handle,
            url=raw_data.get("url") or permalink,
            created_at=raw_data.get("created_at"),
            metadata=metadata,
            raw_data=raw_data,
        )
