"""`admit` understands what writers write, and names everything it cannot understand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from bson import Binary, Code, DBRef, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from hypothesis import given, settings
from hypothesis import strategies as st

from hotstream_reactive.errors import InvalidTask
from hotstream_reactive.model.task import Task, admit, describe, examine

GOOD = {"_id": 1, "task_id": "search_002", "platform": "twitter", "keywords": ["AI"]}
INTEGERS = ("status", "priority", "retry_count", "current_retry", "run_number", "rescues")
TEXTS = ("task_id", "name", "platform", "task_type", "schedule", "timezone", "lease_id")
TABLES = ("options", "storage_config", "checkpoint")
MOMENTS = ("run_at", "created_at", "started_at")
LISTS = ("keywords", "accounts")
FIELDS = (*INTEGERS, "timeout", "immediate", *TEXTS, *TABLES, *MOMENTS, *LISTS)

#: What a writer of any language may put anywhere.
ODD_VALUES: dict[str, Any] = {
    "null": None,
    "text": "high",
    "empty text": "",
    "blank text": "   ",
    "10 kB text": "x" * 10_000,
    "NUL": "a\x00b",
    "surrogate": "\ud800",
    "unicode": "数据库 🔥 \u202e",
    "escape": "\x1b]0;evil\x07",
    "true": True,
    "false": False,
    "zero": 0,
    "negative": -5,
    "huge": 2**62,
    "beyond 64 bit": 2**70,
    "fraction": 2.5,
    "NaN": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "array": [1, "a", None],
    "empty array": [],
    "nested array": [[["x"]]],
    "object": {"a": 1},
    "empty object": {},
    "operator": {"$gt": 1},
    "nested operator": {"a": [{"b": {"$where": "1"}}]},
    "dotted key": {"a.b": 1},
    "many values": {str(n): n for n in range(5000)},
    "date": datetime(2025, 5, 30, 12, 38, tzinfo=UTC),
    "naive date": datetime(2025, 5, 30, 12, 38),
    "far date": DatetimeMS(2**60),
    "date text": "2025-05-30T12:38:00Z",
    "date text before the year 1": "0001-01-01T00:00:00+14:00",
    "date text after the year 9999": "9999-12-31T23:59:59-14:00",
    "Decimal128": Decimal128("5"),
    "Decimal128 NaN": Decimal128("NaN"),
    "Decimal128 sNaN": Decimal128("sNaN"),
    "Decimal128 inf": Decimal128("Infinity"),
    "Decimal128 huge": Decimal128("1E+6000"),
    "Decimal128 tiny": Decimal128("1E-6000"),
    "Int64": Int64(3),
    "ObjectId": ObjectId("6b05b86b8438d1e77995bab3"),
    "binary": b"\x00\xff",
    "uuid binary": Binary(b"0" * 16, 4),
    "regex": Regex("a"),
    "code": Code("function () {}"),
    "reference": DBRef("a", 1),
    "timestamp": Timestamp(1, 1),
    "MinKey": MinKey(),
    "MaxKey": MaxKey(),
}


def deep(levels: int) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for _ in range(levels):
        table = {"a": table}
    return table


def refusal(**fields: Any) -> str:
    with pytest.raises(InvalidTask) as caught:
        admit({**GOOD, **fields})
    return str(caught.value)


@pytest.mark.parametrize("value", ODD_VALUES.values(), ids=ODD_VALUES.keys())
@pytest.mark.parametrize("field", FIELDS)
def test_any_value_anywhere_is_understood_or_refused_with_a_reason(field: str, value: Any) -> None:
    try:
        task = admit({**GOOD, field: value})
    except InvalidTask as error:
        text = str(error)
        assert field in text
        assert "expected" in text
        assert text.isprintable(), "it goes into logs and terminals"
        assert len(text) <= 2000
    else:
        assert isinstance(task, Task)
        assert 1 <= task.priority <= 10
        assert math.isfinite(task.timeout)
        assert isinstance(task.immediate, bool)
        assert all(isinstance(word, str) for word in (*task.keywords, *task.accounts))


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field_gets_its_default_or_is_named(field: str) -> None:
    document = {name: value for name, value in GOOD.items() if name != field}
    if field in {"task_id", "platform", "keywords"}:
        with pytest.raises(InvalidTask, match=f"{field}: missing, expected"):
            admit(document)
    else:
        admit(document)


def test_defaults_are_those_of_the_contract() -> None:
    task = admit(GOOD, default_timeout_s=120)
    assert (task.name, task.task_type, task.status, task.priority) == ("search_002", "search", 0, 5)
    assert (task.immediate, task.retry_count, task.current_retry) == (False, 3, 0)
    assert (task.options, task.storage_config, task.limit, task.timeout) == ({}, {}, 100, 120)
    assert not task.urgent


def test_accounts_alone_make_a_monitor_task() -> None:
    task = admit({"task_id": "m", "platform": "twitter", "accounts": ["OpenAI"]})
    assert task.task_type == "monitor"


@pytest.mark.parametrize("three", [3, Int64(3), 3.0, Decimal128("3"), Decimal128("3.0")], ids=repr)
@pytest.mark.parametrize("field", ["priority", "retry_count", "current_retry", "status"])
def test_whole_numbers_of_any_type_are_integers(field: str, three: Any) -> None:
    value = getattr(admit({**GOOD, field: three}), field)
    assert type(value) is int or isinstance(value, Int64)
    assert value == 3


@pytest.mark.parametrize("fifty", [50, Int64(50), 50.0, Decimal128("50")], ids=repr)
def test_a_limit_of_any_numeric_type_is_an_integer(fifty: Any) -> None:
    assert admit({**GOOD, "options": {"limit": fifty}}).limit == 50


@pytest.mark.parametrize("value", [True, 2.5, "5", "high", [5], {"$numberInt": "5"}])
def test_no_guess_is_made_about_a_priority(value: Any) -> None:
    text = refusal(priority=value)
    assert repr(value) in text
    assert "priority" in text
    assert "an integer from 1 to 10" in text


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"priority": "high"}, ["priority: 'high'", "an integer from 1 to 10"]),
        ({"priority": math.nan}, ["priority: nan", "an integer from 1 to 10"]),
        ({"priority": 0}, ["priority: 0", "an integer from 1 to 10"]),
        ({"options": {"limit": -5}}, ["options.limit: -5", "an integer from 1 to 100000"]),
        ({"keywords": "AI"}, ["keywords: 'AI'", "an array of texts"]),
        ({"keywords": ["AI", 7]}, ["keywords[1]: 7", "a text of 1 to 500 characters"]),
        ({"keywords": []}, ["keywords: []", "an array with at least one text"]),
        ({"accounts": {"a": 1}}, ["accounts: {'a': 1}", "an array of texts"]),
        ({"immediate": "yes"}, ["immediate: 'yes'", "true or false"]),
        ({"timeout": 0}, ["timeout: 0", "a number from 1 to"]),
        ({"timeout": math.inf}, ["timeout: inf", "a number from 1 to"]),
        ({"task_type": "crawl"}, ["task_type: 'crawl'", "'search' or 'monitor'"]),
        ({"options": {"a": {"$gt": 1}}}, ["options.a.$gt: 1", "a field name without '$'"]),
        ({"options": deep(12)}, ["options.a.a", "at most 10 levels"]),
        ({"options": {"a": list(range(5000))}}, ["options: ", "at most 1000 values"]),
        ({"options": [1]}, ["options: [1]", "an object"]),
        ({"name": "x" * 1_000_000}, ["name: ", "(1000000 characters)", "1 to 500 characters"]),
        ({"name": "a\x00b"}, ["name: ", "without NUL"]),
        ({"run_at": "soon"}, ["run_at: 'soon'", "a date"]),
        ({"created_at": DatetimeMS(2**60)}, ["created_at: ", "between the years 1 and 9999"]),
        ({"retry_count": -1}, ["retry_count: -1", "an integer from 0 to 1000"]),
        ({"platform": None}, ["platform: missing", "a text of 1 to 64 characters"]),
        ({"platform": ""}, ["platform: ''", "a text of 1 to 64 characters"]),
        ({"task_id": 7}, ["task_id: 7", "a text of 1 to 200 characters"]),
    ],
    ids=lambda v: "" if isinstance(v, list) else str(v)[:40],
)
def test_a_refusal_names_field_value_and_expectation(
    fields: dict[str, Any], parts: list[str]
) -> None:
    text = refusal(**fields)
    for part in parts:
        assert part in text


def test_every_wrong_field_is_named_at_once() -> None:
    text = refusal(priority="high", immediate=1, keywords="AI", options={"limit": 0})
    for field in ("priority", "immediate", "keywords", "options.limit"):
        assert f"{field}: " in text
    assert text.startswith("invalid task, 4 wrong fields: ")


def test_one_field_is_named_once() -> None:
    assert refusal(keywords="AI").count("keywords:") == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"options": {"password": {"$x": "hunter2"}}},
        {"options": {"limit": {"a": 1}, "login": {"password": {"$x": "hunter2"}}}},
        {"storage_config": "mongodb://user:hunter2@db/"},
        {"storage_config": ["mongodb://user:hunter2@db/"]},
        {"options": {"proxy": {"$x": "http://user:hunter2@proxy:8080"}}},
        {"checkpoint": "session_token=hunter2"},
        {"options": {"password": "hunter2", "a": list(range(5000))}},
    ],
    ids=lambda fields: str(fields)[:60],
)
def test_secrets_are_not_repeated_in_a_refusal(fields: dict[str, Any]) -> None:
    assert "hunter2" not in refusal(**fields)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("field", ["run_at", "created_at"])
def test_a_date_that_leaves_the_calendar_in_utc_is_refused(field: str, text: str) -> None:
    assert field in refusal(**{field: text})


def test_a_date_text_is_read_as_utc_unless_it_names_a_zone() -> None:
    plain = admit({**GOOD, "run_at": "2025-05-30T12:00:00"}).run_at
    zoned = admit({**GOOD, "run_at": "2025-05-30T14:00:00+02:00"}).run_at
    assert plain == zoned == datetime(2025, 5, 30, 12, tzinfo=UTC)
    assert plain
    assert plain.utcoffset() == timedelta(0)


def test_a_thousand_problems_make_a_message_of_bounded_length() -> None:
    text = describe([f"field{n}: 1, expected 2" for n in range(1000)])
    assert len(text) == 2000
    assert text.endswith("…")


bson_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(),
    st.binary(max_size=20),
    st.datetimes(),
    st.sampled_from([value for value in ODD_VALUES.values() if not isinstance(value, dict)]),
    st.integers(-(10**33), 10**33).map(lambda n: Decimal128(str(n))),
)
bson_values = st.recursive(
    bson_scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
documents = st.dictionaries(st.sampled_from((*FIELDS, "_id", "other")), bson_values)


@settings(max_examples=200, deadline=None)
@given(documents)
def test_no_document_raises_anything_but_invalid_task(document: dict[str, Any]) -> None:
    try:
        task = admit({**GOOD, **document})
    except InvalidTask as error:
        assert "expected" in str(error)
    else:
        assert 1 <= task.limit <= 100_000
        assert 1 <= task.timeout <= 30 * 86_400


@given(st.integers(-20, 20), st.integers(0, 6))
def test_a_decimal_is_the_number_it_stands_for(number: int, zeros: int) -> None:
    value = Decimal128(f"{number}.{'0' * zeros}" if zeros else str(number))
    if 1 <= number <= 10:
        assert admit({**GOOD, "priority": value}).priority == number
    else:
        assert "priority" in refusal(priority=value)


#: As a claim leaves it: every field is there.
CLAIMED: dict[str, Any] = {
    **GOOD,
    "_id": ObjectId("6b05b86b8438d1e77995bab3"),
    "name": "n",
    "task_type": "search",
    "status": 1,
    "priority": 5,
    "immediate": False,
    "options": {"limit": 5, "only_new": True},
    "storage_config": {"type": "jsonl"},
    "retry_count": 3,
    "current_retry": 0,
    "timeout": 60,
    "created_at": datetime(2025, 5, 30, 12, 38, tzinfo=UTC),
    "started_at": datetime(2025, 5, 30, 12, 39, tzinfo=UTC),
    "lease_id": "0-1",
    "checkpoint": {"cursor": {"$deep": 1}},
    "run_number": 1,
    "rescues": 0,
}


def told_alike(document: dict[str, Any]) -> None:
    """A document that is admitted at a glance is the one that reading field by field would give."""
    task, problems = examine(document)
    if problems:
        with pytest.raises(InvalidTask, match=r"^invalid task"):
            admit(document)
    else:
        quick = admit(document)
        assert quick == task
        for field in Task.__struct_fields__:
            assert type(getattr(quick, field)) is type(getattr(task, field)), field


def test_a_claimed_document_is_admitted_at_a_glance(monkeypatch: pytest.MonkeyPatch) -> None:
    told_alike(CLAIMED)
    monkeypatch.setattr("hotstream_reactive.model.task.examine", None)
    assert admit(CLAIMED).task_id == "search_002"


@pytest.mark.parametrize("value", ODD_VALUES.values(), ids=ODD_VALUES.keys())
@pytest.mark.parametrize("field", [*CLAIMED, "accounts", "run_at", "schedule", "armed_for"])
def test_a_glance_overlooks_nothing(field: str, value: Any) -> None:
    told_alike({**CLAIMED, field: value})


@pytest.mark.parametrize("field", CLAIMED)
def test_a_glance_overlooks_no_missing_field(field: str) -> None:
    told_alike({name: value for name, value in CLAIMED.items() if name != field})


@pytest.mark.parametrize(
    "fields",
    [
        {"task_type": "monitor"},
        {"task_type": "monitor", "accounts": ["OpenAI"]},
        {"keywords": []},
        {"keywords": ["a", " "]},
        {"keywords": ["x"] * 501},
        {"task_id": " "},
        {"task_id": "a\x00b"},
        {"name": "\x00"},
        {"name": ""},
        {"lease_id": ""},
        {"priority": 11},
        {"priority": 2.0},
        {"timeout": 0.5},
        {"options": {"limit": 0}},
        {"options": {"limit": 2.0}},
        {"options": {"$where": 1}},
        {"options": {"filters": {"a": {"$gt": 1}}}},
        {"options": {"only_new": 1}},
        {"options": {f"k{n}": n for n in range(1001)}},
        {"storage_config": {"$x": 1}},
        {"storage_config": {"list": [1]}},
        {"schedule": "0 9 * * *", "timezone": "Asia/Shanghai"},
        {"schedule": "nonsense"},
        {"run_at": datetime(2025, 5, 30, 12, 38)},
        {"run_at": datetime(2025, 5, 30, 12, 38, tzinfo=timezone(timedelta(hours=8)))},
    ],
    ids=lambda fields: str(fields)[:60],
)
def test_a_glance_is_not_deceived(fields: dict[str, Any]) -> None:
    told_alike({**CLAIMED, **fields})


@settings(max_examples=300, deadline=None)
@given(documents)
def test_a_glance_agrees_about_any_document(document: dict[str, Any]) -> None:
    told_alike({**CLAIMED, **document})
