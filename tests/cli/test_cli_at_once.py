"""`search` and `monitor`: a platform read now, without queue and database."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import re
import textwrap
from collections.abc import AsyncIterator

import anyio.to_thread
import pytest

from hotstream_reactive.testing import REFUSALS, Reply
from tests.cli.command import HOSTILE, Cli
from tests.cli.test_cli_pages import run
from tests.site.juejin import JuejinSite
from tests.site.nitter import MisbehavingSite

pytestmark = pytest.mark.anyio

# As in the README of the original: untyped, all names from one place, an extractor that is asked
# to judge only, and a storage that does nothing.
ORIGINAL = """
from hotstream_reactive import DataExtractor, DataItem, PlatformAdapter, StorageAdapter

class Result:
    def __init__(self, number):
        self.id, self.author, self.url = f"myplatform_{number}", "ann", "https://x.example"
        self.content, self.timestamp = "more than ten letters" * number, "2026-01-31T08:00:00Z"

search_results = [Result(0), Result(1), Result(2)]

class MyPlatformAdapter(PlatformAdapter):
    platform_name = "myplatform"

    async def authenticate(self, credentials):
        return True

    async def search(self, keywords, options):
        for result in search_results:
            yield DataItem(
                id=result.id,
                platform=self.platform_name,
                content=result.content,
                author=result.author,
                url=result.url,
                created_at=result.timestamp,
            )

class MyDataExtractor(DataExtractor):
    async def extract(self, raw_data):
        return DataItem(...)

    def validate(self, data):
        return len(data.content) > 10

class MyStorageAdapter(StorageAdapter):
    async def save(self, items):
        return True

    async def query(self, filters):
        return []
