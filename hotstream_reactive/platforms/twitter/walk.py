"""Reads one account or query page by page until there is enough or no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from hotstream_reactive.errors import ScrapeError
from hotstream_reactive.model.page import ParsedPage
from hotstream_reactive.platforms.progress import TargetProgress
from hotstream_reactive.platforms.twitter.client import NitterClient
from hotstream_reactive.platforms.twitter.conversation import main_first
from hotstream_reactive.platforms.twitter.ordering import NewestFirst
from hotstream_reactive.platforms.twitter.query import Target, Wishes

Record = dict[str, Any]

# A page has about twenty posts; a quarter of that as the worst case keeps the number bounded.
_POSTS_PER_PAGE_AT_LEAST = 5
_SPARE_PAGES = 10
_BARREN_PAGES = 15


async def walk(
    client: NitterClient,
    target: Target,
    wished: Wishes,
    *,
    limit: int,
    own: TargetProgress,
    seen: set[str],
    save: Callable[[], Awaitable[None]],
) -> AsyncIterator[Record]:
    """Yield the wished posts of a target, newest first, exactly up to the limit.

    On an error, what was read and only waited for its place is yielded before it is raised.

    Args:
        client: where pages come from.
        target: what is read.
        wished: which posts count.
        limit: how many to deliver, those of earlier runs (`own.items`) included.
        own: the progress, continued and kept up to date.
        seen: ids that were read already, for other targets too; added to.
        save: stores the progress; called after each page, when its posts were yielded.

    Raises:
        ScrapeError: as `NitterClient.fetch` does.
    """
    seen.update(own.seen)
    order = NewestFirst(own.held)
    last_page = own.pages + _SPARE_PAGES + limit // _POSTS_PER_PAGE_AT_LEAST
    barren = 0
    failure: ScrapeError | None = None
    while own.items < limit:
        path = target.first_page if own.cursor is None else target.path + own.cursor
        try:
            page = await _page(client, target, path)
        except ScrapeError as error:
            failure = error
            break
        fresh = _unseen(page.records, seen)
        own.seen += [record["id"] for record in fresh]
        own.pages += 1
        ready = order.add_page(fresh) if target.ordered else _undated(fresh)
        before = own.items
        for record in _wished(ready, wished):
            own.items += 1
            yield record
            if own.items >= limit:
                return
        barren = 0 if own.items > before else barren + 1
        own.cursor = page.next_cursor
        if own.cursor is None or not fresh or _is_past(order.bound, wished):
            break
        if barren >= _BARREN_PAGES or own.pages >= last_page:
            own.message = f"stopped after {own.pages} pages"
            break
        own.held = order.held
        await save()
    for record in _wished(order.flush(), wished):
        if own.items < limit:
            own.items += 1
            yield record
    own.held = []
    if failure is not None:
        raise failure


async def _page(client: NitterClient, target: Target, path: str) -> ParsedPage:
    answer = await client.fetch(path, account=target.account, what=_what(target), post=target.post)
    return answer.page


def _what(target: Target) -> str:
    if target.post is not None:
        return f"post {target.name}"
    return f"account {target.name}" if target.account else f"search {target.name!r}"


def _unseen(records: Iterable[Record], seen: set[str]) -> list[Record]:
    fresh = []
    for record in records:
        if record["id"] not in seen:
            seen.add(record["id"])
            fresh.append(record)
    return fresh


def _undated(records: Iterable[Record]) -> list[tuple[Record, float]]:
    return [(record, float("-inf")) for record in main_first(records)]


def _wished(ready: Iterable[tuple[Record, float]], wished: Wishes) -> Iterator[Record]:
    for record, moment_ms in ready:
        # The date of a repost is that of the original; what counts is when it was passed on.
        day = _day(moment_ms) if record["is_repost"] else (record["created_at"] or "")[:10]
        if wished.wants(record, day):
            yield record


def _is_past(bound_ms: float, wished: Wishes) -> bool:
    day = _day(bound_ms)
    return wished.since is not None and bool(day) and day < wished.since.isoformat()


def _day(moment_ms: float) -> str:
    if moment_ms == float("-inf"):
        return ""
    return datetime.fromtimestamp(moment_ms / 1000, UTC).date().isoformat()
