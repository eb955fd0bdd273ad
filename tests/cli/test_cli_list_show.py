"""`list` and `show`: filters, forms, and documents of hostile writers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from tests.cli.command import HOSTILE, Cli

Db = Database[dict[str, Any]]


def ago(**span: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(**span)


def task(task_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "platform": "twitter",
        "keywords": ["a"],
        "status": 0,
        "priority": 5,
        "immediate": False,
        "created_at": ago(minutes=5),
        **fields,
    }


@pytest.fixture
def filled(sync_database: Db) -> Db:
    sync_database.tasks.insert_many(
        [
            task("ready"),
            task("first", priority=1, immediate=True, name="the first"),
            task("past", priority=9, run_at=ago(seconds=90)),
            task("soon", run_at=ago(minutes=-90)),
            task("later", run_at=ago(days=-3), current_retry=1, error_message="away"),
            task(
                "runs",
                status=1,
                worker_id="w1",
                progress=0.43,
                result_count=12,
                started_at=ago(seconds=30),
            ),
            task("done", status=2, platform="zhihu", completed_at=ago(hours=5)),
            task("broken", status=3, error_message="password=hush " + "x" * 500),
            task("stopped", status=4),
            task("odd", status="pending"),
        ]
    )
    return sync_database


def ids(cli: Cli, *arguments: str) -> list[str]:
    return [row["task_id"] for row in cli("list", *arguments, "--json").json["tasks"]]


def test_all_newest_first(cli: Cli, filled: Db) -> None:
    assert ids(cli)[:3] == ["odd", "stopped", "broken"]
    assert len(ids(cli)) == 10
    result = cli("list", "-l", "2")
    assert result.code == 0
    assert len(result.out.splitlines()) == 3
    assert "more than 2" in result.err
    assert cli("list", "-l", "2", "--json").json["more"] is True
    assert cli("list", "-l", "10", "--json").json["more"] is False


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--status", "pending"), {"ready", "first", "past", "soon", "later"}),
        (("--status", "running"), {"runs"}),
        (("--status", "completed"), {"done"}),
        (("--status", "failed"), {"broken"}),
        (("--status", "cancelled"), {"stopped"}),
        (("--status", "invalid"), {"odd"}),
        (("--platform", "zhihu"), {"done"}),
        (("--platform", '{"$ne":null}'), set()),
        (("--worker", "w1"), {"runs"}),
        (("--worker", '{"$gt":""}'), set()),
    ],
)
def test_filters(cli: Cli, filled: Db, arguments: tuple[str, ...], expected: set[str]) -> None:
    assert set(ids(cli, *arguments)) == expected


def test_due_ones_in_queue_order_and_delayed_ones_by_their_time(cli: Cli, filled: Db) -> None:
    assert ids(cli, "--due") == ["first", "ready", "past"]
    assert ids(cli, "--delayed") == ["soon", "later"]
    assert cli("list", "--due", "--status", "failed").code == 2


def test_the_table_for_people(cli: Cli, filled: Db) -> None:
    lines = {line.split()[0]: line for line in cli("list").out.splitlines()}
    assert re.search(r"the first +twitter +pending +!1 +due \d+ min ago$", lines["first"])
    assert re.search(r"pending +9 +due (\d+ s|2 min) ago", lines["past"])
    assert "in 89 min" in lines["soon"] or "in 90 min" in lines["soon"]
    assert re.search(r"in 3 d +retry 1 of *: away", lines["later"])
    assert re.search(r"running +5 +43% +12 +for \d+ s +w1", lines["runs"])
    assert "5 h ago" in lines["done"]
    assert "password=***" in lines["broken"]
    assert "invalid" in lines["odd"]
    utc = cli("list", "--utc", "--platform", "zhihu").out
    document = filled.tasks.find_one({"task_id": "done"}) or {}
    assert document["completed_at"].strftime("%Y-%m-%dT%H:%M:%S") in utc


def test_a_plain_line_has_all_fields(cli: Cli, filled: Db) -> None:
    lines = cli("list", "--plain").out.splitlines()
    assert {line.count("\t") for line in lines} == {13}
    fields = next(line for line in lines if line.startswith("runs\t")).split("\t")
    assert fields[2:8] == ["twitter", "", "running", "5", "0.43", "12"]
    assert fields[10].endswith("Z")
    assert fields[12] == "w1"
    assert "hush" not in "".join(lines)


def test_the_json_of_a_row(cli: Cli, filled: Db) -> None:
    rows = cli("list", "--json").json["tasks"]
    row = next(row for row in rows if row["task_id"] == "runs")
    assert row["status"] == "running"
    assert row["started_at"] == (ago(seconds=30)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert (row["progress"], row["result_count"], row["immediate"]) == (0.43, 12, False)
    assert cli("list", "--platform", "none", "--json").json["tasks"] == []
    assert cli("list", "--platform", "none").err == "no tasks found\n"


def hostile(database: Db) -> None:
    names = ("name", "platform", "task_type", "status", "priority", "progress", "worker_id")
    database.tasks.insert_many(
        [
            task(HOSTILE, **dict.fromkeys(names, HOSTILE)),
            task("objects", **{name: {"$gt": [HOSTILE]} for name in names}, options=HOSTILE),
            task(
                "huge",
                status=3,
                error_message=HOSTILE * 50_000,
                own={HOSTILE.replace("\x00", ""): [HOSTILE]},
            ),
            task("nan", status=1, progress=float("nan"), result_count=float("inf")),
            {"status": 1, "schedule": HOSTILE, "timezone": HOSTILE},
        ]
    )
    runs = ("worker_id", "outcome", "error", "elapsed_ms", "result_count")
    for task_id in (HOSTILE, "huge"):
        database.task_runs.insert_one(
            {"task_id": task_id, "run_number": HOSTILE, **dict.fromkeys(runs, HOSTILE)}
            | {"claimed_at": ago(), "finished_at": HOSTILE, "log": [HOSTILE, 7], "trace": [HOSTILE]}
        )


@pytest.mark.parametrize("form", [(), ("--json",), ("--plain",), ("--due",), ("--utc",)])
def test_hostile_documents_in_a_list(cli: Cli, sync_database: Db, form: tuple[str, ...]) -> None:
    hostile(sync_database)
    result = cli("list", *form)
    assert (result.code, result.err) in {(0, ""), (0, "no tasks found\n")}
    result.assert_harmless()
    assert len(result.out) < 20_000


@pytest.mark.parametrize("form", [("--log",), ("--log", "--json"), ("--utc", "--run", "3")])
@pytest.mark.parametrize("task_id", ["objects", "huge", "nan"])
def test_hostile_documents_alone(
    cli: Cli, sync_database: Db, task_id: str, form: tuple[str, ...]
) -> None:
    hostile(sync_database)
    result = cli("show", task_id, *form)
    assert result.code == 0, result.err
    result.assert_harmless()


def test_show_a_task_with_its_runs_and_log(cli: Cli, sync_database: Db) -> None:
    sync_database.tasks.insert_one(
        task(
            "t",
            name="my task",
            status=3,
            options={"limit": 3, "api_token": "hush"},
            error_message="no such account",
            schedule="0 9 * * *",
            timezone="Asia/Shanghai",
            completed_at=ago(hours=5),
            mine={"a": 1},
        )
    )
    sync_database.task_runs.insert_many(
        {
            "task_id": "t",
            "run_number": n,
            "worker_id": "w1",
            "claimed_at": ago(hours=9 - n),
            "finished_at": ago(hours=9 - n),
            "outcome": "failed",
            "result_count": n,
            "elapsed_ms": 1234.5,
            "error": f"error {n}",
            "log": [f"2030-01-01T00:00:00.000Z INFO line of {n}"],
        }
        for n in range(1, 8)
    )
    text = cli("show", "t").out
    assert text.startswith("t  my task\nfailed 5 h ago, priority 5\nerror: no such account\n")
    assert re.search(r'^  options +\{"limit":3,"api_token":"?\*\*\*"?\}$', text, re.MULTILINE)
    assert re.search(r"^other fields:\n  mine +\{\"a\":1\}$", text, re.MULTILINE)
    assert len(re.findall(r"09:00:00 CST  .*T01:00:00.000Z$", text, re.MULTILINE)) == 5
    assert len(re.findall(r"^ +\d  w1 +failed", text, re.MULTILINE)) == 5
    assert re.search(r"7  w1 +failed +7 +1.2 s +2 h ago +error 7$", text, re.MULTILINE)
    assert "line of" not in text
    assert "line of 7" in cli("show", "t", "--log").out
    assert "line of 2" in cli("show", "t", "--run", "2", "--runs", "0").out
    assert "no run 99 is kept" in cli("show", "t", "--run", "99").err
    shown = cli("show", "t", "--json", "--runs", "2", "--run", "3").json
    assert shown["status"] == "failed"
    assert [run["run_number"] for run in shown["runs"]] == [7, 6]
    assert "log" not in shown["runs"][0]
    assert shown["log"]["run_number"] == 3
    assert shown["log"]["log"] == ["2030-01-01T00:00:00.000Z INFO line of 3"]
    assert shown["task"]["options"]["api_token"] == "***"


@pytest.mark.parametrize("verb", ["show", "watch", "cancel", "retry", "promote"])
def test_an_id_that_no_task_has(cli: Cli, sync_database: Db, verb: str) -> None:
    sync_database.tasks.insert_one(task("t"))
    for task_id in ("nobody", '{"$ne": null}', "\x1b[2J"):
        result = cli(verb, task_id)
        assert result.code == 3
        assert "hotstream list" in result.err
        result.assert_harmless()
    assert sync_database.tasks.count_documents({"status": 0, "priority": 5}) == 1


@pytest.mark.parametrize("verb", ["list", "show t", "watch t", "cancel t", "retry --status failed"])
def test_without_a_server(offline: Cli, verb: str) -> None:
    offline.env["MONGODB_URI"] = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100"
    result = offline(*verb.split())
    assert result.code == 69
    assert len(result.err.splitlines()) <= 3
    del offline.env["MONGODB_URI"]
    assert offline(*verb.split()).code == 69
    assert list(offline.folder.iterdir()) == []
