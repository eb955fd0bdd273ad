"""The adapter: searches, lists and accounts of Juejin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from hotstream_reactive.errors import PermanentError, ScrapeError
from hotstream_reactive.platforms.base import PlatformAdapter, SearchOptions
from hotstream_reactive.platforms.juejin.client import JuejinClient
from hotstream_reactive.platforms.juejin.lists import account_target, search_target
from hotstream_reactive.platforms.juejin.query import (
    MONITOR_KINDS,
    SEARCH_KINDS,
    account_id,
    wishes,
)
from hotstream_reactive.platforms.juejin.records import SITE
from hotstream_reactive.platforms.progress import Mode
from hotstream_reactive.platforms.site import SharedPace
from hotstream_reactive.platforms.targets import Reading, Target
from hotstream_reactive.platforms.values import Record

# When the full text of so many articles in a row was refused, the rest is not asked for.
_DETAILS_GIVEN_UP_AFTER = 3


class JuejinAdapter(PlatformAdapter):
    """Reads public content through `platforms.juejin.api_url`.

    Options of a task: `limit`, `since` (inclusive) and `until` (exclusive); `sort` (``newest`` or
    ``relevance``); `details` (true: the full text of articles, one more request for each); `kind`:
    of a search ``search``, ``tag``, ``category``, ``hot``, ``pins``, ``themes`` or ``home``, of
    a monitor ``articles`` or ``activities``.

    Attributes:
        shared: pacing of the whole process.
        report: one entry per account or keyword: ``target``, ``outcome`` (``ok``, ``empty``,
            ``not_tried`` or the kind of the error), ``message``, ``items``.
    """

    platform_name: ClassVar[str] = "juejin"
    shared: ClassVar[SharedPace] = SharedPace()

    def __init__(self) -> None:
        self.report: list[dict[str, Any]] = []
        self._client: JuejinClient | None = None
        self._details_refused = 0

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def search(self, keywords: list[str], options: SearchOptions) -> AsyncIterator[Record]:
        """Yield what any of the keywords brings, `options.limit` in all.

        Raises:
            PermanentError: nothing to search for, a bad option, or no such tag or category.
            LoginRequired: Juejin gives it to members only.
            RateLimited, BlockedError, TransientError: Juejin did not let itself be read.
        """
        wished = wishes(options, SEARCH_KINDS)
        client = self._juejin()
        words = list(dict.fromkeys(word for one in keywords if (word := " ".join(one.split()))))
        if wished.kind in ("hot", "pins", "themes", "home"):
            words = words or ["*"]
        if not words:
            raise PermanentError("a search needs at least one keyword", kind="no_keywords")
        targets: dict[str, Target] = {}
        invalid: dict[str, PermanentError] = {}
        for word in words:
            try:
                target = search_target(client, word, wished)
            except PermanentError as error:
                invalid[word] = error
            else:
                targets.setdefault(target.name, target)
        async for record in self._read("search", targets, invalid, options.limit, wished.details):
            yield record

    async def monitor_accounts(self, accounts: list[str], limit: int) -> AsyncIterator[Record]:
        """Yield the newest articles (or activities) of each account, up to `limit` per account.

        An account is its number, or the address of its page.

        Raises:
            PermanentError: no account could be read and trying again cannot help.
            LoginRequired: Juejin gives it to members only.
            RateLimited, BlockedError, TransientError: Juejin did not let itself be read.
        """
        wished = wishes(self.context.options, MONITOR_KINDS)
        client = self._juejin()
        site = self.context.platform.base_url or SITE
        targets: dict[str, Target] = {}
        invalid: dict[str, PermanentError] = {}
        for given in accounts:
            try:
                user_id = account_id(given, site=site)
            except PermanentError as error:
                invalid[given] = error
            else:
                targets.setdefault(user_id, account_target(client, user_id, wished))
        if not targets and not invalid:
            raise PermanentError("there is no account to read", kind="no_accounts")
        async for record in self._read("monitor", targets, invalid, limit, wished.details):
            yield record

    def _juejin(self) -> JuejinClient:
        if self._client is None:
            self._client = JuejinClient(self.context, self.shared)
        return self._client

    async def _read(
        self,
        mode: Mode,
        targets: dict[str, Target],
        invalid: dict[str, PermanentError],
        limit: int,
        details: bool,
    ) -> AsyncIterator[Record]:
        reading = Reading(self.context, mode, list(targets.values()), self.report, invalid)
        async for record in reading.records(limit):
            yield await self._detailed(record) if details else record

    async def _detailed(self, record: Record) -> Record:
        """The record with the full text; as it was when that is not given."""
        is_wanted = record["kind"] == "article" and record.get("partial")
        if not is_wanted or self._details_refused >= _DETAILS_GIVEN_UP_AFTER:
            return record
        identity = record["id"]
        try:
            page = await self._juejin().post(
                "/content_api/v1/article/detail",
                f"article {identity}",
                {"article_id": identity},
            )
        except ScrapeError as error:
            self._details_refused += 1
            self.context.log.warning(f"only the summary of article {identity}: {error}")
            return record
        self._details_refused = 0
        full = next((one for one in page.records if one["id"] == identity), None)
        if full is None:
            return record
        # What the list knows besides (rank, activity) stays.
        merged = {**record, **full}
        if "partial" not in full:
            merged.pop("partial", None)
        return merged
