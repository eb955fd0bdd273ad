"""Sending JSON: what arrives, what is sent again, and where it may not go."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from hotstream_reactive.errors import BlockedError, TransientError
from hotstream_reactive.fetch.http import HttpClient
from hotstream_reactive.settings import FetchSettings, PlatformSettings
from hotstream_reactive.testing import REFUSALS, RecordedSite, Reply

pytestmark = pytest.mark.anyio
BUSY = {"Retry-After": "0"}


@pytest.fixture
async def site() -> AsyncIterator[RecordedSite]:
    async with RecordedSite({"/api": '{"ok": true}'}) as running:
        yield running


@pytest.fixture
async def client(site: RecordedSite) -> AsyncIterator[HttpClient]:
    async with HttpClient(FetchSettings(timeout=10, retries=2), trusted=[site.url]) as running:
        yield running


def bodies(site: RecordedSite) -> list[bytes]:
    return [request.body for request in site.received]


async def test_the_value_arrives_as_json(site: RecordedSite, client: HttpClient) -> None:
    answer = await client.post_json(f"{site.url}/api", {"词": [1, None]}, headers={"x-a": "b"})
    assert json.loads(answer.text) == {"ok": True}
    (request,) = site.received
    assert (request.method, json.loads(request.body)) == ("POST", {"词": [1, None]})
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-a"] == "b"


@pytest.mark.parametrize(
    ("reply", "repeatable", "asked"),
    [
        (Reply(status=502), False, 1),
        (Reply(status=502), True, 3),
        (Reply(status=503), False, 1),
        (Reply(status=503, headers=BUSY), False, 3),
        (Reply(status=429, headers=BUSY), False, 3),
        (Reply(status=502, headers=BUSY), False, 1),
        (REFUSALS["cut"], False, 1),
        (REFUSALS["cut"], True, 3),
    ],
)
async def test_it_is_sent_again_only_where_that_does_no_harm(
    site: RecordedSite, client: HttpClient, reply: Reply, repeatable: bool, asked: int
) -> None:
    site.misbehave("/api", reply)
    try:
        await client.post_json(f"{site.url}/api", {"a": 1}, repeatable=repeatable)
    except TransientError as error:
        assert reply.cut, error
    assert bodies(site) == [b'{"a":1}'] * asked


async def test_a_connection_that_never_was_is_tried_again(client: HttpClient) -> None:
    turns: list[str] = []

    async def again() -> None:
        turns.append("again")

    settings = FetchSettings(timeout=10, retries=2)
    dead = "http://127.0.0.1:1"
    async with HttpClient(settings, trusted=[dead], again=again) as client:
        with pytest.raises(TransientError) as caught:
            await client.post_json(f"{dead}/api", {})
    assert caught.value.kind == "connect"
    assert turns == ["again", "again"]


@pytest.mark.parametrize(
    ("status", "method", "body"), [(302, "GET", b""), (303, "GET", b""), (307, "POST", b"[1]")]
)
async def test_redirects_within_the_site(
    site: RecordedSite, client: HttpClient, status: int, method: str, body: bytes
) -> None:
    site.misbehave("/old", Reply(status=status, headers={"Location": "/api"}))
    answer = await client.post_json(f"{site.url}/old", [1])
    assert answer.final_url == f"{site.url}/api"
    assert (site.received[-1].method, site.received[-1].body) == (method, body)
    assert ("content-type" in site.received[-1].headers) == (method == "POST")


async def test_the_value_goes_to_no_other_site(site: RecordedSite) -> None:
    async with RecordedSite({"/api": "{}"}) as other:
        trusted = [site.url, other.url]
        async with HttpClient(FetchSettings(timeout=10), trusted=trusted) as client:
            site.misbehave("/old", Reply(status=308, headers={"Location": f"{other.url}/api"}))
            with pytest.raises(TransientError, match="configured address") as caught:
                await client.post_json(f"{site.url}/old", {"secret": 1})
            assert caught.value.kind == "redirects"
            assert other.received == []
            site.misbehave("/see", Reply(status=303, headers={"Location": f"{other.url}/api"}))
            await client.post_json(f"{site.url}/see", {"secret": 1}, headers={"x-key": "k"})
    (request,) = other.received
    assert (request.method, request.body) == ("GET", b"")
    assert "x-key" not in request.headers


async def test_guards_and_robots_hold_as_for_pages(site: RecordedSite) -> None:
    robots = "User-agent: *\nDisallow: /api\n"
    site.misbehave("/robots.txt", Reply(body=robots, content_type="text/plain"))
    async with HttpClient(FetchSettings(timeout=10)) as stranger:
        with pytest.raises(BlockedError) as caught:
            await stranger.post_json(f"{site.url}/api", {})
    assert caught.value.kind == "forbidden_address"
    ruled = PlatformSettings(base_url=site.url, respect_robots=True)
    async with HttpClient.for_platform(FetchSettings(timeout=10), ruled) as client:
        with pytest.raises(Exception, match=r"robots\.txt") as refused:
            await client.post_json(f"{site.url}/api", {"secret": 1})
    assert getattr(refused.value, "kind", "") == "robots"
    assert set(bodies(site)) == {b""}, "robots.txt itself is asked for without a body"
