"""Whatever dies or hangs is noticed within ten seconds, replaced, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from hotstream_reactive.errors import TransientError
from hotstream_reactive.fetch.browser import BrowserPool
from hotstream_reactive.fetch.guard import AddressGuard
from hotstream_reactive.fetch.http import DEFAULT_USER_AGENT
from hotstream_reactive.settings import FetchSettings
from tests.fetch.surroundings import CHROMIUM, descendants
from tests.site.nitter import MisbehavingSite

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

if not CHROMIUM:
    pytest.skip("there is no Chromium", allow_module_level=True)

SETTINGS = FetchSettings(timeout=40, chromium=CHROMIUM)
NOTICED_WITHIN_S = 10.0
#: Command-line marks of the two processes that everything hangs on.
BROWSER, DRIVER = "--headless", "run-driver"


@pytest.fixture
async def site():
    async with MisbehavingSite() as running:
        yield running


@pytest.fixture
async def pool():
    async with BrowserPool().lease() as running:
        yield running


async def visit(pool, site, path="/nightdome", ready=".timeline"):
    return await pool.fetch(
        site.url + path,
        settings=SETTINGS,
        user_agent=DEFAULT_USER_AGENT,
        ready=ready,
        guard=AddressGuard([site.url]),
    )


async def until(holds: Callable[[], object], timeout_s: float = 15.0) -> None:
    with anyio.fail_after(timeout_s):
        while not holds():
            await anyio.lowlevel.checkpoint()
            await anyio.sleep(0.01)


def main_process(mark: str) -> int:
    """The one of that mark whose parent has none: the others are its children."""
    (first, *_) = sorted(descendants(mark))
    return first


def profile_of(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split()
    return next(w.partition("=")[2] for w in words if w.startswith("--user-data-dir="))


@pytest.mark.fault("F5", "browser killed in the middle of a page")
@pytest.mark.parametrize("mark", [BROWSER, DRIVER])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hangs"])
async def test_in_the_middle_of_a_page(site, pool, mark, number):
    """A page that would wait for forty seconds is given up, and read again in a new browser."""
    strangers = descendants()  # a database that another test started, and the like
    await visit(pool, site)
    site.misbehave("page", path="/never", text="<p>wait</p>")
    old, profile = {*descendants()} - {*strangers}, profile_of(main_process(BROWSER))
    moments: list[float] = []
    async with anyio.create_task_group() as group:

        async def strike() -> None:
            await until(lambda: "/never" in site.requests)
            os.kill(main_process(mark), number)
            struck = time.monotonic()
            site.behave()
            site.misbehave("page", path="/never", text="<p class=timeline>now</p>")
            await until(lambda: site.requests.count("/never") == 2)
            moments.append(time.monotonic() - struck)

        group.start_soon(strike)
        came = await visit(pool, site, "/never")
    assert ">now</p>" in came.response.text
    assert moments[0] < NOTICED_WITHIN_S + 5, "noticed, ended, started again and asked"
    assert old
    assert not old & {*descendants()}
    assert not await anyio.Path(profile).exists()


@pytest.mark.fault("F5", "browser killed between two pages")
@pytest.mark.parametrize("mark", [BROWSER, DRIVER])
async def test_between_two_pages(site, pool, mark):
    await visit(pool, site)
    assert pool.is_running
    os.kill(main_process(mark), signal.SIGKILL)
    await until(lambda: not pool.is_running)
    assert "timeline-item" in (await visit(pool, site)).response.text


@pytest.mark.fault("F5", "renderer that crashes")
async def test_a_page_that_kills_its_own_process(site, pool):
    """Where memory ends the process of the page, the browser and its other pages live on."""
    site.misbehave("page", path="/waits", text="<p>wait</p>")
    await visit(pool, site)
    browser = main_process(BROWSER)
    async with anyio.create_task_group() as group:

        async def strike() -> None:
            await until(lambda: "/waits" in site.requests)
            for pid in descendants("--type=renderer"):
                os.kill(pid, signal.SIGKILL)

        group.start_soon(strike)
        began = time.monotonic()
        with pytest.raises(TransientError) as caught:
            await visit(pool, site, "/waits")
    assert caught.value.kind == "browser"
    assert time.monotonic() - began < NOTICED_WITHIN_S
    await visit(pool, site)
    assert main_process(BROWSER) == browser


async def test_a_cancelled_visit_leaves_no_page(site, pool):
    site.misbehave("page", path="/waits", text="<p>wait</p>")
    async with anyio.create_task_group() as group:

        async def strike() -> None:
            await until(lambda: "/waits" in site.requests)
            group.cancel_scope.cancel()

        group.start_soon(strike)
        await visit(pool, site, "/waits")
    assert pool._live.browser.contexts == []
    assert "timeline-item" in (await visit(pool, site)).response.text


async def test_a_worn_out_browser_is_replaced(site, pool):
    settings = FetchSettings(timeout=20, chromium=CHROMIUM, browser_max_pages=3)
    starts = set()

    async def read_some() -> None:
        for _ in range(4):
            await pool.fetch(
                f"{site.url}/about",
                settings=settings,
                user_agent=DEFAULT_USER_AGENT,
                ready=".overlay-panel",
                guard=AddressGuard([site.url]),
            )
            starts.add(id(pool._live))

    # Two at a time, so that no moment is without a page.
    async with anyio.create_task_group() as group:
        group.start_soon(read_some)
        group.start_soon(read_some)
    assert len(starts) >= 2
    assert len(descendants(DRIVER)) == 1


PROGRAM = """
import asyncio, sys
from hotstream_reactive.fetch.browser import BrowserPool
from hotstream_reactive.settings import FetchSettings

async def everything(url):
    return True

async def main():
    async with BrowserPool().lease() as pool:
        await pool.fetch(
            sys.argv[1] + "/about",
            settings=FetchSettings(chromium=sys.argv[2]),
            user_agent="x", ready=".overlay-panel", allowed=everything,
        )
        print("up", flush=True)
        await pool.fetch(
            sys.argv[1] + "/hangs",
            settings=FetchSettings(chromium=sys.argv[2], timeout=600),
            user_agent="x", ready=".never", allowed=everything,
        )

asyncio.run(main())
"""


@pytest.mark.fault("A6", "worker killed that had a browser open")
@pytest.mark.parametrize("with_driver", [False, True], ids=["alone", "with the driver"])
async def test_nothing_is_left_when_the_worker_is_killed(site, with_driver):
    """Also while a page works without end: pipes tie driver and browser to us."""
    site.misbehave("hangs", path="/hangs")
    worker = await anyio.open_process(
        [sys.executable, "-c", PROGRAM, site.url, CHROMIUM], stderr=subprocess.STDOUT
    )
    assert worker.stdout is not None
    assert b"up" in await worker.stdout.receive()
    await until(lambda: "/hangs" in site.requests)
    family = descendants(of=worker.pid)
    drivers = descendants(DRIVER, of=worker.pid)
    assert len(family) > 4
    worker.kill()
    if with_driver:
        os.kill(drivers[0], signal.SIGKILL)
    await worker.wait()
    await until(lambda: not any(_is_there(pid) for pid in family))
    await worker.aclose()


def _is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
