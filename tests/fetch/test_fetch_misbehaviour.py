"""Everything that a site does wrong, through the real HTTP client and a real Chromium."""

from __future__ import annotations

import time

import pytest

from hotstream_reactive.errors import BlockedError, ScrapeError, TransientError
from hotstream_reactive.fetch.browser import BrowserPool
from hotstream_reactive.fetch.http import DEFAULT_USER_AGENT, HttpClient, Response
from hotstream_reactive.model.page import PageOutcome
from hotstream_reactive.platforms.twitter import parse_page
from hotstream_reactive.settings import FetchSettings
from tests.fetch.surroundings import CHROMIUM, needs_chromium
from tests.site import nitter as pages
from tests.site.nitter import MisbehavingSite

pytestmark = pytest.mark.anyio

SETTINGS = FetchSettings(timeout=3, max_body_mb=4, retries=0, chromium=CHROMIUM)
# Scripts wait for what never comes: the browser gets less time for them.
IN_BROWSER = FetchSettings(timeout=3, max_body_mb=4, chromium=CHROMIUM)
LIMITS_IN_TIME_S = 2 * IN_BROWSER.timeout + 10

#: What the site does, and what the page turns out to be.
ANSWERED = {
    "429 with Retry-After": ("rate_limited", {"retry_after": "7"}, "rate_limited"),
    "429 without": ("rate_limited", {}, "rate_limited"),
    "bare 429": ("page", {"text": "slow down", "status": "429"}, "http_429"),
    "403 wall": ("forbidden", {}, "http_403"),
    "challenge": ("page", {"text": pages.ANUBIS}, "anubis"),
    "captcha": ("page", {"text": '<body><div class="h-captcha"></div></body>'}, "captcha"),
    "cloudflare": ("page", {"text": pages.CLOUDFLARE, "status": "403"}, "cloudflare"),
    "login wall": ("page", {"text": pages.LOGIN}, "login_wall"),
    "empty 200": ("empty", {}, "empty_body"),
    "server error": ("bad_gateway", {}, "http_502"),
}
#: What the site does, and the kind of the error with HTTP and in the browser.
FAILING = {
    "100 MB": ("huge", {}, "body_too_large", "body_too_large"),
    "gzip bomb": ("bomb", {}, "body_too_large", "body_too_large"),
    "slow drip": ("slow_drip", {}, "timeout", "timeout"),
    "redirect to a private address": (
        "redirect",
        {"to": "http://10.0.0.1/x"},
        "forbidden_address",
        "forbidden_address",
    ),
    "redirect to another port of this machine": (
        "redirect",
        {"to": "http://127.0.0.1:12345/"},
        "forbidden_address",
        "forbidden_address",
    ),
    "redirect loop": ("redirect_onwards", {}, "redirects", "browser"),
    "reset": ("reset", {}, "network", "browser"),
}


@pytest.fixture
async def site():
    async with MisbehavingSite() as running:
        yield running


@pytest.fixture(scope="module")
async def pool():
    async with BrowserPool().lease() as running:
        yield running


async def get(site: MisbehavingSite, path: str = "/nightdome") -> Response:
    async with HttpClient(SETTINGS, trusted=[site.url]) as client:
        return await client.get(site.url + path)


async def visit(pool: BrowserPool, site: MisbehavingSite, path: str = "/nightdome") -> Response:
    async with HttpClient(IN_BROWSER, trusted=[site.url]) as client:
        came, _ = await pool.fetch(
            site.url + path,
            settings=IN_BROWSER,
            user_agent=DEFAULT_USER_AGENT,
            ready=".timeline, .error-panel",
            guard=client.guard,
        )
        return came


def found(response: Response) -> tuple[str | None, bool]:
    page = parse_page(
        response.text,
        url=response.final_url,
        status=response.status,
        content_type=response.content_type,
        headers=response.headers,
    )
    return page.failure_kind, page.outcome in (PageOutcome.OK, PageOutcome.EMPTY)


@pytest.mark.parametrize("name", ANSWERED)
async def test_http_tells_what_was_answered(site, name):
    kind, details, expected = ANSWERED[name]
    site.misbehave(kind, **details)
    response = await get(site)
    assert found(response) == (expected, False)
    assert response.headers.get("retry-after") == details.get("retry_after")


@pytest.mark.fault("F6", "sites that misbehave")
@pytest.mark.parametrize("name", FAILING)
async def test_http_fails_in_time_and_says_why(site, name):
    kind, details, expected, _ = FAILING[name]
    site.misbehave(kind, **details)
    began = time.monotonic()
    with pytest.raises((TransientError, BlockedError)) as caught:
        await get(site)
    assert caught.value.kind == expected
    assert time.monotonic() - began < SETTINGS.timeout + 2


@needs_chromium
@pytest.mark.parametrize("name", ANSWERED)
async def test_the_browser_tells_what_was_answered(site, pool, name):
    kind, details, expected = ANSWERED[name]
    site.misbehave(kind, **details)
    response = await visit(pool, site)
    assert found(response) == (expected, False)
    assert response.headers.get("retry-after") == details.get("retry_after")


@needs_chromium
@pytest.mark.parametrize("name", FAILING)
async def test_the_browser_fails_in_time_and_says_why(site, pool, name):
    kind, details, _, expected = FAILING[name]
    site.misbehave(kind, **details)
    began = time.monotonic()
    with pytest.raises((TransientError, BlockedError)) as caught:
        await visit(pool, site)
    # A busy machine may not even have unpacked it in time.
    assert caught.value.kind in (expected, "timeout" if name == "gzip bomb" else expected)
    assert time.monotonic() - began < LIMITS_IN_TIME_S
    site.behave()
    assert found(await visit(pool, site))[1], "the next page is read as if nothing had been"


@needs_chromium
async def test_what_only_a_script_fetches(site, pool):
    site.misbehave("by_script")
    assert found(await get(site)) == ("unrelated_page", False)
    assert found(await visit(pool, site)) == (None, True)


@needs_chromium
async def test_a_page_that_works_without_end_is_ended(site, pool):
    site.misbehave("hangs")
    with pytest.raises(TransientError) as caught:
        await visit(pool, site)
    assert caught.value.kind in ("timeout", "browser")
    site.behave()
    assert found(await visit(pool, site))[1]


@needs_chromium
async def test_a_page_that_crashes_its_renderer(site, pool):
    """Its process dies; the browser does not, and the task is told that it may try again."""
    await visit(pool, site)
    live = pool._live
    with pytest.raises(ScrapeError) as caught:
        await pool.fetch(
            "chrome://crash",
            settings=IN_BROWSER,
            user_agent=DEFAULT_USER_AGENT,
            ready=".timeline",
        )
    assert isinstance(caught.value, TransientError)
    assert found(await visit(pool, site))[1]
    assert pool._live is live