"""


@pytest.fixture
async def site(offline: Cli) -> AsyncIterator[MisbehavingSite]:
    async with MisbehavingSite() as running:
        offline.env["HOTSTREAM_PLATFORMS_TWITTER_INSTANCES"] = running.url
        offline.env["HOTSTREAM_FETCH_RETRIES"] = "0"
        yield running


async def test_a_table_for_people(offline: Cli, site: MisbehavingSite) -> None:
    found = await run(offline, "search", "twitter", "fog", "-l", "3")
    assert (found.code, found.err) == (0, "")
    assert len(found.out.splitlines()) == 4
    assert found.out.count("twitter_") == 3


async def test_json_tells_of_every_target(offline: Cli, site: MisbehavingSite) -> None:
    found = await run(offline, "monitor", "nightdome", "nobody_x", "-l", "2", "--json")
    assert found.code == 0
    assert found.json["count"] == len(found.json["items"]) == 2
    assert found.json["outcome"] == "ok"
    outcomes = {one["target"]: one["outcome"] for one in found.json["targets"]}
    assert outcomes == {"nightdome": "ok", "nobody_x": "account_not_found"}
    assert "nobody_x" in found.err


async def test_json_lines_and_files(offline: Cli, site: MisbehavingSite) -> None:
    lines = (await run(offline, "search", "twitter", "fog", "-l", "4", "--jsonl")).out.splitlines()
    ids = [json.loads(line)["id"] for line in lines]
    assert len(ids) == 4
    written = await run(offline, "search", "twitter", "fog", "-l", "4", "-o", "found.csv")
    assert (written.code, written.out) == (0, "")
    assert "4 items written to found.csv" in written.err
    text = (offline.folder / "found.csv").read_text("utf-8-sig")
    assert [row["id"] for row in csv.DictReader(io.StringIO(text))] == ids
    for arguments in (["--json", "--jsonl"], ["-o", "found.txt"], ["-o", "no/such/place.csv"]):
        assert (await run(offline, "search", "twitter", "fog", *arguments)).code == 2


async def test_the_first_word_may_be_the_platform(offline: Cli, site: MisbehavingSite) -> None:
    for words in (
        ["nightdome"],
        ["twitter", "nightdome"],
        ["--platform", "twitter", "nightdome"],
    ):
        found = await run(offline, "monitor", *words, "-l", "1", "--json")
        assert [one["target"] for one in found.json["targets"]] == ["nightdome"]
    alone = await run(offline, "monitor", "medium", "--json")
    assert [one["target"] for one in alone.json["targets"]] == ["medium"]


@pytest.mark.parametrize("form", ["table", "jsonl"])
async def test_no_bar_between_the_lines_on_a_terminal(
    offline: Cli, site: MisbehavingSite, form: str
) -> None:
    def on_terminal() -> str:
        ours, theirs = pty.openpty()
        arguments = ("search", "twitter", "fog", "-l", "3", "--format", form)
        with offline.start(*arguments, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            shown = b""
            with contextlib.suppress(OSError):  # the terminal is gone with the process
                while piece := os.read(ours, 65536):
                    shown += piece
            assert process.wait() == 0
        os.close(ours)
        return shown.decode()

    shown = await anyio.to_thread.run_sync(on_terminal)
    assert shown.count("twitter_") == 3
    bars = [found.start() for found in re.finditer(r"\d/3", shown)]
    assert bool(bars) == (form == "table")
    assert all(place < shown.index("twitter_") for place in bars)


async def test_nothing_found_is_said_and_no_failure(offline: Cli, site: MisbehavingSite) -> None:
    found = await run(offline, "search", "twitter", "nobodywrotethis")
    assert (found.code, found.out) == (0, "")
    assert "nobodywrotethis: nothing found" in found.err
    assert (await run(offline, "search", "twitter", "nobodywrotethis", "--json")).json[
        "outcome"
    ] == "empty"


async def test_a_refusal_is_an_error_with_its_remedy(offline: Cli, site: MisbehavingSite) -> None:
    site.misbehave("challenged")
    (offline.folder / "kept.json").write_text("before")
    refused = await run(offline, "search", "twitter", "fog", "--json")
    assert refused.code == 1
    assert refused.json["outcome"] == "cloudflare"
    assert refused.err.startswith("error: ")
    assert (await run(offline, "search", "twitter", "fog", "-o", "kept.json")).code == 1
    assert (offline.folder / "kept.json").read_text() == "before"


async def test_what_came_before_a_failure_is_printed(offline: Cli) -> None:
    async with JuejinSite() as site:
        offline.env["HOTSTREAM_PLATFORMS_JUEJIN_API_URL"] = site.url
        offline.env["HOTSTREAM_FETCH_RETRIES"] = "0"
        arguments = ["monitor", "juejin", "2788017216685118", "-l", "40"]
        site.misbehave("query_list", REFUSALS["broken"])
        assert (await run(offline, *arguments)).code == 1
        offline.env["HOTSTREAM_PLATFORMS_JUEJIN_RATE_LIMIT_REQUESTS_PER_MINUTE"] = "6000"
        site.behave()
        answered = site.page

        async def page(request: object) -> Reply:
            if len(site.received) > 1:
                return REFUSALS["broken"]
            return await answered(request)  # type: ignore[arg-type]  # it is one

        site.page = page  # type: ignore[method-assign]  # one page, then none
        half = await run(offline, *arguments, "--json")
        assert half.code == 1
        assert half.json["count"] == 20
        assert half.json["outcome"] == "http_502"
        assert "HTTP 502" in half.err


async def test_unknown_and_switched_off_platforms(offline: Cli) -> None:
    unknown = await run(offline, "search", "twiter", "x")
    assert (unknown.code, unknown.out) == (3, "")
    assert "'twitter'" in unknown.err
    off = await run(offline, "search", "zhihu", "x", "--json")
    assert (off.code, off.out) == (65, "")
    assert "platforms.zhihu.enabled = true" in off.err
    bad = await run(offline, "search", "juejin", "x", "--since", "yesterday")
    assert bad.code == 1
    assert "2026-01-31" in bad.err


async def test_the_classes_of_the_original_run_as_they_are(offline: Cli) -> None:
    plugins = offline.folder / "plugins"
    plugins.mkdir()
    (plugins / "my.py").write_text(ORIGINAL, "utf-8")
    offline.env["HOTSTREAM_PLUGINS_PLUGIN_DIRS"] = "plugins"
    checked = await run(offline, "plugins", "list", "--json")
    ours = {(one["kind"], one["name"]) for one in checked.json["plugins"]}
    assert ours >= {("platform", "myplatform"), ("extractor", "myplatform"), ("storage", "my")}
    found = await run(offline, "search", "myplatform", "AI", "--json")
    assert [item["id"] for item in found.json["items"]] == ["myplatform_1", "myplatform_2"]
    assert found.json["items"][0]["created_at"] == "2026-01-31T08:00:00Z"
    assert "1 records left out" in found.err


async def test_a_platform_that_cannot_monitor_is_wrong_usage(offline: Cli) -> None:
    plugins = offline.folder / "plugins"
    plugins.mkdir()
    (plugins / "my.py").write_text(ORIGINAL, "utf-8")
    offline.env["HOTSTREAM_PLUGINS_PLUGIN_DIRS"] = "plugins"
    for words in (["myplatform", "ann"], ["--platform", "myplatform", "ann", "--json"]):
        found = await run(offline, "monitor", *words)
        assert found.code == 2
        assert not found.out
        [line] = [line for line in found.err.splitlines() if "cannot monitor" in line]
        assert "'myplatform'" in line
        assert "hotstream search myplatform" in line
        assert "internal" not in found.err


async def test_what_a_plugin_says_is_harmless(offline: Cli) -> None:
    plugins = offline.folder / "plugins"
    plugins.mkdir()
    source = f"""
        from hotstream_reactive import BlockedError, DataItem, PlatformAdapter
        class Wild(PlatformAdapter):
            report = "none"
            async def search(self, keywords, options):
                yield DataItem(id="wild_1", platform="wild", content={HOSTILE!r})
                raise BlockedError({HOSTILE!r})
    """
    (plugins / "wild.py").write_text(textwrap.dedent(source), "utf-8")
    offline.env["HOTSTREAM_PLUGINS_PLUGIN_DIRS"] = "plugins"
    for form in ("table", "json", "jsonl", "csv"):
        result = await run(offline, "search", "wild", "x", "--format", form)
        assert result.code == 1
        result.assert_harmless()
        assert "wild_1" in result.out
