"""Where pages are refused, the feed of the same instance is asked."""

from __future__ import annotations

import pytest

from hotstream_reactive.errors import BlockedError, RateLimited, TransientError
from hotstream_reactive.platforms.twitter.asking import feed_path
from tests.site import nitter as pages

pytestmark = pytest.mark.anyio


def refuse_pages(site, kind="forbidden", **details):
    """Refuse everything but feeds."""
    site.misbehave(kind, but=lambda request: request.path.endswith("/rss"), **details)


def feeds(site):
    return [one for one in site.requests if "/rss" in one]


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("forbidden", {}),
        ("empty", {}),
        ("page", {"text": pages.ANUBIS}),
        ("page", {"text": pages.CLOUDFLARE, "status": "403"}),
        ("page", {"text": pages.LOGIN}),
    ],
)
async def test_an_account_is_read_from_its_feed(site, start, kind, details):
    whole = await start(site.url).monitor("nightdome", limit=45)
    site.received.clear()
    refuse_pages(site, kind, **details)
    run = start(site.url)
    got = await run.monitor("nightdome", limit=45)
    assert len(got) == len({one["id"] for one in got}) == 45
    assert {one["source"] for one in got} == {"rss"}
    assert not any("likes" in one for one in got)
    assert {one["id"] for one in got} >= {one["id"] for one in whole[:40] if not one["is_repost"]}
    assert len(site.requests) == len(feeds(site)) + 1, "the page is not tried for each page again"
    assert run.adapter.report[0]["outcome"] == "ok"
    assert any("no counters" in line for line in run.logged)


async def test_a_suspicious_emptiness_too(site, start):
    site.misbehave("none_found", path="/nightdome")
    got = await start(site.url).monitor("nightdome", limit=5)
    assert {one["source"] for one in got} == {"rss"}


async def test_a_search(site, start):
    refuse_pages(site)
    got = await start(site.url, limit=25, filters={"replies": False}).search("fog", "bread")
    assert len(got) == 25
    assert all("e-replies=on" in one and "fog" in one for one in feeds(site))


async def test_pages_of_another_instance_come_first(site, second_site, start):
    refuse_pages(site)
    got = await start(site.url, second_site.url).monitor("nightdome", limit=45)
    assert {one["source"] for one in got} == {"html"}
    assert feeds(site) == []


async def test_what_both_sources_have_comes_once(site, second_site, start):
    """The feed of one, then the pages of another that came back: merged by id."""
    refuse_pages(site)
    second_site.misbehave("bad_gateway", times=1)
    site.misbehave("bad_gateway", path="/nightdome/rss")
    run = start(site.url, second_site.url)
    with pytest.raises((BlockedError, TransientError)):
        await run.monitor("nightdome", limit=45)
    site.behave()
    refuse_pages(site)
    second_site.misbehave("bad_gateway", times=1)
    run = start(site.url, second_site.url)
    records = run.adapter.monitor_accounts(["nightdome"], 45)
    got = []
    async for record in records:
        got.append(record)
        if len(got) == 10:
            site.behave()
            site.misbehave("bad_gateway")
    await run.adapter.close()
    assert {one["source"] for one in got} == {"rss", "html"}
    assert len({one["id"] for one in got}) == len(got) == 45


@pytest.mark.parametrize(
    ("kind", "details", "error"),
    [
        ("rate_limited", {}, RateLimited),
        ("bad_gateway", {}, TransientError),
        ("cut", {}, TransientError),
        ("redirect", {"to": "http://10.0.0.1/"}, BlockedError),
    ],
)
async def test_who_wants_to_be_left_alone_is(site, start, kind, details, error):
    refuse_pages(site, kind, **details)
    with pytest.raises(error):
        await start(site.url).monitor("nightdome")
    assert feeds(site) == []


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("forbidden", {}),
        ("page", {"text": pages.PLACEHOLDER_FEED}),
        (
            "page",
            {"text": "<rss version='2.0'><channel><title>N / @nightdome</title></channel></rss>"},
        ),
        ("page", {"text": "<rss version='2.0'><channel><title>X / @other</title></channel></rss>"}),
    ],
)
async def test_a_feed_that_does_not_help(site, start, kind, details):
    """The reason is that of the page; an empty feed behind a wall is no empty account."""
    site.misbehave(kind, path="/nightdome/rss", **details)
    refuse_pages(site, "page", text=pages.ANUBIS)
    site.misbehave(kind, path="/nightdome/rss", **details)
    with pytest.raises(BlockedError) as caught:
        await start(site.url).monitor("nightdome")
    assert caught.value.kind == "anubis"


async def test_accounts_that_are_not_there(site, start):
    """A 404 of the feed says no more than the refused page did."""
    refuse_pages(site)
    with pytest.raises(BlockedError) as caught:
        await start(site.url).monitor("nobody_here")
    assert caught.value.kind == "http_403"


@pytest.mark.parametrize(
    ("path", "feed"),
    [
        ("/ada", "/ada/rss"),
        ("/ada/with_replies?cursor=x%3D", "/ada/with_replies/rss?cursor=x%3D"),
        ("/search?f=tweets&q=a%20b", "/search/rss?f=tweets&q=a%20b"),
        ("/search?f=top&q=a", None),
        ("/ada/status/12", None),
        ("/i/status/12?cursor=x", None),
    ],
)
def test_where_feeds_are(path, feed):
    assert feed_path(path) == feed
