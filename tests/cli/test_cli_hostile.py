"""Nothing from a document, a page or a plugin reaches the terminal as a command, and no secret."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pymongo.database import Database

from tests.cli.command import HOSTILE, Cli

Db = Database[dict[str, Any]]
CANARY = "canary7531"


def fill(database: Db) -> None:
    database.tasks.insert_many(
        [
            {"task_id": HOSTILE, "platform": HOSTILE, "status": 0},
            {"platform": HOSTILE, "status": HOSTILE},
            {"platform": [HOSTILE], "status": 1, "worker_id": HOSTILE, "last_heartbeat": HOSTILE},
        ]
    )
    database.workers.insert_one({"_id": HOSTILE, "slots": HOSTILE, "stream": HOSTILE})
    fields = ("id", "platform", "author", "created_at", "url", "title", "content", "task_id")
    database.data_items.insert_one(dict.fromkeys(fields, HOSTILE) | {"metadata": {"x": HOSTILE}})


LISTINGS = [
    ("task-stats",),
    ("task-stats", "--json"),
    ("query-data",),
    ("query-data", "--format", "json"),
    ("query-data", "--format", "jsonl"),
    ("query-data", "--format", "csv"),
    ("doctor",),
    ("doctor", "--json"),
    ("info",),
]


@pytest.mark.fault("H5", "hostile texts in documents")
@pytest.mark.parametrize("arguments", LISTINGS)
def test_documents(cli: Cli, sync_database: Db, arguments: tuple[str, ...]) -> None:
    fill(sync_database)
    result = cli(*arguments)
    assert "internal" not in result.err
    result.assert_harmless()


@pytest.mark.parametrize("arguments", [("task-stats",), ("query-data",)])
def test_on_a_terminal_there_are_colours_and_nothing_else(
    cli: Cli, sync_database: Db, arguments: tuple[str, ...]
) -> None:
    fill(sync_database)
    seen = cli.on_terminal(*arguments).decode()
    assert "\x1b[1m" in seen
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e\u2066]", _without_style(seen))
    assert "\x1b" not in _without_style(cli.on_terminal(*arguments, NO_COLOR="1").decode())


def _without_style(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_pages_and_plugins(offline: Cli) -> None:
    plugins = offline.folder / "plugins"
    plugins.mkdir()
    text = HOSTILE.replace("\x00", "")
    (plugins / "\x1b[2Jname.py").write_text(f"raise ValueError({text!r})", encoding="utf-8")
    (plugins / "good.py").write_text(
        "from hotstream_reactive.model.page import PageOutcome, ParsedPage\n"
        "from hotstream_reactive.platforms import PlatformAdapter\n"
        "class Good(PlatformAdapter):\n"
        "    platform_name = 'good'\n"
        "    async def search(self, keywords, options):\n"
        "        yield {}\n"
        "def parse_page(text, **known):\n"
        "    record = dict(id=text, platform='good', content=text, author=text)\n"
        "    return ParsedPage(outcome=PageOutcome.OK, page_kind=text, message=text,\n"
        "        records=[record, {text: text}], info={text: text, 'known': known})\n",
        encoding="utf-8",
    )
    offline.env["HOTSTREAM_PLUGINS_PLUGIN_DIRS"] = "plugins"
    for arguments in (
        ("list-platforms",),
        ("list-platforms", "--json"),
        ("info",),
        ("doctor",),
        ("parse", "good", "-"),
        ("parse", "good", "-", "--json"),
        ("parse", "nameless", "-"),
        ("create-task", "t", "search", "\x1b[2Jname", "-k", "a"),
    ):
        result = offline(*arguments, stdin=HOSTILE)
        assert "internal" not in result.err, (arguments, result.err)
        result.assert_harmless()


SHOWING = [
    ("info",),
    ("config",),
    ("config", "--json"),
    ("doctor", "--json"),
    ("task-stats",),
    ("--debug", "task-stats"),
    ("init",),
    ("list-platforms", "--json"),
    ("test-nitter", "nasa"),
    ("test-nitter", "nasa", "--json"),
    ("create-task", "t", "search", "twitter", "-k", "a"),
    ("--mongodb-uri", f"mongodb://u:{CANARY}@/@nowhere", "info"),
    ("--mongodb-uri", f"mongodb+srv://u:{CANARY}@nowhere.invalid/", "info"),
    ("--mongodb-uri", f"mongodb://u:p%40{CANARY}@127.0.0.1:1/?tlsCAFile={CANARY}", "info"),
    (f"mongodb://u:{CANARY}@h",),
    ("task-stats", f"mongodb://u:{CANARY}@h"),
    ("query-data", "--format", f"mongodb://u:{CANARY}@h"),
]


def test_secrets(offline: Cli) -> None:
    table = f'{{cookies = "{CANARY}", deep = {{token = "{CANARY}"}}}}'
    offline.env |= {
        "MONGODB_URI": f"mongodb://user:{CANARY}@127.0.0.1:1/",
        "HOTSTREAM_PLATFORMS_TWITTER_PASSWORD": CANARY,
        "HOTSTREAM_PLATFORMS_TWITTER_USERNAME": CANARY,
        "HOTSTREAM_PLATFORMS_TWITTER_INSTANCES": f"http://u:{CANARY}@127.0.0.1:1",
        "HOTSTREAM_PLATFORMS_TWITTER_CONFIG": table,
    }
    # Side by side, as most of them wait for a server that is not there.
    with ThreadPoolExecutor() as threads:
        for arguments, result in zip(
            SHOWING, threads.map(lambda given: offline(*given), SHOWING), strict=True
        ):
            assert CANARY not in result.out + result.err, arguments
            assert result.out + result.err, arguments
