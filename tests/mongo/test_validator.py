"""The validator refuses wrong inserts in the writer's hands, and nothing that intake admits."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Int64, ObjectId
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database
from pymongo.errors import PyMongoError, WriteError

from hotstream_reactive.errors import InvalidTask
from hotstream_reactive.model.contract import FIELDS
from hotstream_reactive.model.task import admit
from hotstream_reactive.model.validator import task_validator

Db = Database[dict[str, Any]]
GOOD = {"task_id": "t", "platform": "twitter", "keywords": ["AI"]}


@pytest.fixture
def tasks(sync_database: Db) -> Any:
    sync_database.create_collection(
        "tasks", validator={"$jsonSchema": task_validator()}, validationLevel="moderate"
    )
    return sync_database.tasks


@pytest.mark.parametrize(
    "fields",
    [
        *({"priority": five} for five in (5, Int64(5), 5.0, Decimal128("5"), Decimal128("5.0"))),
        *({name: None} for name in FIELDS if name not in ("task_id", "platform", "keywords")),
        {"schedule": "\x1c0 9 * * *\u3000"},
        {"schedule": " \x85"},
        {"keywords": None, "accounts": ["nasa"]},
        {"run_at": "2030-01-31T08:00:00Z"},
        {"run_at": datetime(2030, 1, 31, tzinfo=UTC)},
        {"name": "任务🔥" * 100},
        {"options": {"limit": 10.0, "a": {"b": [1]}}, "storage_config": {"type": "json"}},
        {"checkpoint": {"a.b": {"$c": 1}}},
        {"run_number": 2**62, "rescues": 2**62, "current_retry": 1_000_000},
        {"own": {"anything": ObjectId("6b05b86b8438d1e77995bab3")}, "worker_id": 7},
    ],
    ids=str,
)
def test_what_is_forgiven_passes(tasks: Any, fields: dict[str, Any]) -> None:
    admit(GOOD | fields)
    tasks.insert_one(GOOD | fields)


@pytest.mark.parametrize(
    "fields",
    [
        *({"priority": value} for value in ("high", True, 5.5, math.nan, math.inf, 0, 11, [5])),
        *({"status": value} for value in ("pending", [0], -1, 5, Decimal128("NaN"))),
        {"task_id": None},
        {"task_id": " \u3000"},
        {"task_id": "x" * 201},
        {"platform": 7},
        {"name": "a\x00b"},
        {"keywords": []},
        {"keywords": "AI"},
        {"keywords": ["\u2003"]},
        {"keywords": ["x"] * 501},
        {"task_type": "monitor"},
        {"task_type": "crawl"},
        {"immediate": "yes"},
        {"options": {"limit": "30"}},
        {"options": {"$where": "x"}},
        {"retry_count": -1},
        {"timeout": 0},
        {"run_at": 5},
        {"schedule": "every day"},
    ],
    ids=str,
)
def test_a_wrong_insert_fails_in_the_writers_hands(tasks: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidTask):
        admit(GOOD | fields)
    with pytest.raises(WriteError) as caught:
        tasks.insert_one(GOOD | fields)
    assert caught.value.code == 121
    details = str((caught.value.details or {}).get("errInfo"))
    assert next(iter(fields)) in details or "task_type" in fields
    assert tasks.count_documents({}) == 0


def test_a_wrong_update_fails_too_but_old_documents_can_be_mended(sync_database: Db) -> None:
    sync_database.tasks.insert_one(GOOD | {"task_id": "old", "priority": "high"})
    sync_database.command("collMod", "tasks", validator={"$jsonSchema": task_validator()})
    sync_database.command("collMod", "tasks", validationLevel="moderate")
    tasks = sync_database.tasks
    tasks.insert_one(dict(GOOD))
    with pytest.raises(WriteError):
        tasks.update_one({"task_id": "t"}, {"$set": {"status": "done"}})
    assert tasks.update_one({"task_id": "old"}, {"$set": {"status": 3}}).modified_count == 1
    assert tasks.update_one({"task_id": "old"}, {"$set": {"priority": 5}}).modified_count == 1


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-1, 11).flatmap(
        lambda n: st.sampled_from([n, Int64(n), float(n), Decimal128(str(n)), n + 0.5])
    ),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(["search", "monitor", "0 9 * * *", "\x1f", "\x85", "\u180e", "\ufeff", "x\n"]),
    st.lists(st.text(max_size=4), max_size=3),
    st.dictionaries(st.sampled_from(["limit", "only_new", "a"]), st.integers(-1, 9), max_size=2),
    st.sampled_from(
        [
            datetime(2030, 1, 31, tzinfo=UTC),
            DatetimeMS(2**50),
            ObjectId("6b05b86b8438d1e77995bab3"),
            b"x",
        ]
    ),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.dictionaries(st.sampled_from([*FIELDS, "own"]), values, max_size=4))
def test_whatever_is_admitted_passes(tasks: Any, fields: dict[str, Any]) -> None:
    document = GOOD | fields
    try:
        admit(document)
    except InvalidTask:
        return
    tasks.delete_many({})
    try:
        tasks.insert_one(document)
    except WriteError:
        raise
    except (PyMongoError, OverflowError, ValueError):
        return  # no document of any kind can hold it
