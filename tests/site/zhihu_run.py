"""Runs of the Zhihu adapter in a real Chromium against the stand-in for the site.

The generator functions at the end are fixtures: ``site = pytest.fixture(running_site)``.
"""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import loguru
import pytest

from hotstream_reactive.errors import BlockedError
from hotstream_reactive.fetch import chromium
from hotstream_reactive.fetch.session import SessionPool
from hotstream_reactive.platforms.base import RunContext, SearchOptions
from hotstream_reactive.platforms.zhihu import ZhihuAdapter
from hotstream_reactive.platforms.zhihu.client import Shared
from hotstream_reactive.settings import FetchSettings, PlatformSettings, RateLimitSettings
from tests.site.zhihu import ZhihuSite
from tests.site.zhihu_content import answer


def skip_without_chromium() -> None:
    """Leave the calling test module out when there is no browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        bundled = playwright.chromium.executable_path
    try:
        chromium.find("", bundled)
    except BlockedError as error:
        pytest.skip(str(error), allow_module_level=True)


KNOWN = ("limit", "since", "until", "sort_by")
FAST = RateLimitSettings(requests_per_minute=60_000)


class Run:
    """One run of the adapter, with what it saved, logged and collected."""

    def __init__(
        self,
        site: ZhihuSite,
        *,
        browser_pool: SessionPool,
        shared: Shared | None = None,
        checkpoint: dict[str, Any] | None = None,
        session: Path | str = "",
        browser: str = "auto",
        timeout: float = 20.0,
        evidence_dir: Path | None = None,
        respect_robots: bool | str = "auto",
        chromium: str = "",
        **options: Any,
    ) -> None:
        self.saved: list[dict[str, Any]] = []
        self.got: list[dict[str, Any]] = []
        self.logged: list[str] = []
        self.paced = 0
        self.adapter = ZhihuAdapter()
        self.shared = shared or Shared()
        self.shared.browser = browser_pool
        self.adapter.shared = self.shared
        self.handler = loguru.logger.add(
            self.logged.append,
            format="{level} {message}",
            filter=lambda record: record["extra"].get("run") == id(self),
        )
        known = {key: options.pop(key) for key in list(options) if key in KNOWN}
        self.adapter.context = RunContext(
            task_id="a-task",
            options=SearchOptions(**known, extra=options),
            platform=PlatformSettings(
                base_url=site.url,
                rate_limit=FAST,
                storage_state=str(session),
                browser=browser,
                respect_robots=respect_robots,
            ),
            fetch=FetchSettings(timeout=timeout, chromium=chromium),
            log=loguru.logger.bind(run=id(self)),
            checkpoint=checkpoint or {},
            save_checkpoint=self._save,
            pace=self._pace,
            evidence_dir=evidence_dir,
        )

    async def _save(self, checkpoint: dict[str, Any]) -> None:
        self.saved.append(copy.deepcopy(dict(checkpoint)))

    async def _pace(self) -> None:
        self.paced += 1

    async def search(self, *keywords: str) -> list[str]:
        return await self._collect(
            self.adapter.search(list(keywords), self.adapter.context.options)
        )

    async def monitor(self, *accounts: str, limit: int = 100) -> list[str]:
        return await self._collect(self.adapter.monitor_accounts(list(accounts), limit))

    async def _collect(self, records: AsyncIterator[dict[str, Any]]) -> list[str]:
        try:
            async for record in records:
                self.got.append(record)
        finally:
            await self.adapter.close()
            assert self.windows == 0
        return self.ids

    @property
    def windows(self) -> int:
        """How many windows of the browser are open."""
        live = self.shared.browser._live
        return len(live.browser.contexts) if live is not None else 0

    @property
    def ids(self) -> list[str]:
        return [record["id"] for record in self.got]

    @property
    def outcomes(self) -> dict[str, str]:
        return {entry["target"]: entry["outcome"] for entry in self.adapter.report}


def session_file(folder: Path, **cookies: str) -> Path:
    made = [
        {"name": name, "value": value, "domain": "127.0.0.1", "path": "/", "expires": -1}
        | {"httpOnly": False, "secure": False, "sameSite": "Lax"}
        for name, value in cookies.items()
    ]
    file = folder / "zhihu-session.json"
    file.write_text(json.dumps({"cookies": made, "origins": []}))
    file.chmod(0o600)
    return file


def answers(count: int) -> list[str]:
    return [answer(number)["id"] for number in range(count)]


async def running_site() -> AsyncIterator[ZhihuSite]:
    async with ZhihuSite() as running:
        yield running


async def shared_browser() -> AsyncIterator[SessionPool]:
    """One browser for a module, as its start takes longer than a test."""
    async with SessionPool().lease() as pool:
        yield pool  # type: ignore[misc]  # `lease` names the class that defines it


def runs(site: ZhihuSite, browser: SessionPool) -> Iterator[Callable[..., Run]]:
    begun: list[Run] = []

    def begin(**options: Any) -> Run:
        begun.append(Run(site, **{"browser_pool": browser, **options}))
        return begun[-1]

    yield begin
    for run in begun:
        loguru.logger.remove(run.handler)
