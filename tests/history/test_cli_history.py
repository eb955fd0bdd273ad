"""`hotstream history`: what it shows, and what it says when there is nothing to show."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

Document = dict[str, Any]
AT = datetime(2025, 5, 30, 12, 38, tzinfo=UTC)


@pytest.fixture
def hotstream(
    mongo_server: Any, database_name: str, tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in a process of its own; gives exit code, stdout, stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        database = ["--mongodb-uri", mongo_server.uri, "--database", database_name]
        result = subprocess.run(
            [sys.executable, "-m", "hotstream_reactive", *database, *arguments],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return result.returncode, result.stdout, result.stderr

    return call


def record(position: int, kind: str, **fields: Any) -> Document:
    known = {"task_id": "a", "at": AT, "kind": kind, "by": "outside", "changes": []}
    return {"_id": f"{position:06}", **known, **fields}


@pytest.fixture
def recorded(sync_database: Database[Document]) -> Database[Document]:
    now = sync_database.command("hello")["localTime"]
    sync_database.history_state.insert_one(
        {"_id": "recorder", "since": AT, "renewed_at": now, "token": {"_data": "82"}}
    )
    sync_database.task_history.insert_many(
        [
            record(0, "gap", task_id=None, reason="before all"),
            record(1, "inserted", changes=[{"field": "keywords", "to": '["AI"]'}]),
            record(2, "edited", task_id="other"),
            record(
                3,
                "claimed",
                by="engine",
                worker_id="w1",
                changes=[
                    {"field": "status", "from": 0, "to": 1},
                    {"field": "lease_id", "from": None, "to": "abc"},
                ],
            ),
            record(4, "gap", task_id=None, reason="rolled off"),
            record(
                5,
                "edited",
                changes=[
                    {"field": "note\x1b[2J", "from": "\x1b]0;x\x07[red]", "to": None},
                    {"field": "run_at", "from": AT},
                ],
            ),
        ]
    )
    return sync_database


def test_people_see_one_line_for_each_record_and_change(
    recorded: Database[Document], hotstream: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, err = hotstream("history", "a")
    assert (code, err) == (0, "")
    when = "2025-05-30T12:38:00.000Z"
    assert out.splitlines() == [
        f"{when}  inserted  by outside",
        '    keywords: → ["AI"]',
        f"{when}  claimed  by w1",
        "    status: pending (0) → running (1)",
        f"{when}  gap: rolled off; something may be missing here",
        f"{when}  edited  by outside",
        "    note[2J: ]0;x[red] → none",
        f"    run_at: {when} → removed",
    ]


def test_programs_get_one_object(
    recorded: Database[Document], hotstream: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, _ = hotstream("history", "a", "--json", "-n", "2")
    assert code == 0
    told = json.loads(out)
    assert told["schema_version"] == 1
    assert told["task_id"] == "a"
    assert told["recorded_since"].startswith("2025-05-30T12:38:00")
    assert [entry["kind"] for entry in told["entries"]] == ["gap", "edited"]
    assert told["entries"][1]["at"] == "2025-05-30T12:38:00.000Z"
    assert told["entries"][1]["changes"][1] == {"field": "run_at", "from": "2025-05-30T12:38:00Z"}
    assert "\x1b" not in out


def test_an_unknown_task_is_not_found(
    recorded: Database[Document], hotstream: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, err = hotstream("history", "unknown")
    assert (code, out) == (3, "")
    assert "history is recorded since 2025-05-30T12:38:00.000Z" in err


def test_without_history_it_says_how_to_get_one(
    sync_database: Database[Document], hotstream: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, err = hotstream("history", "a")
    assert (code, out) == (3, "")
    assert "history is not recorded" in err
    assert "HOTSTREAM_HISTORY_ENABLED=true" in err


def test_an_old_history_is_shown_with_a_hint(
    recorded: Database[Document], hotstream: Callable[..., tuple[int, str, str]]
) -> None:
    recorded.history_state.update_one({}, {"$set": {"renewed_at": AT}})
    code, out, err = hotstream("history", "a")
    assert code == 0
    assert "claimed" in out
    assert "nobody records now" in err


def test_the_help_has_examples(hotstream: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = hotstream("history", "--help")
    assert code == 0
    assert out.count("  hotstream history search_001") == 2
