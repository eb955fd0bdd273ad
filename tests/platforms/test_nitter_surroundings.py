"""The adapter and what the operator configured around it: evidence, robots.txt, proxies, memory."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import pytest

from hotstream_reactive.errors import BlockedError, PermanentError
from hotstream_reactive.fetch.proxies import shared_pool
from hotstream_reactive.platforms.twitter.client import Shared
from tests.fetch.surroundings import needs_chromium
from tests.site import nitter as pages
from tests.site.proxy import PASSWORD, TestProxy

pytestmark = pytest.mark.anyio


def configured(run, **settings):
    context = run.adapter.context
    context.platform = msgspec.structs.replace(context.platform, **settings)
    return run


def keeping(run, folder):
    run.adapter.context.evidence_dir = folder
    return run


async def test_a_refused_page_is_kept_and_named(site, start, tmp_path):
    site.misbehave("page", text=pages.LOGIN)
    run = keeping(start(site.url), tmp_path)
    with pytest.raises(BlockedError) as caught:
        await run.monitor("nightdome")
    (file,) = tmp_path.iterdir()
    assert f"the page is kept in {file}" in str(caught.value)
    assert "window.authentik" in file.read_text()


async def test_what_the_platform_says_clearly_is_not_kept(site, start, tmp_path):
    for kind in ("suspended", "rate_limited", "internal_error", "empty"):
        site.misbehave(kind)
        with pytest.raises((BlockedError, PermanentError, Exception)):
            await keeping(start(site.url), tmp_path).monitor("nightdome")
    assert list(tmp_path.iterdir()) == []


async def test_no_password_of_an_instance_gets_into_it(site, start, tmp_path):
    site.misbehave("page", text="<title>Login</title>welcome reader:s3cret/pass")
    address = site.url.replace("http://", "http://reader:s3cret%2Fpass@")
    run = keeping(start(address), tmp_path)
    with pytest.raises(BlockedError):
        await run.monitor("nightdome")
    (file,) = tmp_path.iterdir()
    assert "s3cret" not in file.read_text()
    assert "s3cret" not in file.name


@needs_chromium
async def test_how_it_looked_in_the_browser(site, start, tmp_path):
    site.misbehave("page", text=pages.ANUBIS)
    run = keeping(start(site.url, browser="auto", timeout=1.0), tmp_path)
    with pytest.raises(BlockedError, match="kept in"):
        await run.monitor("nightdome")
    kept = {one.suffix: one for one in tmp_path.iterdir()}
    assert kept[".png"].read_bytes().startswith(b"\x89PNG")
    assert "not a bot" in kept[".html"].read_text()


async def test_robots_of_an_instance_are_the_operators_affair(site, start):
    assert len(await start(site.url).monitor("nightdome", limit=3)) == 3
    assert "/robots.txt" not in site.requests
    run = configured(start(site.url), respect_robots=True)
    with pytest.raises(PermanentError, match="respect_robots") as caught:
        await run.monitor("nightdome", limit=3)
    assert caught.value.kind == "robots"
    assert not any("/rss" in one for one in site.requests)


async def test_an_instance_that_may_be_asked_is(site, second_site, start):
    second_site.misbehave("page", path="/robots.txt", text="User-agent: *\nDisallow: /pic\n")
    run = configured(start(site.url, second_site.url), respect_robots=True)
    assert len(await run.monitor("nightdome", limit=3)) == 3


async def test_through_proxies(site, start):
    """A dead one is passed over, a refusal changes to the next, cookies stay with theirs."""
    async with TestProxy(site.port) as one, TestProxy(site.port) as other:
        listed = ["http://127.0.0.1:9", one.address(), other.address()]
        shared_pool.cache_clear()
        run = configured(start("http://far.invalid"), proxies=listed)
        assert len(await run.monitor("nightdome", limit=25)) == 25
        assert len(one.asked) == 1
        assert other.asked == []
        site.misbehave("forbidden")
        for _ in range(2):
            with pytest.raises(BlockedError):
                run = configured(start("http://far.invalid"), proxies=listed)
                await run.monitor("nightdome", limit=25)
        assert other.asked
        assert PASSWORD not in repr([run.logged, run.saved, run.adapter.report])


@needs_chromium
async def test_a_challenge_is_passed_through_a_proxy_once(site, start):
    site.misbehave("verifying")
    async with TestProxy(site.port) as proxy:
        shared = Shared()
        run = configured(
            start("http://far.invalid", shared=shared, browser="auto"), proxies=[proxy.address()]
        )
        assert len(await run.monitor("nightdome", limit=45)) == 45
    (instance,) = shared.health._states.values()
    assert [*instance.cookies.values()] == [{"res": "passed"}]
    assert [*instance.cookies] == [f"http://127.0.0.1:{proxy.port}"]


IDLE = """
import json, sys
import hotstream_reactive.platforms.twitter
print(json.dumps([name for name in ("httpx", "feedparser", "playwright", "h2", "protego",
    "socksio", "selectolax") if name in sys.modules]))
"""


def test_an_idle_worker_does_without_what_only_runs_need():
    said = subprocess.run([sys.executable, "-c", IDLE], check=True, capture_output=True)
    assert set(json.loads(said.stdout)) <= {"selectolax"}
