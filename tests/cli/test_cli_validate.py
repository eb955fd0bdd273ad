"""`validate` and `schema`: documents checked without a server."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest

from tests.cli.command import HOSTILE, Cli

GOOD = {"task_id": "t", "platform": "twitter", "keywords": ["a"]}


def validate(offline: Cli, text: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    result = offline("validate", "-", "--json", *arguments, stdin=text)
    assert result.err == ""
    result.assert_harmless()
    return result.code, json.loads(result.out)


def test_a_good_document_is_shown_as_a_worker_takes_it(offline: Cli) -> None:
    (offline.folder / "task.json").write_text(
        json.dumps(GOOD | {"priority": 2, "options": {"api_token": "hush"}}), encoding="utf-8"
    )
    result = offline("validate", "task.json")
    assert result.code == 0
    assert "document 1 (t): ok" in result.out
    assert re.search(r"^  priority +2$", result.out, re.MULTILINE)
    assert re.search(r"^  task_type +search  \(default\)$", result.out, re.MULTILINE)
    assert re.search(
        r'^  options +\{"api_token":"?\*\*\*"?,"limit":100\}$', result.out, re.MULTILINE
    )
    assert result.err == "1 of 1 documents are right\n"
    assert list(offline.folder.iterdir()) == [offline.folder / "task.json"]


def test_every_wrong_field_of_every_document(offline: Cli) -> None:
    bad = [
        GOOD | {"task_id": "a", "priority": "high", "timeout": 0},
        GOOD,
        GOOD | {"platform": "twiter"},
        GOOD | {"task_id": "s", "storage_config": {"type": ["x"]}},
        7,
    ]
    code, report = validate(offline, json.dumps(bad))
    assert code == 65
    assert (report["schema_version"], report["ok"]) == (1, False)
    problems = [document["problems"] for document in report["documents"]]
    assert [len(found) for found in problems] == [2, 0, 2, 1, 1]
    assert "priority: 'high', expected an integer from 1 to 10" in problems[0]
    assert "did you mean 'twitter'" in problems[2][0]
    assert "is that of document 2 too" in problems[2][1]
    assert "storage_config.type" in problems[3][0]
    assert validate(offline, json.dumps(GOOD | {"platform": "mine"}), "--force")[0] == 0


def test_one_per_line(offline: Cli) -> None:
    lines = [json.dumps(GOOD), "", "{", json.dumps(GOOD | {"task_id": "u"}), "[]"]
    code, report = validate(offline, "\n".join(lines))
    assert code == 65
    assert [(d["where"], d["ok"]) for d in report["documents"]] == [
        ("line 1", True),
        ("line 3", False),
        ("line 4", True),
        ("line 5", False),
    ]


def test_extended_json(offline: Cli) -> None:
    document = {
        **GOOD,
        "_id": {"$oid": "65b000000000000000000000"},
        "priority": {"$numberInt": "2"},
        "retry_count": {"$numberLong": "4"},
        "timeout": {"$numberDouble": "60.0"},
        "run_at": {"$date": {"$numberLong": "1893456000000"}},
        "created_at": {"$date": "2025-05-30T12:38:00Z"},
        "options": {"limit": {"$numberDecimal": "30"}},
    }
    code, report = validate(offline, json.dumps(document))
    assert code == 0
    task = report["documents"][0]["task"]
    assert (task["priority"], task["retry_count"], task["timeout"]) == (2, 4, 60.0)
    assert task["run_at"] == "2030-01-01T00:00:00.000Z"
    assert task["options"]["limit"] == 30


@pytest.mark.parametrize(
    "text",
    [
        '{"_id": {"$oid": "x"}}',
        '{"a": {"$date": "x"}}',
        '{"a": {"$numberLong": 5}}',
        '{"a": {"$binary": 5}}',
        '{"$oid": "65b000000000000000000000"}',
        '{"a": NaN',
        "[" * 100_000,
        "null",
        '"' + HOSTILE.replace("\x00", "") + '"',
    ],
)
def test_what_is_no_document(offline: Cli, text: str) -> None:
    code, report = validate(offline, text)
    assert code == 65
    assert report["documents"][0]["problems"]


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"run_at": {"$date": {"$numberLong": "99999999999999999"}}}, "run_at: "),
        ({"own": 2**70}, "cannot be stored"),
        ({"name": "\ud800"}, "cannot be stored"),
        ({"a\x00b": 1}, "cannot be stored"),
        ({"schedule": "0 0 31 2 *"}, "never fires"),
        ({"schedule": "0 9 * * *", "timezone": "Moon/Base"}, "is no time zone"),
        ({"options": {"$where": "x"}}, "a field name without '$'"),
        ({"name": HOSTILE * 100}, "name: "),
    ],
)
def test_documents_that_no_worker_could_take(
    offline: Cli, fields: dict[str, Any], part: str
) -> None:
    code, report = validate(offline, json.dumps(GOOD | fields))
    assert code == 65
    assert part in report["documents"][0]["problems"][0]


def test_the_next_times_of_a_schedule(offline: Cli) -> None:
    schedule = {"schedule": "30 2 * * *", "timezone": "Asia/Shanghai"}
    _, report = validate(offline, json.dumps(GOOD | schedule))
    fires = report["documents"][0]["fires"]
    assert len(fires) == 5
    assert all(time["utc"].endswith("T18:30:00.000Z") for time in fires)
    assert all(time["local"].endswith("02:30:00 CST") for time in fires)
    first = {"run_at": "2031-01-01T00:00:00Z"}
    _, report = validate(offline, json.dumps(GOOD | schedule | first))
    assert [time["utc"] for time in report["documents"][0]["fires"]][:2] == [
        "2031-01-01T00:00:00.000Z",
        "2031-01-01T18:30:00.000Z",
    ]
    # A worker slows it down to scheduler.schedule_floor.
    offline.env["HOTSTREAM_SCHEDULER_SCHEDULE_FLOOR"] = "20"
    text = json.dumps(GOOD | {"schedule": "* * * * * */7"})
    seconds = [time["utc"][17:19] for time in validate(offline, text)[1]["documents"][0]["fires"]]
    assert all((int(b) - int(a)) % 60 >= 20 for a, b in pairwise(seconds[1:]))


def test_wrong_usage(offline: Cli) -> None:
    assert offline("validate", "nowhere.json").code == 2
    assert offline("validate", "-", stdin=" \n").code == 2
    (offline.folder / "latin.json").write_bytes(b'{"a": "\xff"}')
    result = offline("validate", "latin.json")
    assert result.code == 2
    assert "not UTF-8" in result.err


def test_schema(offline: Cli) -> None:
    schema = json.loads(offline("schema").out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["properties"]["priority"]["maximum"] == 10
    for field in schema["properties"].values():
        assert field["title"]
        assert field["description"]
    mongodb = json.loads(offline("schema", "--mongodb").out)
    assert list(mongodb) == ["$jsonSchema"]
    wrapped = offline("schema", "--json").json
    assert wrapped["schema"] == schema
