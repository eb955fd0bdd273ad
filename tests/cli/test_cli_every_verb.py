"""What holds for every verb there is: a new one is under it from its first day."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from hotstream_reactive import vitals
from hotstream_reactive.cli.main import VERBS
from tests.cli.command import HOSTILE, Cli

Db = Database[dict[str, Any]]
#: A call of each verb that ends by itself with the code 0; None: it needs no database or is long.
CALLS: dict[str, tuple[str, ...]] = {
    "cancel": ("cancel", "waits", "--dry-run"),
    "completion": ("completion", "bash"),
    "config": ("config",),
    "config import": ("config", "import", "old.yaml"),
    "create-task": ("create-task", "new", "search", "twitter", "-k", "a"),
    "dashboard": ("dashboard", "--once"),
    "doctor": ("doctor",),
    "explain": ("explain", "waits"),
    "health": ("health",),
    "history": ("history", "waits"),
    "info": ("info",),
    "init": ("init",),
    "limit": ("limit", "twitter", "--max-running", "2"),
    "list": ("list",),
    "list-platforms": ("list-platforms",),
    "monitor": ("monitor", "local", "a"),
    "parse": ("parse", "twitter", "page.html"),
    "pause": ("pause", "twitter"),
    "plugins check": ("plugins", "check"),
    "plugins list": ("plugins", "list"),
    "plugins new": ("plugins", "new", "mysite"),
    "promote": ("promote", "waits", "--dry-run"),
    "query-data": ("query-data",),
    "resume": ("resume", "twitter"),
    "retry": ("retry", "failed", "--dry-run"),
    "schema": ("schema",),
    "search": ("search", "local", "a"),
    "show": ("show", "failed", "--log"),
    "task-stats": ("task-stats",),
    "validate": ("validate", "tasks.json"),
    "watch": ("watch", "done"),
}
#: They run for long, or ask the outside world; tests of their own look after them.
LONG = {"demo", "start-daemon", "test-nitter"}
#: Besides these every verb has --json.
WITHOUT_JSON = {"demo", "start-daemon"}
#: They work only once.
ONCE = {"create-task", "plugins new"}
#: A platform without a site, so that there is something to search.
LOCAL = f"""
from hotstream_reactive import DataItem, PlatformAdapter

FIELDS = dict.fromkeys(("author", "url", "title", "content"), {HOSTILE!r})

class Local(PlatformAdapter):
    platform_name = "local"

    async def search(self, keywords, options):
        for number in range(2):
            yield DataItem(id=str(number), platform="local", **FIELDS)

    async def monitor_accounts(self, accounts, limit):
        async for item in self.search(accounts, None):
            yield item
