"""`parse` and `test-nitter`: pages, saved and asked for."""

from __future__ import annotations

import functools
import urllib.request
from typing import Any

import anyio.to_thread
import pytest

from hotstream_reactive.platforms.twitter.demo_site import NitterSite
from tests.cli.command import Cli, Result

pytestmark = pytest.mark.anyio


async def run(cli: Cli, *arguments: str, **options: Any) -> Result:
    """Run a command while the site of the test goes on serving."""
    return await anyio.to_thread.run_sync(functools.partial(cli, *arguments, **options))


async def page_of(site: NitterSite, path: str) -> str:
    def get() -> str:
        with urllib.request.urlopen(f"{site.url}/{path}") as answer:
            return str(answer.read().decode())

    return await anyio.to_thread.run_sync(get)


async def test_parse_a_saved_page(offline: Cli) -> None:
    async with NitterSite() as site:
        page = await page_of(site, "nightdome")
        url = f"{site.url}/nightdome"
    saved = offline.folder / "page.html"
    saved.write_bytes(b"\xef\xbb\xbf" + page.encode() + b"\xff")
    parsed = (await run(offline, "parse", "twitter", "page.html", "--url", url, "--json")).json
    assert set(parsed) == {
        "schema_version",
        "platform",
        "page_kind",
        "outcome",
        "failure_kind",
        "message",
        "items",
        "item_count",
        "next_cursor",
        "retry_elsewhere",
        "info",
    }
    assert (parsed["platform"], parsed["outcome"]) == ("twitter", "ok")
    assert parsed["item_count"] == len(parsed["items"]) > 10
    assert parsed["next_cursor"]
    first = parsed["items"][0]
    assert first["id"].startswith("twitter_")
    assert set(first) >= {"id", "platform", "content", "author", "url", "created_at", "metadata"}
    text = (await run(offline, "parse", "twitter", "-", stdin=page)).out
    assert first["id"] in text
    assert "outcome:      ok" in text


@pytest.mark.parametrize(
    ("encoding", "meta", "arguments"),
    [
        ("utf-8", "gbk", ()),
        ("gbk", "gbk", ()),
        ("gbk", "", ("--content-type", "text/html; charset=gbk")),
        ("utf-16", "", ()),
    ],
)
async def test_a_saved_page_in_any_character_set(
    offline: Cli, encoding: str, meta: str, arguments: tuple[str, ...]
) -> None:
    page = f'<meta charset="{meta}">' if meta else ""
    page += '<div class="error-panel"><span>User "山路上的小茶馆" not found</span></div>'
    (offline.folder / "page.html").write_bytes(page.encode(encoding))
    parsed = (await run(offline, "parse", "twitter", "page.html", "--json", *arguments)).json
    assert parsed["message"] == 'User "山路上的小茶馆" not found'


async def test_any_page_that_can_be_read_is_a_success(offline: Cli) -> None:
    refused = await run(
        offline,
        *("parse", "twitter", "-", "--status", "429", "--content-type", "text/html", "--json"),
        stdin="<html><title>429 Too Many Requests</title></html>",
    )
    assert refused.code == 0
    assert refused.json["outcome"] == "rate_limited"
    assert refused.json["items"] == []
    assert refused.json["info"]["status"] == 429
    assert (await run(offline, "parse", "twitter", "-", "--json", stdin="")).code == 0


async def test_parse_needs_a_platform_that_reads_pages_and_a_file(offline: Cli) -> None:
    plugins = offline.folder / "plugins"
    plugins.mkdir()
    (plugins / "mine.py").write_text(
        "from hotstream_reactive.platforms import PlatformAdapter\n"
        "class Mine(PlatformAdapter):\n"
        "    async def search(self, keywords, options):\n        yield {}\n",
        encoding="utf-8",
    )
    offline.env["HOTSTREAM_PLUGINS_PLUGIN_DIRS"] = "plugins"
    result = await run(offline, "parse", "mine", "-")
    assert result.code == 3
    assert "parse_page" in result.err
    result = await run(offline, "parse", "twiter", "-")
    assert result.code == 3
    assert "'twitter'" in result.err
    assert (await run(offline, "parse", "twitter", "no-such-file")).code == 2
    offline.env["HOTSTREAM_FETCH_MAX_BODY_MB"] = "1"
    result = await run(offline, "parse", "twitter", "-", stdin="x" * (2**20 + 1))
    assert result.code == 2
    assert "max_body_mb" in result.err


async def test_nitter_instances_are_asked_one_by_one(offline: Cli) -> None:
    async with NitterSite() as site:
        offline.env["HOTSTREAM_PLATFORMS_TWITTER_INSTANCES"] = f"http://127.0.0.1:1,{site.url}"
        result = await run(offline, "test-nitter", "@nightdome", "--limit", "3", "--json")
        dead, alive = result.json["instances"]
        assert result.code == 0
        assert dead["outcome"] == "connect"
        assert dead["items"] == []
        assert (alive["instance"], alive["outcome"]) == (site.url, "ok")
        assert len(alive["items"]) == 3
        assert all(item["id"].startswith("twitter_") for item in alive["items"])
        text = (await run(offline, "test-nitter", "nightdome", "-l", "2")).out
        assert "All connection attempts failed" in text
        missing = await run(offline, "test-nitter", "nobody_at_all", "--instance", site.url)
        assert missing.code == 1
        assert "account_not_found" in missing.out


async def test_nitter_needs_an_instance(offline: Cli) -> None:
    result = await run(offline, "test-nitter", "nasa")
    assert result.code == 78
    assert "--instance" in result.err
    result = await run(offline, "test-nitter", "nasa", "--instance", "ftp://x")
    assert result.code == 78
