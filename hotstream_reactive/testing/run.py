"""One run of an adapter without engine, queue and database, with all that it did."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Mapping
from typing import Any

import loguru
import msgspec

from hotstream_reactive.extractors.base import DataExtractor, make_item
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.platforms.base import PlatformAdapter, RunContext, SearchOptions
from hotstream_reactive.settings import FetchSettings, PlatformSettings, RateLimitSettings

#: A test's own site need not be asked slowly.
AT_ONCE = RateLimitSettings(requests_per_minute=60_000)
_KNOWN = frozenset(SearchOptions.__struct_fields__) - {"extra"}


class AdapterRun:
    """Runs an adapter once; it is closed afterwards, as the engine does.

    Args:
        adapter: fresh.
        platform: settings of the platform, e.g. ``{"base_url": site.url}``.
        fetch: settings of fetching; by default 10 s and no retries.
        checkpoint: what an earlier run saved.
        credentials: given to `authenticate`.
        options: of the task, e.g. ``limit=20``.

    Attributes:
        got: the records yielded so far.
        saved: the checkpoints saved, in order.
        logged: lines ``LEVEL message``.
        paced: how often the adapter asked for leave to send a request.
    """

    def __init__(
        self,
        adapter: PlatformAdapter,
        *,
        platform: Mapping[str, Any] | None = None,
        fetch: FetchSettings | None = None,
        checkpoint: Mapping[str, Any] | None = None,
        credentials: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.adapter = adapter
        self.got: list[DataItem | dict[str, Any]] = []
        self.saved: list[dict[str, Any]] = []
        self.logged: list[str] = []
        self.paced = 0
        self._credentials = dict(credentials or {})
        known = {name: options.pop(name) for name in list(options) if name in _KNOWN}
        adapter.context = RunContext(
            task_id="a-task",
            options=SearchOptions(**known, extra=options),
            platform=_settings(platform or {}),
            fetch=fetch or FetchSettings(timeout=10, retries=0),
            log=loguru.logger.bind(run=id(self)),
            checkpoint=dict(checkpoint or {}),
            save_checkpoint=self._save,
            pace=self._pace,
        )

    async def search(self, *keywords: str) -> list[Any]:
        """Search to the end; gives the records."""
        return await self._collect(
            lambda: self.adapter.search(list(keywords), self.adapter.context.options)
        )

    async def monitor(self, *accounts: str, limit: int = 20) -> list[Any]:
        """Read accounts to the end; gives the records."""
        return await self._collect(lambda: self.adapter.monitor_accounts(list(accounts), limit))

    async def items(self, extractor: DataExtractor | None = None) -> list[DataItem]:
        """The records as items, as a run of the engine makes them.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: one of them cannot be an item.
        """
        platform = self.adapter.platform_name
        return [await make_item(record, extractor, platform) for record in self.got]

    async def _save(self, checkpoint: Mapping[str, Any]) -> None:
        self.saved.append(copy.deepcopy(dict(checkpoint)))

    async def _pace(self) -> None:
        self.paced += 1

    async def _collect(self, begin: Any) -> list[Any]:
        handler = loguru.logger.add(
            self.logged.append,
            level="DEBUG",
            format="{level} {message}",
            filter=lambda record: record["extra"].get("run") == id(self),
        )
        try:
            if not await self.adapter.authenticate(self._credentials):
                raise AssertionError("authenticate() gave False: the credentials were refused")
            records: AsyncIterator[DataItem | dict[str, Any]] = begin()
            async for record in records:
                self.got.append(record)
        finally:
            await self.adapter.close()
            loguru.logger.remove(handler)
        return self.got


def _settings(platform: Mapping[str, Any]) -> PlatformSettings:
    given = {"rate_limit": AT_ONCE, "browser": "never", **platform}
    return msgspec.convert(msgspec.to_builtins(given), PlatformSettings)
