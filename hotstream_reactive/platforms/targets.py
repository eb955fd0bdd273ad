"""Reads the accounts or keywords of a task one after the other: limits, checkpoints, report.

What is common to platforms of one site; how a page is fetched is the platform's own affair.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from hotstream_reactive.errors import PermanentError, RateLimited, ScrapeError
from hotstream_reactive.platforms.base import RunContext
from hotstream_reactive.platforms.ending import DELIVERED, again, note, nothing_read
from hotstream_reactive.platforms.options import window
from hotstream_reactive.platforms.progress import Mode, TargetProgress, resumed
from hotstream_reactive.platforms.values import Record

# When a site refuses so many targets in a row, asking for fifty more only annoys it.
_GIVE_UP_AFTER = 3
# A page has ten or twenty entries; five as the worst case keeps the number of pages bounded.
_RECORDS_PER_PAGE_AT_LEAST = 5
_SPARE_PAGES = 10
_BARREN_PAGES = 3


class Batch(NamedTuple):
    """One page: its records, where to go on (None: there is no more), what to tell about it."""

    records: list[Record]
    cursor: str | None = None
    note: str = ""


class Target(NamedTuple):
    """One list to read.

    `fetch` gives the page at a cursor, the first one for None. `ordered` says whether the list is
    newest first, so that reading may end at the first page that is too old.
    """

    name: str
    fetch: Callable[[str | None], Awaitable[Batch]]
    ordered: bool = False


class Reading:
    """One run over its targets.

    Args:
        context: of the run.
        mode: whether limits are per target (`monitor`) or of all together (`search`).
        targets: what to read, each name once.
        report: added to, one entry per target.
        invalid: the errors of targets that cannot even be asked for, by the name given.
    """

    def __init__(
        self,
        context: RunContext,
        mode: Mode,
        targets: Sequence[Target],
        report: list[dict[str, Any]],
        invalid: Mapping[str, PermanentError] | None = None,
    ) -> None:
        self._context = context
        self._mode = mode
        self._targets = list(targets)
        self._report = report
        self._invalid = dict(invalid or {})
        self._window = window(context.options)
        self._failures: list[ScrapeError] = []
        self._failed_in_a_row = 0
        self._asked_to_wait = False
        # A page of which only a share was taken is not asked for again.
        self._kept: dict[str, tuple[str | None, Batch]] = {}
        names = [target.name for target in self._targets]
        self._progress = resumed(context.checkpoint, mode, names)

    async def records(self, limit: int) -> AsyncIterator[Record]:
        """Yield the records of all targets, exactly up to the limit, none twice.

        A target that cannot be read does not keep the others from being read. It is an error of
        the run only when trying again may mend it, or when no target could be read.

        Raises:
            ScrapeError: after all targets were tried.
        """
        reading = self._fairly(limit) if self._mode == "search" else self._each(limit)
        async for record in reading:
            yield record
        await self._finish()

    async def _each(self, limit: int) -> AsyncIterator[Record]:
        for target in self._targets:
            async for record in self._read(target, limit, set()):
                yield record

    async def _fairly(self, limit: int) -> AsyncIterator[Record]:
        """Each keyword gets its share; what one does not use goes to the others."""
        seen: set[str] = set()
        waiting = [one for one in self._targets if not self._progress.of(one.name).done]
        while waiting and (room := limit - self._delivered()) > 0:
            for position, target in enumerate(waiting):
                share = math.ceil((limit - self._delivered()) / (len(waiting) - position))
                own = self._progress.of(target.name)
                if share > 0:
                    async for record in self._read(target, own.items + share, seen):
                        yield record
            waiting = [one for one in waiting if self._may_go_on(one)]
            if limit - self._delivered() == room:
                break
        for target in self._targets:
            own = self._progress.of(target.name)
            own.done = own.done or own.outcome in DELIVERED

    def _delivered(self) -> int:
        return sum(one.items for one in self._progress.targets.values())

    def _may_go_on(self, target: Target) -> bool:
        own = self._progress.of(target.name)
        return not own.done and own.outcome in DELIVERED

    async def _read(self, target: Target, limit: int, seen: set[str]) -> AsyncIterator[Record]:
        own = self._progress.of(target.name)
        if own.done:
            return
        if self._asked_to_wait or self._failed_in_a_row >= _GIVE_UP_AFTER:
            own.outcome = "not_tried"
            own.message = f"{target.name}: not asked, the site refused those before"
            return
        if own.outcome not in DELIVERED:
            own.message = ""
        own.outcome = ""
        try:
            async for record in self._walk(target, own, limit, seen):
                yield record
        except ScrapeError as error:
            own.outcome, own.message = error.kind, str(error)
            own.done = isinstance(error, PermanentError)
            if not own.done:
                self._failures.append(error)
                self._failed_in_a_row += 1
                self._asked_to_wait = isinstance(error, RateLimited)
        else:
            own.outcome = "ok" if own.items or limit <= 0 else "empty"
            own.done = own.done or self._mode == "monitor"
            self._failed_in_a_row = 0
        await self._save()

    async def _walk(
        self, target: Target, own: TargetProgress, limit: int, seen: set[str]
    ) -> AsyncIterator[Record]:
        seen.update(own.seen)
        wanted = max(limit - own.items, 0)
        last_page = own.pages + _SPARE_PAGES + wanted // _RECORDS_PER_PAGE_AT_LEAST
        barren = 0
        while own.items < limit:
            batch = await self._page(target, own)
            fresh = False
            for record in batch.records:
                if record["id"] in seen:
                    continue
                seen.add(record["id"])
                own.seen.append(record["id"])
                fresh = True
                if self._window.holds(record):
                    own.items += 1
                    yield record
                    if own.items >= limit:
                        return
            barren = 0 if fresh else barren + 1
            too_old = target.ordered and self._window.is_past(batch.records)
            repeated = batch.cursor == own.cursor
            own.cursor = batch.cursor
            if own.pages >= last_page and own.cursor is not None:
                own.message = f"stopped after {own.pages} pages"
                own.cursor = None
            if own.cursor is None or repeated or too_old or barren >= _BARREN_PAGES:
                own.done = True
                return
            await self._save()

    async def _page(self, target: Target, own: TargetProgress) -> Batch:
        kept = self._kept.get(target.name)
        if kept is not None and kept[0] == own.cursor:
            return kept[1]
        batch = await target.fetch(own.cursor)
        own.pages += 1
        if batch.note and batch.note not in own.message:
            own.message = f"{own.message}; {batch.note}" if own.message else batch.note
        self._kept[target.name] = (own.cursor, batch)
        return batch

    async def _save(self) -> None:
        await self._context.save_checkpoint(self._progress.saved())

    async def _finish(self) -> None:
        for name, error in self._invalid.items():
            note(
                self._report,
                self._context.log,
                name,
                TargetProgress(outcome=error.kind, message=str(error)),
            )
        outcomes = [self._progress.of(target.name) for target in self._targets]
        for target, own in zip(self._targets, outcomes, strict=True):
            note(self._report, self._context.log, target.name, own)
        if waiting := [one for one in outcomes if not one.done]:
            raise again(self._failures, len(waiting), len(outcomes))
        if failure := nothing_read(outcomes, self._invalid.values()):
            raise failure
        # All is done: the next run of the same task starts from the front.
        await self._context.save_checkpoint({})
