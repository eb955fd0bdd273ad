"""All platforms of a process share one browser, each page in a context of its own."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from hotstream_reactive.errors import BlockedError
from hotstream_reactive.fetch import browser, chromium
from hotstream_reactive.fetch.launch import LiveBrowser
from hotstream_reactive.fetch.session import SessionPool
from hotstream_reactive.platforms.medium import MediumAdapter
from hotstream_reactive.platforms.medium.client import Shared as MediumShared
from hotstream_reactive.platforms.twitter.client import Shared as TwitterShared
from hotstream_reactive.platforms.zhihu.client import Shared as ZhihuShared
from hotstream_reactive.settings import FetchSettings
from tests.site.medium import MediumSite
from tests.site.nitter import MisbehavingSite
from tests.site.runs import AdapterRun

pytestmark = pytest.mark.anyio

try:
    chromium.find("", "")
except BlockedError as error:
    pytest.skip(str(error), allow_module_level=True)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[LiveBrowser]:
    """The browsers that were started."""
    found: list[LiveBrowser] = []
    original = LiveBrowser.start

    async def start(settings: FetchSettings) -> LiveBrowser:
        found.append(await original(settings))
        return found[-1]

    monkeypatch.setattr(browser.LiveBrowser, "start", start)
    return found


async def test_two_platforms_at_once_start_one(
    site: MisbehavingSite, start: Any, started: list[LiveBrowser]
) -> None:
    pools = {id(shared().browser) for shared in (TwitterShared, MediumShared, ZhihuShared)}
    assert len(pools) == 1
    async with MediumSite() as other:
        adapter = MediumAdapter()
        adapter.shared = MediumShared()
        platform = {"base_url": other.url, "browser": "auto"}
        medium = AdapterRun(adapter, platform=platform, limit=15)
        twitter = start(site.url, browser="always")
        async with anyio.create_task_group() as group:
            group.start_soon(medium.search, "fog")
            group.start_soon(lambda: twitter.monitor("nightdome", limit=25))
    assert len(medium.got) == 15
    assert len(twitter.got) == 25
    assert len(started) == 1
    assert not TwitterShared().browser.is_running


async def test_a_page_that_stays_open_outlives_a_worn_out_browser_for_a_while(
    site: MisbehavingSite, started: list[LiveBrowser]
) -> None:
    settings = FetchSettings(timeout=10, browser_max_pages=2)

    async def allowed(_: str) -> bool:
        return True

    async def visit(pool: SessionPool) -> None:
        await pool.fetch(
            f"{site.url}/nightdome",
            settings=settings,
            user_agent="Mozilla/5.0 (test)",
            ready=".timeline-item",
            allowed=allowed,
        )

    pool = SessionPool()
    async with pool.lease():
        async with pool.session(
            settings=settings,
            state=None,
            user_agent="",
            locale="en",
            wants=lambda url, status: False,
            allowed=allowed,
        ) as page:
            for _ in range(3):
                await visit(pool)
            assert len(started) == 1
            await page.open(f"{site.url}/about")
        await visit(pool)
        assert len(started) == 2
