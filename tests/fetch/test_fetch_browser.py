"""A real Chromium against pages on loopback."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from hotstream_reactive.errors import BlockedError, TransientError
from hotstream_reactive.fetch import browser, chromium
from hotstream_reactive.fetch.browser import BrowserPool
from hotstream_reactive.fetch.http import DEFAULT_USER_AGENT
from hotstream_reactive.settings import FetchSettings
from tests.fetch.surroundings import CHROMIUM, descendants
from tests.site.nitter import VERIFYING, MisbehavingSite

pytestmark = pytest.mark.anyio


if not CHROMIUM:
    pytest.skip("there is no Chromium", allow_module_level=True)

SETTINGS = FetchSettings(timeout=20, chromium=CHROMIUM)


@pytest.fixture
async def site():
    async with MisbehavingSite() as running:
        yield running


@pytest.fixture
async def pool():
    async with BrowserPool().lease() as running:
        yield running


async def everything(_: str) -> bool:
    return True


async def visit(pool, url, *, ready=".timeline", allowed=everything, **options):
    settings = options.pop("settings", SETTINGS)
    return await pool.fetch(
        url,
        settings=settings,
        user_agent=DEFAULT_USER_AGENT,
        ready=ready,
        allowed=allowed,
        **options,
    )


async def test_a_check_by_script_is_passed_like_by_any_browser(site, pool):
    site.misbehave("verifying")
    response, cookies = await visit(pool, f"{site.url}/nightdome")
    assert response.status == 200
    assert "timeline-item" in response.text
    assert cookies == {"res": "passed"}
    assert {one["user-agent"] for one in site.headers_seen} == {DEFAULT_USER_AGENT}


async def test_pictures_are_not_loaded(site, pool):
    await visit(pool, f"{site.url}/nightdome")
    assert not any(target.startswith("/pic/") for target in site.requests)


async def test_a_page_that_never_gets_ready_is_given_as_it_is(site, pool):
    site.misbehave("page", text="<html><title>Puzzle</title><body>Solve me</body></html>")
    settings = FetchSettings(timeout=0.5, chromium=CHROMIUM)
    response, cookies = await visit(pool, f"{site.url}/x", settings=settings)
    assert "Solve me" in response.text
    assert cookies == {}


async def test_what_may_not_be_loaded_is_not(site, pool):
    async with MisbehavingSite() as secret:
        script = f"<script>fetch('{secret.url}/', {{mode: 'no-cors'}})"
        text = f"{script}.catch(() => {{ document.body.className = 'timeline' }})</script>"
        site.misbehave("page", text=f"<html><body>x{text}</body></html>")

        async def own_only(url: str) -> bool:
            return url.startswith(site.url)

        await visit(pool, f"{site.url}/x", allowed=own_only)
        assert secret.requests == []


async def test_a_password(site, pool):
    site.misbehave("asks_password", user="u", password="p")
    response, _ = await visit(pool, f"{site.url}/nightdome", credentials=("u", "p"))
    assert "timeline-item" in response.text


@pytest.mark.parametrize("part", ["--headless", "--type=zygote"])
async def test_a_crashed_browser_is_started_again(site, pool, part, monkeypatch):
    monkeypatch.setattr(browser, "_STEP_TIMEOUT_S", 2.0)
    await visit(pool, f"{site.url}/nightdome")
    gone = pool._live
    for pid in descendants(part):
        os.kill(pid, signal.SIGKILL)
    response, _ = await visit(pool, f"{site.url}/nightdome")
    assert "timeline-item" in response.text
    assert pool._live is not gone


async def test_the_browser_is_closed_with_its_last_holder(site):
    pool = BrowserPool()
    assert not pool.is_running
    async with pool.lease():
        assert not pool.is_running, "nothing is started before it is needed"
        async with pool.lease():
            await visit(pool, f"{site.url}/nightdome")
        assert pool.is_running
    assert not pool.is_running
    assert descendants("--headless") == []


async def test_pages_do_not_share_cookies(site, pool):
    site.misbehave("verifying")
    await visit(pool, f"{site.url}/nightdome")
    site.headers_seen.clear()
    await visit(pool, f"{site.url}/nightdome")
    assert "cookie" not in site.headers_seen[0]


async def test_a_host_that_is_gone(pool):
    with pytest.raises(TransientError, match="127"):
        await visit(pool, "http://127.0.0.1:9/")


async def test_a_chromium_that_is_none(tmp_path):
    async with BrowserPool().lease() as pool:
        settings = FetchSettings(chromium=str(tmp_path / "none"))
        with pytest.raises(BlockedError, match=r"fetch\.chromium") as caught:
            await visit(pool, "http://127.0.0.1:9/", settings=settings)
        assert caught.value.kind == "no_browser"


async def test_a_program_that_is_no_browser(tmp_path):
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    async with BrowserPool().lease() as pool:
        with pytest.raises(TransientError, match="does not start"):
            await visit(pool, "http://x.example", settings=FetchSettings(chromium=str(program)))


def test_verifying_page_needs_a_script():
    assert "<script>" in VERIFYING


def test_the_search_for_chromium(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BlockedError, match="playwright install"):
        chromium.find("", str(tmp_path / "absent"))
    on_path = tmp_path / "chromium"
    on_path.touch(mode=0o755)
    assert chromium.find("", "") == str(on_path)
    bundled = tmp_path / "bundled"
    bundled.touch()
    assert chromium.find("", str(bundled)) == str(bundled)
    assert chromium.find(str(on_path), str(bundled)) == str(on_path)
    assert Path(chromium.find("", "")).name == "chromium"
