"""Medium's search page in a real browser, and what happens when it is walled off."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hotstream_reactive.errors import BlockedError
from hotstream_reactive.fetch import chromium
from hotstream_reactive.platforms.medium import MediumAdapter
from hotstream_reactive.platforms.medium.client import Shared
from hotstream_reactive.testing import REFUSALS
from tests.site.medium import MediumSite
from tests.site.runs import AdapterRun, ids

pytestmark = pytest.mark.anyio

try:
    chromium.find("", "")
except BlockedError as error:
    pytest.skip(str(error), allow_module_level=True)


@pytest.fixture
async def site() -> AsyncIterator[MediumSite]:
    async with MediumSite() as running:
        yield running


def start(site: MediumSite, **options: object) -> AdapterRun:
    adapter = MediumAdapter()
    adapter.shared = Shared()
    return AdapterRun(adapter, platform={"base_url": site.url, "browser": "auto"}, **options)


async def test_the_search_page_is_read_and_scrolled(site: MediumSite) -> None:
    run = start(site, limit=25)
    got = await run.search("fog")
    assert len(got) == len(set(ids(got))) == 25
    assert {one["source"] for one in got} == {"graphql"}
    assert run.report == {"fog": "ok"}
    assert run.messages == ""
    assert site.paths.count("/_/graphql") == 3
    assert not run.adapter.shared.browser.is_running  # type: ignore[attr-defined]  # Medium's own


async def test_nothing_found_is_an_honest_answer(site: MediumSite) -> None:
    run = start(site, limit=5)
    assert await run.search("nobody ever wrote this") == []
    assert run.report == {"nobody ever wrote this": "empty"}


async def test_behind_a_challenge_the_tag_steps_in(site: MediumSite) -> None:
    site.misbehave("/search", REFUSALS["challenge"])
    run = start(site, limit=5)
    run.adapter.context.fetch = run.adapter.context.fetch.__class__(timeout=1.0, retries=0)
    got = await run.search("fog")
    assert ids(got) == [one.id for one in site.stories["tag/fog"]][:5]
    assert "Cloudflare" in run.messages
