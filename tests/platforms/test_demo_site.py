"""The demo site by itself."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request

import anyio
import pytest

from hotstream_reactive.fetch.http import HttpClient
from hotstream_reactive.platforms.twitter import parse_page
from hotstream_reactive.platforms.twitter.demo_content import make_accounts
from hotstream_reactive.platforms.twitter.demo_site import NitterSite
from hotstream_reactive.settings import FetchSettings


@pytest.mark.anyio
async def test_the_same_posts_at_every_start():
    first, second = make_accounts(), make_accounts()
    assert first == second
    total = sum(len(account.own_posts) for account in first.values())
    assert total == 60 * len(first)
    every_id = {one.id for account in first.values() for one in account.own_posts}
    assert len(every_id) == total


@pytest.mark.anyio
async def test_every_page_reads_well():
    async with NitterSite() as site, HttpClient(FetchSettings(), trusted=[site.url]) as client:
        for path, outcome, kind in (
            ("/nightdome", "ok", "user_timeline"),
            ("/NightDome/with_replies", "ok", "user_timeline"),
            ("/nightdome/media", "ok", "user_timeline"),
            ("/nightdome/search?q=comets&f=tweets", "ok", "user_timeline"),
            ("/search?q=fog", "ok", "search"),
            ("/search?q=nobodywrotethis", "empty", "search"),
            ("/nightdome/rss", "ok", "user_rss"),
            ("/search/rss?q=fog", "ok", "search_rss"),
            ("/about", "not_timeline", "failure"),
            ("/nobody", "not_found", "failure"),
            ("/nightdome/status/1/x", "not_found", "failure"),
            (f"/search?q={'x' * 501}", "error", "failure"),
        ):
            response = await client.get(site.url + path)
            page = parse_page(
                response.text,
                url=response.final_url,
                status=response.status,
                headers=response.headers,
            )
            assert (page.outcome, page.page_kind) == (outcome, kind), path
        assert "/nightdome/rss" in site.requests


@pytest.mark.anyio
async def test_answers_take_their_time():
    async with (
        NitterSite(delay_s=0.05) as site,
        HttpClient(FetchSettings(), trusted=[site.url]) as client,
    ):
        start = time.monotonic()
        await client.get(site.url)
        assert time.monotonic() - start >= 0.05


@pytest.mark.anyio
async def test_rubbish_does_not_stop_it():
    async with NitterSite() as site, HttpClient(FetchSettings(), trusted=[site.url]) as client:
        for rubbish in (b"\r\n\r\n", b"GET\r\n\r\n", b"\xff\xfe / \r\nx\r\n\r\n", b"G" * 100_000):
            async with await anyio.connect_tcp("127.0.0.1", site.port) as stream:
                await stream.send(rubbish)
                await stream.send_eof()
        assert (await client.get(f"{site.url}/about")).status == 200


def test_as_a_program():
    command = [
        sys.executable,
        "-m",
        "hotstream_reactive.platforms.twitter.demo_site",
        "--posts",
        "30",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        page = urllib.request.urlopen(f"{address}/nightdome", timeout=10).read().decode()
        assert len(parse_page(page).records) >= 20
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{address}/nobody", timeout=10)
        process.terminate()
        assert process.wait(10) == 0
