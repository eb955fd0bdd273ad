"""The platform `feeds`: RSS and Atom, a whole platform in one file.

The operator names the feeds; tasks use their names, so that no task can choose an address:

    [platforms.feeds.config]
    python = "https://blog.python.org/feeds/posts/default"
"""

from __future__ import annotations

import calendar
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import anyio.to_thread

from hotstream_reactive import (
    BlockedError,
    DataItem,
    PermanentError,
    PlatformAdapter,
    SearchOptions,
    TransientError,
)
from hotstream_reactive.fetch.http import HttpClient
from hotstream_reactive.platforms.plaintext import plain_text


class FeedsAdapter(PlatformAdapter):
    """Reads feeds by the names that `platforms.feeds.config` gives them."""

    platform_name = "feeds"

    async def search(self, keywords: list[str], options: SearchOptions) -> AsyncIterator[DataItem]:
        """Yield entries of all feeds that hold any of the keywords, whatever their case."""
        words = [word.casefold() for word in keywords]
        given = 0
        for name in self.context.platform.config:
            for item in await self._entries(name):
                text = f"{item.title}\n{item.content}".casefold()
                if any(word in text for word in words):
                    yield item
                    given += 1
                    if given == options.limit:
                        return

    async def monitor_accounts(self, accounts: list[str], limit: int) -> AsyncIterator[DataItem]:
        """Yield the newest entries of the named feeds."""
        for name in accounts:
            for item in (await self._entries(name))[:limit]:
                yield item

    async def _entries(self, name: str) -> list[DataItem]:
        feeds = self.context.platform.config
        if name not in feeds:
            raise PermanentError(
                f"no feed {name!r}: platforms.feeds.config has {', '.join(feeds) or 'none'}",
                kind="no_such_account",
            )
        await self.context.pace()  # before each request
        async with HttpClient.for_platform(
            self.context.fetch,
            self.context.platform,
            trusted=[str(address) for address in feeds.values()],
        ) as http:
            answer = await http.get(str(feeds[name]))
        if answer.status >= 500:
            raise TransientError(f"feed {name!r}: HTTP {answer.status}", kind="http")
        if answer.status >= 400:
            raise BlockedError(f"feed {name!r}: HTTP {answer.status}", kind="http")
        # Slow for long feeds, and the event loop is for everybody.
        parsed = await anyio.to_thread.run_sync(_parse, answer.text)
        if not parsed.version:
            raise BlockedError(f"feed {name!r}: the answer is no feed", kind="unknown_answer")
        return [item for entry in parsed.entries if (item := _item(name, entry))]


def _parse(text: str) -> Any:
    import feedparser  # slow to import, and an idle worker loads every plugin

    # As bytes in a file: given a text, feedparser would open it as an address or a path.
    return feedparser.parse(
        io.BytesIO(text.encode("utf-8", "replace")),
        response_headers={"content-type": "application/xml; charset=utf-8"},
    )


def _item(feed: str, entry: Any) -> DataItem | None:
    own_id = entry.get("id") or entry.get("link")
    if not own_id:
        return None
    told = entry.get("published_parsed") or entry.get("updated_parsed")
    return DataItem(
        id=f"feeds_{own_id}",
        platform="feeds",
        title=entry.get("title"),
        content=plain_text(entry.get("summary", "")),
        author=entry.get("author"),
        url=entry.get("link"),
        created_at=datetime.fromtimestamp(calendar.timegm(told), UTC) if told else None,
        metadata={"feed": feed},
    )
