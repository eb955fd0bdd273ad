"""Pages that are fetched are told, each to the run that fetched it."""

from __future__ import annotations

import anyio
import pytest

from hotstream_reactive.errors import TransientError
from hotstream_reactive.fetch.browser import BrowserPool
from hotstream_reactive.fetch.http import HttpClient
from hotstream_reactive.fetch.robots import Robots
from hotstream_reactive.fetch.session import SessionPool
from hotstream_reactive.fetch.traffic import Fetched, observer
from hotstream_reactive.loopback import Reply
from hotstream_reactive.mongo.mongod import free_ports
from hotstream_reactive.settings import FetchSettings
from hotstream_reactive.testing.site import RecordedSite
from tests.fetch.surroundings import CHROMIUM, needs_chromium

pytestmark = pytest.mark.anyio
SETTINGS = FetchSettings(timeout=20, retries=1, chromium=CHROMIUM or "")
PAGE = "<html><body><main>here</main><script>fetch('/api/data.json')</script></body></html>"


def listen() -> list[Fetched]:
    """What is fetched from now on by this test."""
    seen: list[Fetched] = []
    observer.set(seen.append)
    return seen


@pytest.fixture
async def site():
    pages = {
        "/page": PAGE,
        "/api/data.json": "{}",
        "/moved": Reply(status=302, headers={"Location": "/page"}),
        "/robots.txt": "User-agent: *\nAllow: /\n",
    }
    async with RecordedSite(pages) as running:
        yield running


async def everything(_: str) -> bool:
    return True


async def test_an_answer_is_one_page_whatever_it_took(site):
    told = listen()
    site.misbehave("/page", Reply(status=503), times=1)
    async with HttpClient(SETTINGS, trusted=[site.url], robots=Robots()) as http:
        assert (await http.get(f"{site.url}/moved?q=secret")).status == 200
        await http.get(f"{site.url}/nothing")
        await http.post_json(f"{site.url}/api/data.json", {})
    host = site.url.removeprefix("http://")
    assert [one[:2] + one[3:] for one in told] == [
        ("http", f"{host}/moved", 200, ""),
        ("http", f"{host}/nothing", 404, ""),
        ("http", f"{host}/api/data.json", 200, ""),
    ]
    assert "/robots.txt" in [request.path for request in site.received]
    assert told[0].seconds > 0


async def test_no_answer_is_told_with_its_reason_and_no_password():
    told = listen()
    [port] = free_ports(1)
    address = f"http://u:secret@127.0.0.1:{port}"
    async with HttpClient(SETTINGS, trusted=[address], retries=0) as http:
        with pytest.raises(TransientError):
            await http.get(f"{address}/page?token=secret")
    [one] = told
    assert (one.address, one.status, one.error) == (f"127.0.0.1:{port}/page", None, "connect")


async def test_each_run_is_told_of_its_own(site):
    seen: dict[str, list[Fetched]] = {"a": [], "b": []}

    async def run(name: str) -> None:
        observer.set(seen[name].append)

        async def fetch() -> None:
            async with HttpClient(SETTINGS, trusted=[site.url]) as http:
                await http.get(f"{site.url}/{name}")

        async with anyio.create_task_group() as own:
            own.start_soon(fetch)

    async with anyio.create_task_group() as runs:
        runs.start_soon(run, "a")
        runs.start_soon(run, "b")
    assert {name: [one.address[-2:] for one in found] for name, found in seen.items()} == {
        "a": ["/a"],
        "b": ["/b"],
    }


@needs_chromium
async def test_a_page_of_the_browser(site):
    told = listen()
    async with BrowserPool().lease() as pool:
        await pool.fetch(
            f"{site.url}/page",
            settings=SETTINGS,
            user_agent="test",
            ready="main",
            allowed=everything,
        )
    assert [(one.way, one.address[-5:], one.status) for one in told] == [("browser", "/page", 200)]


@needs_chromium
async def test_what_a_page_that_stays_open_is_answered(site):
    told = listen()
    async with (
        SessionPool().lease() as pool,
        pool.session(
            settings=SETTINGS,
            state=None,
            user_agent="",
            locale="en",
            wants=lambda url, status: "/api/" in url,
            allowed=everything,
        ) as page,
    ):
        await page.open(f"{site.url}/page")
        for _ in range(2):
            assert await page.heard(10)
    assert {(one.way, one.address.partition("/")[2], one.status) for one in told} == {
        ("browser", "page", 200),
        ("browser", "api/data.json", 200),
    }
