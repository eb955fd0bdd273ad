"""The JSON Schema and `admit` agree on every document, but for what the schema says itself."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hotstream_reactive.errors import InvalidTask
from hotstream_reactive.model.bounds import TIMEOUT
from hotstream_reactive.model.contract import ENGINE, FIELDS, OPTIONS, WRITER
from hotstream_reactive.model.schema import task_schema
from hotstream_reactive.model.task import Task, admit
from hotstream_reactive.mongo.extended_json import NoDocument, documents
from hotstream_reactive.settings import SchedulerSettings

SCHEMA = Draft202012Validator(task_schema())
GOOD = {"task_id": "t", "platform": "twitter", "keywords": ["AI"]}
#: What the description of the schema leaves to `admit`.
BEYOND = (
    *("schedule: ", "values in all", "expected a date", " is no time zone"),
    "a date between the years 1 and 9999",
)


def accepted(document: dict[str, Any]) -> tuple[bool, str]:
    """Whether a worker admits what this JSON stands for, and else why not."""
    [(_, decoded)] = documents(json.dumps([document]))
    if isinstance(decoded, NoDocument):
        return False, "expected a date"  # no Extended JSON: only dates may be
    try:
        admit(decoded)
    except InvalidTask as error:
        return False, str(error)
    return True, ""


def agree(document: dict[str, Any]) -> bool:
    taken, reason = accepted(document)
    fits = SCHEMA.is_valid(document)
    if taken:
        assert fits, next(iter(SCHEMA.iter_errors(document))).message
    elif fits:
        assert any(part in reason for part in BEYOND), reason
    return taken


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(task_schema())
    for example in task_schema()["examples"]:
        assert agree(example)
    for name, fact in FIELDS.items():
        for example in fact.examples:
            assert agree({**GOOD, "accounts": ["a"], name: example}), name
    json.dumps(task_schema(), allow_nan=False)


def test_every_field_that_admit_reads_is_in_the_contract() -> None:
    assert set(Task.__struct_fields__) - {"document_id"} <= set(FIELDS)
    assert not set(WRITER) & set(ENGINE)
    task = admit(GOOD)
    for name, fact in FIELDS.items():
        if fact.default is not None:
            assert getattr(task, name) == fact.default, name
    assert task.limit == OPTIONS["limit"].default


@pytest.mark.parametrize("seconds", [0.5, TIMEOUT["low"], TIMEOUT["high"], TIMEOUT["high"] + 1])
def test_a_default_time_out_of_the_configuration_is_one_that_admit_takes(seconds: float) -> None:
    def configured() -> bool:
        try:
            msgspec.convert({"task_timeout": seconds}, SchedulerSettings)
        except msgspec.ValidationError:
            return False
        return True

    assert configured() is SCHEMA.is_valid({**GOOD, "timeout": seconds})


def deep(levels: int, inner: Any) -> Any:
    for level in range(levels):
        inner = {"a": inner} if level % 2 else [inner]
    return {"a": inner}


CASES: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"keywords": None, "accounts": ["nasa"]}, True),
    ({"keywords": [], "accounts": ["nasa"]}, True),
    ({"keywords": None}, False),
    ({"task_type": "monitor"}, False),
    ({"task_type": "monitor", "accounts": ["nasa"]}, True),
    ({"task_type": "search", "keywords": [], "accounts": ["nasa"]}, False),
    ({"task_type": None, "accounts": ["nasa"]}, True),
    ({"task_id": " \u2003"}, False),
    ({"task_id": "x" * 201}, False),
    ({"task_id": "🔥" * 200}, True),
    ({"name": "a\u0000b"}, False),
    ({"priority": 5.0}, True),
    ({"priority": 5.5}, False),
    ({"priority": True}, False),
    ({"priority": None}, True),
    ({"run_number": 2**62}, True),
    ({"run_number": 2**62 + 1}, False),
    ({"timeout": 0.5}, False),
    ({"timeout": 1.5}, True),
    ({"run_at": "2030-01-31"}, True),
    ({"run_at": "2030-W05-4T08:00"}, True),
    ({"run_at": "soon"}, False),
    ({"run_at": {"$date": "2030-01-31T08:00:00Z"}}, True),
    ({"run_at": {"$date": {"$numberLong": "1893456000000"}}}, True),
    ({"run_at": {"$gt": 1}}, False),
    ({"run_at": 5}, False),
    ({"schedule": "0 9 * * *"}, True),
    ({"schedule": "\t0 9 * * mon 30\n"}, True),
    ({"schedule": " "}, True),
    ({"schedule": "every day"}, False),
    ({"options": {"limit": 10, "only_new": None, "x": [1, {"y": None}]}}, True),
    ({"options": {"limit": 0}}, False),
    ({"options": {"only_new": 1}}, False),
    ({"options": {"a": {"$gt": 1}}}, False),
    ({"options": deep(8, 1)}, True),
    ({"options": deep(9, [])}, False),
    ({"options": deep(8, [])}, True),
    ({"options": deep(8, [1])}, False),
    ({"storage_config": {"type": 7}}, True),
    ({"checkpoint": {"$x": deep(20, 1)}}, True),
    ({"checkpoint": []}, False),
    ({"own": {"$x": 1}, "worker_id": 7, "progress": "x"}, True),
]


@pytest.mark.parametrize(("fields", "expected"), CASES, ids=lambda value: str(value)[:40])
def test_cases(fields: dict[str, Any], expected: bool) -> None:
    document = GOOD | fields
    assert agree(document) is expected
    if not expected:
        assert not SCHEMA.is_valid(document)


@pytest.mark.parametrize(
    "fields",
    [
        {"schedule": "0 0 31 2 *"},
        {"schedule": "0 99 * * *"},
        {"schedule": "0 9 * * *", "timezone": "Moon/Base"},
        {"run_at": "2030-99-31"},
        {"run_at": "0001-01-01T00:00:00+14:00"},
        {"run_at": {"$date": {"$numberLong": "999999999999999"}}},
        {"options": {"a": list(range(1001))}},
    ],
    ids=str,
)
def test_what_no_schema_can_say(fields: dict[str, Any]) -> None:
    assert SCHEMA.is_valid(GOOD | fields)
    assert agree(GOOD | fields) is False


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-1, 11),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 3.0, 1e300]),
    st.text(max_size=12),
    st.sampled_from(["search", "monitor", "0 9 * * *", "* * * *", " ", "", "2030-01-31", "UTC"]),
    st.sampled_from(["x" * 200, "x" * 201, "x" * 501, "a\x00", "\ud800", "\x1c", "2030-02-30"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(st.text(max_size=4), st.sampled_from(["limit", "only_new", "$x", "type"])),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
fields = st.dictionaries(st.sampled_from([*FIELDS, "own"]), values, max_size=6)


@settings(max_examples=600, deadline=None)
@given(fields)
def test_any_document(document: dict[str, Any]) -> None:
    # In Extended JSON a key such as $x may stand for a type of its own, which plain JSON has not.
    assume("$oid" not in json.dumps(document))
    agree(document)
    agree({**GOOD, **document})


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["options", "storage_config", "checkpoint"]), values))
def test_any_table(document: dict[str, Any]) -> None:
    agree({**GOOD, **document})
