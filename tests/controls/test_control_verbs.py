"""The verbs: they write a control and print it; `explain` names what holds a task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from hotstream_reactive.cli.main import run

Document = dict[str, Any]


@pytest.fixture
def hotstream(mongo_server: Any, database_name: str, tmp_path: Path) -> Any:
    """Runs a verb in a process of its own; gives exit code, stdout and stderr."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HOTSTREAM_")}
    env |= {"MONGODB_URI": mongo_server.uri, "MONGODB_DATABASE": database_name}

    def call(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "hotstream_reactive.cli", *arguments],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return call


def test_controls_are_written_and_printed(
    hotstream: Any, sync_database: Database[Document]
) -> None:
    def stored(control: str) -> Document:
        return sync_database.controls.find_one({"_id": control}, {"updated_at": 0}) or {}

    code, out, err = hotstream("pause", "twitter", "--reason", "blocked \x1b[2J today")
    assert (code, err) == (0, "")
    assert json.loads(out)["paused"] is True
    assert "\x1b" not in out
    assert stored("platform:twitter")["reason"] == "blocked \x1b[2J today"

    code, out, _ = hotstream(
        "limit", "twitter", "--max-running", "2", "--requests-per-minute", "30", "--json"
    )
    answer = json.loads(out)
    assert (code, answer["schema_version"], answer["control"]["max_running"]) == (0, 1, 2)
    assert stored("platform:twitter")["requests_per_minute"] == 30

    assert hotstream("resume", "twitter")[0] == 0
    assert stored("platform:twitter") == {
        "_id": "platform:twitter",
        "paused": False,
        "max_running": 2,
        "requests_per_minute": 30,
    }
    assert hotstream("limit", "twitter", "--clear")[0] == 0
    assert stored("platform:twitter") == {"_id": "platform:twitter", "paused": False}
    assert hotstream("pause")[0] == 0
    assert stored("engine") == {"_id": "engine", "paused": True}


@pytest.mark.parametrize(
    "arguments",
    [
        ("limit", "twitter"),
        ("limit", "twitter", "--clear", "--max-running", "1"),
        ("limit", "twitter", "--max-running", "-1"),
        ("limit", "twitter", "--requests-per-minute", "0"),
        ("pause", ""),
        ("pause", "twitter", "--reason", "x" * 501),
    ],
    ids=lambda arguments: " ".join(arguments)[:50],
)
def test_slips_are_refused_before_anything_is_written(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert run(list(arguments)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Error" in said.err


def test_explain_says_what_holds_a_task(hotstream: Any, sync_database: Database[Document]) -> None:
    task = {
        "task_id": "t1",
        "platform": "twitter",
        "keywords": ["x"],
        "status": 0,
        "priority": 5,
        "immediate": False,
        "created_at": datetime(2025, 6, 1, tzinfo=UTC),
        "run_at": datetime(2100, 1, 1, tzinfo=UTC),
    }
    sync_database.tasks.insert_one(task)
    sync_database.controls.insert_one(
        {"_id": "engine", "paused": True, "reason": "\x1b]0;owned\x07 deploy"}
    )
    code, out, err = hotstream("explain", "t1")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    lines = out.splitlines()
    assert lines[0].startswith("not_due: not due yet: run_at (until 2100-01-01 00:00:00 UTC, in ")
    assert lines[1] == "engine_paused: the engine is paused: ]0;owned deploy [by engine]"
    assert lines[2].startswith("no_worker: ")

    code, out, _ = hotstream("explain", "t1", "--json")
    answer = json.loads(out)
    assert (code, answer["schema_version"], answer["status"]) == (0, 1, "pending")
    assert answer["may_start"] is False
    assert [hold["name"] for hold in answer["holds"]] == ["not_due", "engine_paused", "no_worker"]
    assert answer["holds"][0]["until"] == "2100-01-01T00:00:00Z"

    sync_database.controls.delete_many({})
    sync_database.tasks.update_one({}, {"$unset": {"run_at": ""}})
    sync_database.workers.insert_one(
        {
            "_id": "w1",
            "slots": 5,
            "stream": "live",
            "platforms": ["twitter"],
            "heartbeat": datetime.now(UTC),
            "silent_after_s": 1000.0,
        }
    )
    assert hotstream("explain", "t1") == (0, "may start now\n", "")

    code, out, err = hotstream("explain", "nobody")
    assert (code, out) == (3, "")
    assert "nobody" in err


@pytest.mark.parametrize("verb", ["pause", "resume", "limit", "explain"])
def test_help_has_two_examples(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    assert run([verb, "--help"]) == 0
    assert capsys.readouterr().out.count(f"  hotstream {verb}") >= 2
