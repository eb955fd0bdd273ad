"""`init --validator`, `--strict` and `--no-validator`, and what `doctor` says of them."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database

from tests.cli.command import Cli

Db = Database[dict[str, Any]]
GOOD = {"task_id": "t", "platform": "twitter", "keywords": ["AI"]}


def level(database: Db) -> str | None:
    options = database.tasks.options()
    return options.get("validationLevel") if options.get("validator") else None


def finding(cli: Cli) -> dict[str, Any]:
    [found] = [c for c in cli("doctor", "--json").json["checks"] if c["name"] == "validator"]
    return dict(found)


def test_init_sets_and_removes_it_and_doctor_tells(
    cli: Cli,
    sync_database: Db,
) -> None:
    assert cli("init", "--json").json["validator"] is None
    assert level(sync_database) is None
    assert (finding(cli)["state"], "none" in finding(cli)["message"]) == ("ok", True)
    assert cli("init", "--validator", "--json").json["validator"] == "moderate"
    assert level(sync_database) == "moderate"
    assert "moderate, error" in finding(cli)["message"]
    assert cli("init").code == 0
    assert level(sync_database) == "moderate"
    sync_database.command("collMod", "tasks", validator={"$jsonSchema": {"bsonType": "object"}})
    assert finding(cli)["state"] == "warn"
    assert "removed  validator none" in cli("init", "--no-validator").out
    assert level(sync_database) is None
    assert cli("init", "--no-validator").code == 0


def test_a_strict_one_needs_a_collection_without_wrong_tasks(
    cli: Cli,
    sync_database: Db,
) -> None:
    assert cli("init", "--strict").code == 2
    sync_database.tasks.insert_one(GOOD | {"priority": "high"})
    result = cli("init", "--validator", "--strict")
    assert result.code == 4
    assert "1 task" in result.err
    assert level(sync_database) is None
    sync_database.tasks.delete_many({})
    assert cli("init", "--validator", "--strict").code == 0
    assert level(sync_database) == "strict"
