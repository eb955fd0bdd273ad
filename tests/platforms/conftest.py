"""A misbehaving site and adapters that read from it."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import loguru
import pytest

from hotstream_reactive.platforms.base import RunContext, SearchOptions
from hotstream_reactive.platforms.twitter import TwitterAdapter
from hotstream_reactive.platforms.twitter.client import Shared
from hotstream_reactive.settings import FetchSettings, PlatformSettings, RateLimitSettings
from tests.site.nitter import MisbehavingSite

FAST = RateLimitSettings(requests_per_minute=60_000)


@pytest.fixture
async def site() -> AsyncIterator[MisbehavingSite]:
    async with MisbehavingSite() as running:
        yield running


@pytest.fixture
async def second_site() -> AsyncIterator[MisbehavingSite]:
    async with MisbehavingSite() as running:
        yield running


class Run:
    """One run of an adapter against sites, with what it saved and logged."""

    def __init__(
        self,
        *instances: str,
        shared: Shared | None = None,
        checkpoint: dict[str, Any] | None = None,
        browser: str = "never",
        timeout: float = 10.0,
        max_body_mb: int = 20,
        **options: Any,
    ) -> None:
        self.saved: list[dict[str, Any]] = []
        self.logged: list[str] = []
        self.adapter = TwitterAdapter()
        self.adapter.shared = shared or Shared()
        self.handler = loguru.logger.add(
            self.logged.append,
            level="DEBUG",
            format="{level} {message}",
            filter=lambda record: record["extra"].get("run") == id(self),
        )
        known = {key: options.pop(key) for key in list(options) if key in _KNOWN}
        self.adapter.context = RunContext(
            task_id="a-task",
            options=SearchOptions(**known, extra=options),
            platform=PlatformSettings(instances=list(instances), rate_limit=FAST, browser=browser),
            fetch=FetchSettings(timeout=timeout, max_body_mb=max_body_mb),
            log=loguru.logger.bind(run=id(self)),
            checkpoint=checkpoint or {},
            save_checkpoint=self._save,
        )

    async def _save(self, checkpoint: dict[str, Any]) -> None:
        self.saved.append(copy.deepcopy(dict(checkpoint)))

    async def monitor(self, *accounts: str, limit: int = 20) -> list[dict[str, Any]]:
        return await self._collect(self.adapter.monitor_accounts(list(accounts), limit))

    async def search(self, *keywords: str) -> list[dict[str, Any]]:
        options = self.adapter.context.options
        return await self._collect(self.adapter.search(list(keywords), options))

    async def _collect(self, records: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
        self.got: list[dict[str, Any]] = []
        try:
            async for record in records:
                self.got.append(record)
        finally:
            await self.adapter.close()
        return self.got


_KNOWN = ("limit", "since", "until", "sort_by", "filters")


@pytest.fixture
def start() -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def begin(*instances: str, **options: Any) -> Run:
        runs.append(Run(*instances, **options))
        return runs[-1]

    yield begin
    for run in runs:
        loguru.logger.remove(run.handler)
