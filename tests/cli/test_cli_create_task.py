"""`create-task`: the document it writes, what it refuses, and waiting for the end."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.database import Database

from tests.cli.command import Cli

Db = Database[dict[str, Any]]


def test_the_original_usage_writes_the_fields_of_the_contract(cli: Cli, sync_database: Db) -> None:
    result = cli(
        *("create-task", "search_001", "search", "twitter"),
        *("-k", "AI, MongoDB", "-l", "30", "-p", "1", "--immediate", "-n", "my search"),
        *("--storage", "json"),
    )
    assert (result.code, result.out) == (0, "created task search_001\n")
    document = sync_database.tasks.find_one({}, {"_id": 0})
    assert document is not None
    assert isinstance(document.pop("created_at"), datetime)
    assert isinstance(document.pop("updated_at"), datetime)
    assert document == {
        "task_id": "search_001",
        "name": "my search",
        "platform": "twitter",
        "task_type": "search",
        "keywords": ["AI", "MongoDB"],
        "accounts": [],
        "status": 0,
        "priority": 1,
        "immediate": True,
        "options": {"limit": 30},
        "storage_config": {"type": "json"},
        "retry_count": 3,
        "current_retry": 0,
        "timeout": 3600,
        "result_count": 0,
        "progress": 0.0,
    }


def test_defaults_and_the_new_options(cli: Cli, sync_database: Db) -> None:
    result = cli(
        *("create-task", "daily", "monitor", "twitter", "-a", "nasa,esa", "-a", "jaxa"),
        *("--schedule", "0 9 * * *", "--timezone", "Asia/Shanghai"),
        *("--run-at", "2030-01-31T08:00+08:00", "--retries", "0", "--timeout", "1.5"),
        *("--option", "since=2025-01-01", "--option", 'filters={"media": true}', "--json"),
    )
    task = result.json["task"]
    assert result.json["status"] == "pending"
    assert task["run_at"] == "2030-01-31T00:00:00Z"
    document = sync_database.tasks.find_one({"task_id": "daily"})
    assert document is not None
    assert document["accounts"] == ["nasa", "esa", "jaxa"]
    assert document["options"] == {
        "limit": 50,
        "since": "2025-01-01",
        "filters": {"media": True},
    }
    assert document["run_at"] == datetime(2030, 1, 31)
    assert (document["schedule"], document["timezone"]) == ("0 9 * * *", "Asia/Shanghai")
    assert (document["retry_count"], document["timeout"], document["priority"]) == (0, 1.5, 5)
    assert document["storage_config"] == {"type": "mongodb"}


def test_run_at_takes_a_time_from_now(cli: Cli, sync_database: Db) -> None:
    assert cli("create-task", "t", "search", "twitter", "-k", "a", "--run-at", "+10m").code == 0
    document = sync_database.tasks.find_one({})
    assert document is not None
    wait = document["run_at"].replace(tzinfo=UTC) - datetime.now(UTC)
    assert 500 < wait.total_seconds() <= 600


def test_every_wrong_field_is_named_at_once(cli: Cli, sync_database: Db) -> None:
    result = cli(
        *("create-task", "bad", "serch", "twiter", "-p", "99", "-l", "0", "--storage", "jsn"),
        *("--schedule", "x", "--option", "$where=1"),
    )
    assert result.code == 65
    for part in ("task_type", "keywords", "priority: 99", "options.$where", "schedule"):
        assert part in result.err
    assert "did you mean 'twitter'" in result.err
    assert "did you mean 'json'" in result.err
    assert len(result.err.splitlines()) <= 3
    assert sync_database.tasks.count_documents({}) == 0


def test_force_allows_names_that_are_unknown_here(cli: Cli, sync_database: Db) -> None:
    name = '{"$ne":null}'
    result = cli("create-task", "t", "search", name, "-k", "a", "--storage", "s3", "--force")
    assert result.code == 0
    document = sync_database.tasks.find_one({"task_id": "t"})
    assert document is not None
    assert (document["platform"], document["storage_config"]) == (name, {"type": "s3"})


def test_an_id_is_taken_once(cli: Cli, sync_database: Db) -> None:
    arguments = ("create-task", 'the "first"', "search", "twitter", "-k", "a")
    assert cli(*arguments).code == 0
    sync_database.tasks.update_one({}, {"$set": {"status": 3}})
    result = cli(*arguments)
    assert result.code == 4
    assert "exists already (failed)" in result.err
    assert "run it again" in result.err
    assert len(result.err.splitlines()) <= 3
    assert sync_database.tasks.count_documents({}) == 1


def test_an_id_is_taken_once_also_where_the_index_cannot_be_made(
    cli: Cli, sync_database: Db
) -> None:
    sync_database.tasks.insert_many([{"task_id": "old"}, {"task_id": "old"}])
    assert cli("create-task", "old", "search", "twitter", "-k", "a").code == 4
    assert cli("create-task", "new", "search", "twitter", "-k", "a").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--run-at", "tomorrow"),
        ("--option", "novalue"),
        ("--wait", "--schedule", "* * * * *"),
        ("--wait-timeout", "3"),
        ("--priority", "high"),
        ("--name", "\udcff"),
    ],
)
def test_wrong_usage(offline: Cli, arguments: tuple[str, ...]) -> None:
    result = offline("create-task", "t", "search", "twitter", "-k", "a", *arguments)
    assert result.code == 2
    assert "Usage:" in result.err


def test_a_number_that_no_document_can_hold(cli: Cli) -> None:
    result = cli("create-task", "t", "search", "twitter", "-k", "a", "--option", f"n={2**70}")
    assert result.code == 65
    assert "cannot be stored" in result.err


def test_a_switched_off_platform_is_warned_of(cli: Cli) -> None:
    cli.env["HOTSTREAM_PLATFORMS_TWITTER_ENABLED"] = "false"
    result = cli("create-task", "t", "search", "twitter", "-k", "a")
    assert result.code == 0
    assert "platforms.twitter.enabled" in result.err


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [(2, 0, "completed: 7 items"), (3, 1, "failed: 7 items"), (4, 1, "cancelled: 7 items")],
)
def test_wait_ends_with_the_task(
    cli: Cli, sync_database: Db, status: int, code: int, word: str
) -> None:
    with (
        sync_database.tasks.watch() as changes,
        cli.start("create-task", "t", "search", "twitter", "-k", "a", "--wait") as process,
    ):
        assert next(changes)["operationType"] == "insert"
        sync_database.tasks.update_one({}, {"$set": {"status": status, "result_count": 7}})
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, "")
    assert word in out


def test_wait_gives_up_with_124(cli: Cli) -> None:
    arguments = ("create-task", "t", "search", "twitter", "-k", "a", "--wait")
    result = cli(*arguments, "--wait-timeout", "0.2", "--json")
    assert result.code == 124
    assert result.json["status"] == "pending"
    assert "the task goes on" in result.err


def test_wait_notices_that_the_task_is_gone(cli: Cli, sync_database: Db) -> None:
    with (
        sync_database.tasks.watch() as changes,
        cli.start("create-task", "t", "search", "twitter", "-k", "a", "--wait") as process,
    ):
        next(changes)
        sync_database.tasks.delete_one({})
        _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "deleted" in err


def test_the_json_of_a_task_hides_its_secrets(cli: Cli) -> None:
    result = cli(
        *("create-task", "t", "search", "twitter", "-k", "a", "--json"),
        *("--option", "api_token=canary", "--option", "proxy=http://u:canary@proxy.example:1"),
    )
    assert result.json["task"]["options"]["api_token"] == "***"
    assert "canary" not in json.dumps(result.json) + result.err
