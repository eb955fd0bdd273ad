"""Reads one list page by page until there is enough or no more."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from hotstream_reactive.model.page import ParsedPage
from hotstream_reactive.platforms.progress import TargetProgress
from hotstream_reactive.platforms.zhihu.client import ZhihuClient
from hotstream_reactive.platforms.zhihu.query import Target, Wishes
from hotstream_reactive.platforms.zhihu.visit import visit

Record = dict[str, Any]

#: So many rounds without anything new end a list that does not say that it ends.
_BARREN_ROUNDS = 3
_ROUNDS_AT_MOST = 500


async def walk(
    client: ZhihuClient,
    target: Target,
    wished: Wishes,
    *,
    limit: int,
    own: TargetProgress,
    seen: set[str],
    save: Callable[[], Awaitable[None]],
) -> AsyncGenerator[Record, None]:
    """Yield the wished records of a list in its order, exactly up to the limit.

    Args:
        client: where pages come from.
        target: what is read.
        wished: which records count.
        limit: how many to deliver, those of earlier runs (`own.items`) included.
        own: the progress, continued and kept up to date.
        seen: ids that were read already, for other targets too; added to.
        save: stores the progress; called after each page, when its records were yielded.

    Raises:
        ScrapeError: as `ZhihuClient.open` and `Visit` do.
    """
    seen.update(own.seen)
    if own.items >= limit:
        return
    async with visit(client, target) as page:
        here: set[str] = set()
        barren = 0
        data: ParsedPage | None = await page.first(own.page)
        for _ in range(_ROUNDS_AT_MOST):
            records = data.records if data is not None else []
            fresh = [one for one in records if _key(one) not in here]
            here.update(_key(one) for one in fresh)
            for record in _unseen(fresh, own, seen):
                if not wished.wants(record):
                    continue
                own.items += 1
                yield record
                if own.items >= limit:
                    return
            if _is_last(data, target, wished):
                return
            barren = 0 if fresh else barren + 1
            if barren >= _BARREN_ROUNDS:
                own.message = f"{target.name}: no more came, although the list did not end"
                return
            own.page = page.number
            if fresh:
                await save()
            data = await page.more()
        own.message = f"{target.name}: stopped after {_ROUNDS_AT_MOST} rounds"


def _key(record: Record) -> str:
    return f"{record['kind']}:{record['id']}"


def _unseen(records: list[Record], own: TargetProgress, seen: set[str]) -> list[Record]:
    fresh = []
    for record in records:
        key = _key(record)
        if key not in seen:
            seen.add(key)
            own.seen.append(key)
            fresh.append(record)
    return fresh


def _is_last(data: ParsedPage | None, target: Target, wished: Wishes) -> bool:
    if data is None:
        return False
    if data.info.get("is_end") is True:
        return True
    if target.page_kind in ("hot_list", "top_search"):
        return True  # they are all on one page and do not always say so
    return target.newest and bool(data.records) and all(map(wished.is_past, data.records))
