"""`query-data` and `task-stats`: filters, formats, and values that stay values."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database
from rich.cells import cell_len

from tests.cli.command import HOSTILE, Cli

Db = Database[dict[str, Any]]


def item(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"twitter_{number}",
        "platform": "twitter",
        "content": f"post number {number}",
        "author": "NASA",
        "url": f"https://x.com/NASA/status/{number}",
        "created_at": "2025-05-30T12:38:00Z",
        "metadata": {"likes": number},
        "raw_data": {},
        "task_id": "t1",
        "task_ids": ["t1"],
        "saved_at": datetime(2025, 5, 30, 13, tzinfo=UTC),
    } | fields


@pytest.fixture
def some(sync_database: Db) -> None:
    sync_database.data_items.insert_many(
        [
            item(1),
            item(2, author="ESA", task_id="t2", task_ids=["t1", "t2"]),
            item(3, platform="medium", id="medium_3", content="a.*b (C)"),
        ]
    )


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ((), ["medium_3", "twitter_2", "twitter_1"]),
        (("--platform", "twitter"), ["twitter_2", "twitter_1"]),
        (("--author", "ESA"), ["twitter_2"]),
        (("--task", "t1", "-l", "1"), ["medium_3"]),
        (("--task", "t2"), ["twitter_2"]),
        (("--contains", ".*B (c"), ["medium_3"]),
        (("--contains", "NUMBER", "--task", "t1", "--author", "NASA"), ["twitter_1"]),
        (("--contains", ".+"), []),
        (("--platform", '{"$ne":null}'), []),
        (("--author", '{"$gt":""}'), []),
        (("--task", '{"$where":"sleep(9000)"}'), []),
    ],
)
def test_filters(cli: Cli, arguments: tuple[str, ...], ids: list[str]) -> None:
    found = cli("query-data", "--json", *arguments).json
    assert [entry["id"] for entry in found["items"]] == ids
    assert found["count"] == len(ids)


@pytest.mark.usefixtures("some")
def test_formats(cli: Cli) -> None:
    lines = cli("query-data", "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["medium_3", "twitter_2", "twitter_1"]
    assert all(json.loads(line)["schema_version"] == 1 for line in lines)
    assert json.loads(lines[2])["saved_at"] == "2025-05-30T13:00:00Z"
    rows = list(csv.DictReader(io.StringIO(cli("query-data", "--format", "csv").out)))
    assert rows[2]["content"] == "post number 1"
    assert rows[2]["saved_at"] == "2025-05-30T13:00:00Z"
    assert json.loads(rows[2]["metadata"]) == {"likes": 1}
    table = cli("query-data").out
    assert "post number 1" in table
    assert "\x1b" not in table


@pytest.mark.usefixtures("some")
def test_a_file_is_written_whole_or_not_at_all(cli: Cli) -> None:
    target = cli.folder / "items.jsonl"
    target.write_text("old", encoding="utf-8")
    result = cli("query-data", "--format", "jsonl", "-o", "items.jsonl")
    assert (result.code, result.out) == (0, "")
    assert "3 items written" in result.err
    assert len(target.read_text(encoding="utf-8").splitlines()) == 3
    assert [path.name for path in cli.folder.iterdir()] == ["items.jsonl"]
    assert cli("query-data", "-o", "no/such/folder.csv").code == 2


def test_an_export_shows_how_far_it_is(cli: Cli, sync_database: Db) -> None:
    sync_database.data_items.insert_many([item(n) for n in range(5000)])
    export = ("query-data", "-l", "5000", "--format", "jsonl", "-o", "items.jsonl")
    assert re.search(rb"\d+ items, \d+/s", cli.on_terminal(*export))
    assert len((cli.folder / "items.jsonl").read_text(encoding="utf-8").splitlines()) == 5000
    assert b"/s" not in cli.on_terminal(*export, "--plain")
    assert cli(*export).err == "5000 items written to items.jsonl\n"


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("ending", ["json", "jsonl", "csv"])
def test_export_takes_all_in_the_format_of_the_ending(
    cli: Cli, sync_database: Db, ending: str
) -> None:
    sync_database.data_items.insert_many([item(n, id=f"t_{n}") for n in range(30)])
    target = cli.folder / f"items.{ending}"
    result = cli("query-data", "--export", target.name)
    assert (result.code, result.out) == (0, "")
    assert "33 items written" in result.err
    text = target.read_text("utf-8-sig")
    found = {
        "json": lambda: json.loads(text)["items"],
        "jsonl": lambda: [json.loads(line) for line in text.splitlines()],
        "csv": lambda: list(csv.DictReader(io.StringIO(text))),
    }[ending]()
    assert len(found) == 33
    assert "2 items written" in cli("query-data", "--export", target.name, "-l", "2").err


def test_export_needs_an_ending_that_it_knows(cli: Cli) -> None:
    assert ".jsonl" in cli("query-data", "--export", "items.txt").err
    assert cli("query-data", "--export", "a.csv", "-o", "b.csv").code == 2
    assert list(cli.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (("--since", "2026-01-02"), ["t_3", "t_2"]),
        (("--until", "2026-01-03"), ["t_2", "t_1"]),
        (("--since", "2026-01-02T00:00:01", "--until", "2026-01-03T00:00:01"), ["t_3"]),
        (("--since", "2026-01-02T01:00:00+02:00"), ["t_3", "t_2"]),
    ],
)
def test_items_by_the_time_they_were_created(
    cli: Cli, sync_database: Db, arguments: tuple[str, ...], ids: list[str]
) -> None:
    days = [item(n, id=f"t_{n}", created_at=f"2026-01-0{n}T00:00:00Z") for n in (1, 2, 3)]
    sync_database.data_items.insert_many([item(0, created_at=None), *days])
    found = cli("query-data", "--json", *arguments).json
    assert [entry["id"] for entry in found["items"]] == ids


def test_nothing_found_is_no_failure(cli: Cli) -> None:
    result = cli("query-data")
    assert (result.code, result.out, result.err) == (0, "", "no items found\n")
    assert cli("query-data", "--json").json == {"schema_version": 1, "items": [], "count": 0}


def test_a_reader_that_goes_away_is_no_failure(cli: Cli, sync_database: Db) -> None:
    sync_database.data_items.insert_many([item(n, content="x" * 1000) for n in range(1000)])
    with cli.start("query-data", "-l", "1000", "--format", "jsonl") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
def test_tables_fit_the_terminal_in_cells(cli: Cli, sync_database: Db, width: int) -> None:
    sync_database.data_items.insert_many(
        [item(n, author="北京大学 🇨🇳" * 5, content="任务说明" * 60) for n in range(3)]
    )
    out = cli("query-data", COLUMNS=str(width)).out
    assert len(out.splitlines()) == 4
    assert max(cell_len(line) for line in out.splitlines()) <= width


def test_spreadsheets_run_nothing(cli: Cli, sync_database: Db) -> None:
    cells = ["=1+1", "@SUM(A1)", "+cmd|'/c calc'!A0", "@alice thanks", "-5", "two\nlines"]
    sync_database.data_items.insert_many([item(n, content=c) for n, c in enumerate(cells)])
    out = cli("query-data", "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert [row["content"] for row in reversed(rows)] == [
        "'=1+1",
        "'@SUM(A1)",
        "'+cmd|'/c calc'!A0",
        "@alice thanks",
        "-5",
        "two\nlines",
    ]


def test_documents_of_other_writers_are_shown_too(cli: Cli, sync_database: Db) -> None:
    sync_database.data_items.insert_many(
        [
            {"id": 5},
            {"content": {"$ne": 1}, "author": ["x"]},
            {"id": float("nan"), "raw_data": b"x"},
        ]
    )
    for form in ("table", "json", "jsonl", "csv"):
        assert cli("query-data", "--format", form).code == 0


def test_json_carries_hostile_text_exactly_and_harmlessly(cli: Cli, sync_database: Db) -> None:
    sync_database.data_items.insert_one(item(1, content=HOSTILE))
    result = cli("query-data", "--json")
    result.assert_harmless()
    assert result.json["items"][0]["content"] == HOSTILE


def test_task_stats(cli: Cli, sync_database: Db) -> None:
    now = datetime.now(UTC)
    task = {"platform": "twitter", "created_at": now - timedelta(minutes=10)}
    sync_database.tasks.insert_many(
        [
            task | {"status": 0},
            task | {"status": 0, "run_at": now - timedelta(minutes=5)},
            task | {"status": 0, "run_at": now + timedelta(hours=3)},
            task | {"status": 1, "worker_id": "w1", "last_heartbeat": now - timedelta(seconds=42)},
            task | {"status": 2.0, "platform": "medium"},
            task | {"status": "done", "platform": {"$ne": None}},
            {},
        ]
    )
    sync_database.workers.insert_one({"_id": "idle", "heartbeat": now, "slots": 5})
    stats = cli("task-stats", "--json").json
    assert stats["total"] == 7
    assert stats["by_status"] == {
        "pending": 3,
        "running": 1,
        "completed": 1,
        "failed": 0,
        "cancelled": 0,
        "invalid": 2,
    }
    assert stats["by_platform"]["twitter"] == {"pending": 3, "running": 1}
    assert stats["waiting"]["due"] == 2
    assert stats["waiting"]["delayed"] == 1
    assert 590 < stats["waiting"]["oldest_due_age_s"] < 700
    assert 10_700 < stats["waiting"]["next_due_in_s"] <= 10_800
    assert stats["running"]["count"] == 1
    assert 40 < stats["running"]["oldest_heartbeat_age_s"] < 100
    assert [worker["worker_id"] for worker in stats["workers"]] == ["w1", "idle"]
    text = cli("task-stats").out
    assert "2 due, 1 delayed" in text
    assert "the oldest due since 10 min" in text


def test_reading_starts_no_database_where_there_never_was_one(offline: Cli) -> None:
    for verb in ("task-stats", "query-data"):
        result = offline(verb)
        assert result.code == 69
        assert "MONGODB_URI" in result.err
    assert list(offline.folder.iterdir()) == []
