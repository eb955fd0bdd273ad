"""Instances that fail, each in its way, and what becomes of the run."""

from __future__ import annotations

import pytest

from hotstream_reactive.errors import BlockedError, RateLimited, TransientError
from hotstream_reactive.platforms.twitter.client import Shared
from tests.site import nitter as pages

pytestmark = pytest.mark.anyio

FAILURES = {
    "rate limited": ("rate_limited", {}),
    "internal error": ("internal_error", {}),
    "bad gateway": ("bad_gateway", {}),
    "forbidden": ("forbidden", {}),
    "empty 200": ("empty", {}),
    "verifying": ("page", {"text": pages.VERIFYING}),
    "anubis": ("page", {"text": pages.ANUBIS}),
    "cloudflare": ("page", {"text": pages.CLOUDFLARE, "status": "403"}),
    "parked": ("page", {"text": pages.PARKED}),
    "sign-in": ("page", {"text": pages.LOGIN}),
    "unrelated": ("page", {"text": pages.UNRELATED}),
    "plain 404": ("page", {"text": "gone", "status": "404"}),
    "feed placeholder": ("page", {"text": pages.PLACEHOLDER_FEED}),
    "private redirect": ("redirect", {"to": "http://10.0.0.1/nightdome"}),
    "redirect to another local port": ("redirect", {"to": "http://127.0.0.1:9/"}),
    "redirect to a file": ("redirect", {"to": "file:///etc/passwd"}),
    "redirect circle": ("redirect", {"to": "/nightdome"}),
    "redirects without end": ("redirect_onwards", {}),
    "bomb": ("bomb", {}),
    "cut": ("cut", {}),
    "none found": ("none_found", {}),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_the_next_instance_steps_in(site, second_site, start, name):
    kind, details = FAILURES[name]
    site.misbehave(kind, **details)
    run = start(site.url, second_site.url)
    assert len(await run.monitor("nightdome", limit=25)) == 25
    assert run.adapter.report[0]["outcome"] == "ok"
    # The failed one is not asked again for the second page.
    assert len([one for one in site.requests if "cursor" in one]) == 0


@pytest.mark.parametrize(
    ("name", "error", "kind"),
    [
        ("rate limited", RateLimited, "rate_limited"),
        ("internal error", TransientError, "instance_error"),
        ("bad gateway", TransientError, "http_502"),
        ("forbidden", BlockedError, "http_403"),
        ("empty 200", BlockedError, "empty_body"),
        ("verifying", BlockedError, "verifying_browser_pow"),
        ("anubis", BlockedError, "anubis"),
        ("cloudflare", BlockedError, "cloudflare"),
        ("parked", BlockedError, "parked_domain"),
        ("sign-in", BlockedError, "login_wall"),
        ("unrelated", BlockedError, "unrelated_page"),
        ("plain 404", BlockedError, "http_404"),
        ("feed placeholder", BlockedError, "rss_not_whitelisted"),
        ("private redirect", BlockedError, "forbidden_address"),
        ("redirect to another local port", BlockedError, "forbidden_address"),
        ("redirect to a file", BlockedError, "forbidden_address"),
        ("redirect circle", TransientError, "redirects"),
        ("redirects without end", TransientError, "redirects"),
        ("bomb", TransientError, "body_too_large"),
        ("cut", TransientError, "network"),
        ("none found", BlockedError, "empty_suspect"),
    ],
)
async def test_when_all_fail_the_error_says_why(site, start, name, error, kind):
    behaviour, details = FAILURES[name]
    site.misbehave(behaviour, **details)
    with pytest.raises(error, match=r"127\.0\.0\.1") as caught:
        await start(site.url).monitor("nightdome")
    assert type(caught.value) is error
    assert caught.value.kind == kind


async def test_a_slow_drip_ends_with_the_time_out(site, start):
    site.misbehave("slow_drip")
    with pytest.raises(TransientError, match=r"0\.3 s") as caught:
        await start(site.url, timeout=0.3).monitor("nightdome")
    assert caught.value.kind == "timeout"


async def test_retry_after_is_honoured(site, start):
    shared = Shared()
    site.misbehave("rate_limited", retry_after="120")
    with pytest.raises(RateLimited) as caught:
        await start(site.url, shared=shared).monitor("nightdome")
    assert caught.value.retry_after == pytest.approx(120, abs=1)
    asked = len(site.requests)
    with pytest.raises(RateLimited, match="cools down") as caught:
        await start(site.url, shared=shared).monitor("nightdome")
    assert caught.value.retry_after == pytest.approx(120, abs=2)
    assert len(site.requests) == asked, "a cooling instance is left alone"


async def test_the_shortest_wait_counts(site, second_site, start):
    site.misbehave("rate_limited", retry_after="300")
    second_site.misbehave("rate_limited", retry_after="40")
    with pytest.raises(RateLimited) as caught:
        await start(site.url, second_site.url).monitor("nightdome")
    assert caught.value.retry_after == pytest.approx(40, abs=1)


async def test_every_instance_is_named_with_its_reason(site, second_site, start):
    site.misbehave("forbidden")
    second_site.misbehave("page", text=pages.PARKED)
    with pytest.raises(BlockedError) as caught:
        await start(site.url, second_site.url).monitor("nightdome")
    message = str(caught.value)
    assert f"127.0.0.1:{site.port}: HTTP 403" in message
    assert f"127.0.0.1:{second_site.port}: the domain is parked" in message
    assert caught.value.kind == "all_instances_failed"


async def test_an_instance_that_is_gone(site, start):
    run = start("http://127.0.0.1:9", "http://nowhere.invalid", site.url)
    assert len(await run.monitor("nightdome", limit=3)) == 3


async def test_another_account_than_asked_for(site, second_site, start):
    other = site.accounts["moss_garden"]
    site.accounts["nightdome"] = other
    run = start(site.url, second_site.url)
    got = await run.monitor("nightdome", limit=3)
    assert {record["handle"] for record in got} == {"nightdome"}


async def test_an_empty_profile_is_no_suspect(site, start):
    site.accounts["nightdome"].timeline.clear()
    run = start(site.url)
    assert await run.monitor("nightdome") == []
    assert run.adapter.report[0]["outcome"] == "empty"


async def test_failing_in_the_middle_keeps_what_was_read(site, start):
    site.misbehave("endless")
    site.misbehave("bad_gateway", path="/nightdome")
    run = start(site.url)
    first_page = await start(site.url).monitor("moss_garden", limit=20)
    with pytest.raises(TransientError):
        await run.monitor("moss_garden", "nightdome", limit=20)
    assert len(run.got) == len(first_page)


async def test_the_outage_of_all_is_noticed_early(site, start):
    site.misbehave("bad_gateway")
    accounts = list(site.accounts)
    run = start(site.url)
    with pytest.raises(TransientError, match=f"{len(accounts)} of {len(accounts)}"):
        await run.monitor(*accounts)
    assert len(site.requests) == 3
    assert run.adapter.report[-1]["outcome"] == "not_tried"


async def test_a_private_instance_and_its_password(site, start):
    site.misbehave("asks_password", user="reader", password="s3cret/pass")
    address = site.url.replace("http://", "http://reader:s3cret%2Fpass@")
    run = start(address)
    got = await run.monitor("nightdome", limit=25)
    assert len(got) == 25
    assert "s3cret" not in repr([got, run.saved, run.logged, run.adapter.report])


async def test_a_wrong_password_is_told_without_it(site, start):
    site.misbehave("asks_password", user="reader", password="right")
    run = start(site.url.replace("http://", "http://reader:wr0ng@"))
    with pytest.raises(BlockedError) as caught:
        await run.monitor("nightdome")
    assert caught.value.kind == "http_401"
    assert "wr0ng" not in repr([str(caught.value), run.saved, run.logged, run.adapter.report])


async def test_the_password_does_not_follow_a_redirect(site, second_site, start):
    site.misbehave("redirect", to=f"{second_site.url}/nightdome")
    run = start(site.url.replace("http://", "http://reader:wr0ng@"), second_site.url)
    await run.monitor("nightdome", limit=2)
    assert second_site.headers_seen
    assert not any("authorization" in headers for headers in second_site.headers_seen)
