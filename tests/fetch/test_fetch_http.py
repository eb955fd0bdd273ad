"""The HTTP client against a real site on loopback."""

from __future__ import annotations

import pytest

from hotstream_reactive.errors import BlockedError, PermanentError, TransientError
from hotstream_reactive.fetch.http import DEFAULT_USER_AGENT, HttpClient
from hotstream_reactive.settings import FetchSettings
from tests.site.nitter import MisbehavingSite

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site():
    async with MisbehavingSite() as running:
        yield running


@pytest.fixture
async def client(site):
    async with HttpClient(FetchSettings(timeout=10), trusted=[site.url]) as running:
        yield running


async def test_a_page(site, client):
    response = await client.get(f"{site.url}/nightdome?x=1")
    assert response.status == 200
    assert response.url == response.final_url == f"{site.url}/nightdome?x=1"
    assert response.content_type == "text/html; charset=utf-8"
    assert "Night Dome" in response.text
    assert response.headers["content-length"].isdigit()
    sent = site.headers_seen[0]
    assert sent["user-agent"] == DEFAULT_USER_AGENT
    assert sent["accept-encoding"] == "gzip, deflate"


async def test_connections_are_used_again(site, client):
    for _ in range(5):
        await client.get(f"{site.url}/about")
    assert len(site._connections) == 1


async def test_the_operators_user_agent(site):
    settings = FetchSettings(user_agent="mine/1")
    async with HttpClient(settings, trusted=[site.url]) as client:
        await client.get(site.url)
    assert site.headers_seen[0]["user-agent"] == "mine/1"


async def test_redirects_are_followed(site, client):
    site.misbehave("redirect", path="/old", to="/about#part")
    response = await client.get(f"{site.url}/old")
    assert response.url == f"{site.url}/old"
    assert response.final_url == f"{site.url}/about"
    assert "About" in response.text


@pytest.mark.parametrize(
    "target",
    ["http://10.0.0.1/", "http://169.254.169.254/latest", "//127.0.0.1:9/x", "file:///etc/passwd"],
)
async def test_redirects_into_private_networks(site, client, target):
    site.misbehave("redirect", to=target)
    with pytest.raises(BlockedError) as caught:
        await client.get(f"{site.url}/x")
    assert caught.value.kind == "forbidden_address"


@pytest.mark.parametrize(
    ("kind", "details"), [("redirect", {"to": "/x"}), ("redirect_onwards", {})]
)
async def test_redirects_without_end(site, client, kind, details):
    site.misbehave(kind, **details)
    with pytest.raises(TransientError) as caught:
        await client.get(f"{site.url}/x")
    assert caught.value.kind == "redirects"
    assert len(site.requests) <= 6


async def test_a_bomb(site):
    site.misbehave("bomb")
    async with HttpClient(FetchSettings(max_body_mb=1), trusted=[site.url]) as client:
        with pytest.raises(TransientError, match=r"fetch\.max_body_mb") as caught:
            await client.get(site.url)
    assert caught.value.kind == "body_too_large"


async def test_a_drip_counts_as_a_whole(site):
    site.misbehave("slow_drip")
    async with HttpClient(FetchSettings(timeout=0.2), trusted=[site.url]) as client:
        with pytest.raises(TransientError, match=r"fetch\.timeout") as caught:
            await client.get(site.url)
    assert caught.value.kind == "timeout"


@pytest.mark.parametrize(
    ("url", "kind"), [("http://127.0.0.1:9/x", "connect"), ("http://nowhere.invalid/x", "dns")]
)
async def test_hosts_that_are_gone(url, kind):
    async with HttpClient(FetchSettings(), trusted=[url]) as client:
        with pytest.raises(TransientError) as caught:
            await client.get(url)
    assert caught.value.kind == kind


async def test_no_address():
    async with HttpClient(FetchSettings(), trusted=["http://x y/"]) as client:
        with pytest.raises((PermanentError, TransientError, BlockedError)):
            await client.get("http://x y/")


async def test_credentials_go_to_their_origin_and_into_no_text(site):
    site.misbehave("asks_password", user="u@x", password="p:w/%")
    async with MisbehavingSite() as other:
        address = site.url.replace("http://", "http://u%40x:p%3Aw%2F%25@")
        async with HttpClient(FetchSettings(), trusted=[address, other.url]) as client:
            response = await client.get(f"{address}/about")
            assert response.status == 200
            assert "@" not in response.url + response.final_url
            await client.get(f"{other.url}/about")
            assert "authorization" not in other.headers_seen[0]
            site.misbehave("bad_gateway")
            other.misbehave("redirect", to=address + "/x")
            response = await client.get(f"{other.url}/y", headers={"cookie": "a=b"})
            assert "u%40x" not in response.final_url
            assert "cookie" not in site.headers_seen[-1]


async def test_errors_do_not_show_credentials():
    async with HttpClient(FetchSettings(), trusted=["http://u:word@127.0.0.1:9"]) as client:
        with pytest.raises(TransientError) as caught:
            await client.get("http://u:word@127.0.0.1:9/x")
    assert "word" not in repr(caught.value)
