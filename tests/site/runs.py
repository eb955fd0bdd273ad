"""A run of any adapter, with what it saved and logged."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from typing import Any

import loguru

from hotstream_reactive.platforms.base import PlatformAdapter, RunContext, SearchOptions
from hotstream_reactive.settings import FetchSettings, PlatformSettings, RateLimitSettings

FAST = RateLimitSettings(requests_per_minute=60_000)
_KNOWN = ("limit", "since", "until", "sort_by", "filters")


class AdapterRun:
    """One run.

    Args:
        adapter: with its own `shared`.
        platform: settings of the platform, e.g. ``base_url``.
        options: of the task.
    """

    def __init__(
        self,
        adapter: PlatformAdapter,
        *,
        platform: dict[str, Any],
        checkpoint: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.saved: list[dict[str, Any]] = []
        self.logged: list[str] = []
        self.paced = 0
        self.got: list[dict[str, Any]] = []
        self.adapter = adapter
        known = {key: options.pop(key) for key in list(options) if key in _KNOWN}
        self.adapter.context = RunContext(
            task_id="a-task",
            options=SearchOptions(**known, extra=options),
            platform=PlatformSettings(**{"rate_limit": FAST, "browser": "never", **platform}),
            fetch=FetchSettings(timeout=10, retries=0),
            log=loguru.logger.bind(run=id(self)),
            checkpoint=checkpoint or {},
            save_checkpoint=self._save,
            pace=self._pace,
        )

    async def _save(self, checkpoint: dict[str, Any]) -> None:
        self.saved.append(copy.deepcopy(dict(checkpoint)))

    async def _pace(self) -> None:
        self.paced += 1

    async def monitor(self, *accounts: str, limit: int = 20) -> list[dict[str, Any]]:
        return await self._collect(self.adapter.monitor_accounts(list(accounts), limit))

    async def search(self, *keywords: str) -> list[dict[str, Any]]:
        options = self.adapter.context.options
        return await self._collect(self.adapter.search(list(keywords), options))

    @property
    def report(self) -> dict[str, str]:
        """The outcomes by target."""
        return {one["target"]: one["outcome"] for one in self._entries()}

    @property
    def messages(self) -> str:
        """What the report says besides."""
        return " | ".join(one["message"] for one in self._entries())

    def _entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.adapter.report  # type: ignore[attr-defined]  # theirs
        return entries

    async def _collect(self, records: AsyncIterator[Any]) -> list[dict[str, Any]]:
        handler = loguru.logger.add(
            self.logged.append,
            level="DEBUG",
            format="{level} {message}",
            filter=lambda record: record["extra"].get("run") == id(self),
        )
        try:
            async for record in records:
                self.got.append(record)
        finally:
            await self.adapter.close()
            loguru.logger.remove(handler)
        return self.got


def ids(records: list[dict[str, Any]]) -> list[str]:
    return [record["id"] for record in records]