"""
#: Colours, and what a bar needs: hide the cursor, go up, clear the line.
_SEQUENCE = re.compile(rb"\x1b\[(?:[0-9;]*m|\?25[lh]|1A|2K)")
_COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3|4|9|10)[0-9][0-9;]*m")


@pytest.fixture
def filled(cli: Cli, sync_database: Db) -> Cli:
    """One of everything, with hostile texts wherever a text may stand."""
    text = HOSTILE.replace("\x00", "")  # what no task may hold
    given = {"platform": "twitter", "keywords": [text], "name": text, "worker_id": HOSTILE}
    sync_database.tasks.insert_many(
        [
            {"task_id": "waits", "status": 0, "priority": 5, **given},
            {"task_id": "runs", "status": 1, "progress": 0.4, **given},
            {"task_id": "done", "status": 2, "result_count": 3, **given},
            {"task_id": "failed", "status": 3, "error_message": HOSTILE, **given},
        ]
    )
    sync_database.task_runs.insert_one(
        {"task_id": "failed", "run_number": 1, "outcome": "failed", "error": HOSTILE}
        | {"worker_id": HOSTILE, "log": [HOSTILE], "trace": [HOSTILE]}
    )
    sync_database.history.insert_one({"task_id": "waits", "kind": HOSTILE, "by": HOSTILE})
    fields = ("id", "platform", "author", "created_at", "url", "title", "content")
    sync_database.data_items.insert_many(
        [dict.fromkeys(fields, HOSTILE) | {"id": f"{n}{HOSTILE}"} for n in range(3)]
    )
    sync_database.workers.insert_one({"_id": HOSTILE, "stream": HOSTILE, "host": HOSTILE})
    (cli.folder / "page.html").write_text(f"<html>{HOSTILE}</html>", encoding="utf-8")
    document = json.dumps({"task_id": "x", "platform": "twitter", "keywords": ["a"]})
    (cli.folder / "tasks.json").write_text(document, encoding="utf-8")
    old = {"crawler": {"timeout": 30}, "framework": {"name": "x", HOSTILE: HOSTILE}}
    (cli.folder / "old.yaml").write_text(json.dumps(old | {HOSTILE: 1}), encoding="utf-8")
    (cli.folder / "own").mkdir()
    (cli.folder / "own" / "local.py").write_text(LOCAL, encoding="utf-8")
    (cli.folder / "config.toml").write_text('[plugins]\nplugin_dirs = ["own"]')
    now, pid = time.monotonic() + 600, os.getpid()
    alive = {"beat_at": now, "stream": "live", "stream_since": now, "swept_at": now}
    began = vitals.process_began(pid)
    beat = vitals.Vitals(worker_id=HOSTILE, pid=pid, process_began=began, database_at=now, **alive)
    vitals.write(cli.folder / ".hotstream" / "health", beat)
    return cli


def test_every_verb_is_here() -> None:
    assert set(VERBS) == {call[0] for call in CALLS.values()} | LONG, (
        "add a call of the new verb to CALLS"
    )


@pytest.mark.parametrize("verb", sorted(VERBS.keys() | CALLS.keys()))
def test_help_has_an_example_and_json(offline: Cli, verb: str) -> None:
    text = offline(*verb.split(), "--help").out
    assert re.search(rf"^ {{4}}.*hotstream .*{re.escape(verb)}", text, re.MULTILINE)
    assert ("--json" in text) is (verb not in WITHOUT_JSON)
    assert all(option in text for option in ("--lang", "--plain", "--utc"))


@pytest.mark.parametrize("verb", sorted(CALLS))
def test_in_a_pipe(filled: Cli, verb: str) -> None:
    """As it is, with --plain, in Chinese, and as JSON."""
    for more in ((), ("--plain",), ("--plain", "--utc"), ("--lang", "zh"), ("--json",)):
        if verb == "create-task":
            filled("cancel", "--status", "pending", "--yes")
            result = filled("create-task", f"new{len(more)}{more[-1:]}", *CALLS[verb][2:], *more)
        elif verb == "plugins new":
            result = filled(*CALLS[verb], "--dir", f"new{len(more)}{more[-1:]}", *more)
        else:
            result = filled(*CALLS[verb], *more)
        assert "internal" not in result.err, result.err
        assert result.code in _codes(verb), (more, result)
        if verb != "schema" or more != ("--json",):
            result.assert_harmless()
        if "--json" in more and result.code == 0:
            assert json.loads(result.out)["schema_version"] == 1


def _codes(verb: str) -> set[int]:
    """The doctor may have found something on this machine, and nothing may be in the history."""
    return {"doctor": {0, 1}, "history": {0, 3}}.get(verb, {0})


@pytest.mark.parametrize("verb", sorted(CALLS.keys() - ONCE))
def test_on_a_terminal(filled: Cli, verb: str) -> None:
    """Colours only where they are wanted; else not a single sequence."""
    assert not _COLOUR.search(on_terminal(filled, *CALLS[verb], NO_COLOR="1"))
    assert b"\x1b" not in on_terminal(filled, *CALLS[verb], "--plain")


@pytest.mark.parametrize("verb", ["dashboard", "doctor", "list", "query-data", "show", "watch"])
def test_what_kind_of_terminal(filled: Cli, verb: str) -> None:
    seen = on_terminal(filled, *CALLS[verb])
    assert b"\x1b[" in seen
    assert b"\x1b" not in _SEQUENCE.sub(b"", seen)
    assert b"\x1b" not in on_terminal(filled, *CALLS[verb], TERM="dumb")


def on_terminal(cli: Cli, *arguments: str, **env: str) -> bytes:
    return cli.on_terminal(*arguments, codes=_codes(arguments[0]), **env)


@pytest.mark.parametrize("verb", sorted(CALLS))
def test_a_reader_that_goes_away(filled: Cli, verb: str) -> None:
    """As with `| head -0`: the pipe is closed before a word is written."""
    reader, writer = os.pipe()
    os.close(reader)
    with filled.start(*CALLS[verb], stdout=writer) as process:
        os.close(writer)
        _, err = process.communicate(timeout=60)
    assert process.returncode in _codes(verb), err
    assert "Traceback" not in err
    assert "Broken pipe" not in err


@pytest.mark.parametrize("verb", sorted(LONG - {"demo"} | {"watch"}))
def test_ctrl_c_of_those_that_stay(filled: Cli, verb: str) -> None:
    """The daemon drains and ends well; whoever waits is interrupted."""
    calls = {
        "watch": ("watch", "waits"),
        "start-daemon": ("start-daemon",),
        "test-nitter": ("test-nitter", "NASA", "--instance", "http://127.0.0.1:1"),
    }
    if verb == "test-nitter":
        assert filled(*calls[verb]).code == 1
        return
    with filled.start(*calls[verb], stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        while (line := process.stdout.readline()) and not re.search(r"pending| ready ", line):
            pass
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == (0 if verb == "start-daemon" else 130), rest
    assert "Traceback" not in rest


def test_exit_codes_of_the_page_are_those_of_the_code() -> None:
    """Every code that the reference names is what an error or a verb of the code gives."""
    from hotstream_reactive.cli.main import (
        EXIT_CODES,
        INPUT_OUTPUT,
        INTERNAL,
        INTERRUPTED,
        WAITED_TOO_LONG,
    )
    from hotstream_reactive.cli.validate import WRONG

    page = (Path(__file__).parents[2] / "docs/cli.md").read_text(encoding="utf-8")
    named = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert named >= {0, 1, 2, INTERNAL, INPUT_OUTPUT, WAITED_TOO_LONG, INTERRUPTED, WRONG}
    assert named >= {code for _, code in EXIT_CODES}
