"""The adapter: searches, accounts, questions, columns and hot lists of Zhihu."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, ClassVar

from hotstream_reactive.errors import PermanentError, ScrapeError, TransientError
from hotstream_reactive.platforms.base import PlatformAdapter, SearchOptions
from hotstream_reactive.platforms.ending import note, nothing_read
from hotstream_reactive.platforms.progress import Mode, Progress, TargetProgress, resumed
from hotstream_reactive.platforms.zhihu.client import Shared, ZhihuClient
from hotstream_reactive.platforms.zhihu.query import (
    Target,
    Wishes,
    account_target,
    list_target,
    search_targets,
    wishes,
)
from hotstream_reactive.platforms.zhihu.walk import walk

Record = dict[str, Any]

# A page cannot be entered in the middle: a retry reads from its start and knows what it had.
_REMEMBERED_IDS = 5_000
# What keeps failing for a passing reason will do so for the rest of the list, too.
_GIVE_UP_AFTER = 2


class ZhihuAdapter(PlatformAdapter):
    """Reads Zhihu in a browser, with the session file `platforms.zhihu.storage_state`.

    The pages of the site are opened and sign their own requests; the answers they get are read.
    One page is open at a time in the whole process, and the first refusal ends the run.

    Options of a task: `limit`, `since` (inclusive) and `until` (exclusive); of a search `sort`
    (``upvoted_count``, ``created_time``), `vertical` (``answer``, ``article``, ``zvideo``) and
    `time_interval` (``a_day`` … ``a_year``); of a monitor `what` (``answers``, ``articles``,
    ``pins``, ``activities``); `kind` (``hot``, ``topsearch``) reads that list instead, whatever the
    keywords or accounts are.

    Attributes:
        shared: browser, pacing and refusals of the whole process.
        report: one entry per target: ``target``, ``outcome`` (``ok``, ``empty``, ``not_tried`` or
            the kind of the error), ``message``, ``items``.
    """

    platform_name: ClassVar[str] = "zhihu"
    shared: ClassVar[Shared] = Shared()

    def __init__(self) -> None:
        self.report: list[dict[str, Any]] = []
        self._client: ZhihuClient | None = None
        self._retryable: list[ScrapeError] = []

    async def close(self) -> None:
        """Close the browser, when no other run uses it."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def search(self, keywords: list[str], options: SearchOptions) -> AsyncIterator[Record]:
        """Yield what each keyword finds, in the order of the site, `options.limit` in all.

        Raises:
            PermanentError: nothing to search for, a bad option, or no browser.
            SessionNeeded: a person has to sign in.
            RateLimited: the site refuses.
            BlockedError, TransientError: it gives no data.
        """
        wished = wishes(options)
        targets = await self._listed(wished) or search_targets(keywords, wished)
        progress = self._begin("search", targets)
        # What an earlier run had of one keyword is nothing new for another.
        seen = {key for one in progress.targets.values() for key in one.seen}
        for target in targets:
            elsewhere = sum(
                one.items for name, one in progress.targets.items() if name != target.name
            )
            limit = options.limit - elsewhere
            async with aclosing(self._read(target, wished, limit, progress, seen)) as records:
                async for record in records:
                    yield record
        await self._finish(progress, targets, [])

    async def monitor_accounts(self, accounts: list[str], limit: int) -> AsyncIterator[Record]:
        """Yield the newest of each account, column or question, up to `limit` each.

        One that cannot be read does not keep the others from being read, unless the site refuses.

        Raises:
            PermanentError: none could be read and trying again cannot help.
            SessionNeeded: a person has to sign in.
            RateLimited: the site refuses.
            BlockedError, TransientError: it gives no data.
        """
        wished = wishes(self.context.options)
        targets: dict[str, Target] = {one.name: one for one in await self._listed(wished)}
        invalid: list[PermanentError] = []
        for given in accounts if not targets else []:
            try:
                target = account_target(given, wished)
            except PermanentError as error:
                invalid.append(error)
                self._note(given, TargetProgress(outcome=error.kind, message=str(error)))
            else:
                targets.setdefault(target.name, target)
        progress = self._begin("monitor", list(targets.values()))
        for target in targets.values():
            async with aclosing(self._read(target, wished, limit, progress, set())) as records:
                async for record in records:
                    yield record
        await self._finish(progress, list(targets.values()), invalid)

    async def _listed(self, wished: Wishes) -> list[Target]:
        """The one list that `options.kind` names; none when it names none."""
        if not wished.kind:
            return []
        return [list_target(wished.kind, is_signed_in=await self._zhihu().is_signed_in())]

    def _zhihu(self) -> ZhihuClient:
        if self._client is None:
            self._client = ZhihuClient(self.context, self.shared)
        return self._client

    def _begin(self, mode: Mode, targets: list[Target]) -> Progress:
        return resumed(self.context.checkpoint, mode, [target.name for target in targets])

    async def _read(
        self, target: Target, wished: Wishes, limit: int, progress: Progress, seen: set[str]
    ) -> AsyncGenerator[Record, None]:
        """Read one target; a failure is kept until it is clear whether others are to be read."""
        own = progress.of(target.name)

        async def save() -> None:
            # Of a search with several keywords, what one found counts for the others too.
            for_others = progress.mode == "search"
            saved = progress.saved(remembered=_REMEMBERED_IDS, for_others=for_others)
            await self.context.save_checkpoint(saved)

        if not own.done and self._has_to_stop():
            own.outcome, own.message = "not_tried", f"{target.name}: not tried after a refusal"
        elif not own.done:
            own.outcome = own.message = ""
            try:
                walked = walk(
                    self._zhihu(), target, wished, limit=limit, own=own, seen=seen, save=save
                )
                # Closed at once when the reader leaves, so that no page stays open.
                async with aclosing(walked) as records:
                    async for record in records:
                        yield record
            except ScrapeError as error:
                own.outcome, own.message = error.kind, str(error)
                own.done = isinstance(error, PermanentError) and error.kind != "no_browser"
                if not own.done:
                    self._retryable.append(error)
            else:
                own.done = True
                own.outcome = "ok" if own.items or limit <= 0 else "empty"
            await save()
        self._note(target.name, own)

    def _has_to_stop(self) -> bool:
        passing = [one for one in self._retryable if isinstance(one, TransientError)]
        return len(passing) < len(self._retryable) or len(passing) >= _GIVE_UP_AFTER

    def _note(self, name: str, own: TargetProgress) -> None:
        note(self.report, self.context.log, name, own)

    async def _finish(
        self, progress: Progress, targets: list[Target], invalid: list[PermanentError]
    ) -> None:
        outcomes = [progress.of(target.name) for target in targets]
        if self._retryable:
            raise self._retryable[-1]
        if failure := nothing_read(outcomes, invalid):
            raise failure
        # All is done: the next run of the same task starts from the front.
        await self.context.save_checkpoint({})
