"""Whatever a page holds becomes an item that any database or file can store."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import bson
import msgspec
import pytest
from bson import ObjectId
from bson.decimal128 import Decimal128
from hypothesis import given, settings
from hypothesis import strategies as st

from hotstream_reactive.model.item import DataItem, iso_utc, normalise


def item(**fields: Any) -> DataItem:
    return DataItem(**{"id": "lab_1", "platform": "lab", "content": "text", **fields})


def stored(thing: DataItem) -> dict[str, Any]:
    """What it is after a journey through the database's own encoding."""
    return bson.decode(bson.encode(msgspec.structs.asdict(normalise(thing))))


def test_texts_lose_surrogates_and_nuls_only() -> None:
    after = normalise(item(content="a\ud800b\x00c 数 🔥", title="\x00t", author="\udfff", url="u"))
    assert after.content == "a?bc 数 🔥"
    assert (after.title, after.author, after.url) == ("t", "?", "u")


def test_integers_beyond_64_bit_become_texts() -> None:
    table = {"big": 2**63, "small": -(2**63) - 1, "fits": 2**63 - 1, "flag": True}
    after = normalise(item(metadata=table, raw_data={"inner": [table]}))
    assert after.metadata == {
        "big": str(2**63),
        "small": str(-(2**63) - 1),
        "fits": 2**63 - 1,
        "flag": True,
    }
    assert after.raw_data == {"inner": [after.metadata]}


def test_no_key_can_be_an_operator() -> None:
    after = normalise(item(raw_data={"$set": 1, "a": {"$where": 2, 3: "x", "\x00": 0}, "b.c": 1}))
    assert after.raw_data == {"＄set": 1, "a": {"＄where": 2, "3": "x", "": 0}, "b.c": 1}


@pytest.mark.parametrize(
    ("created", "text"),
    [
        (datetime(2025, 5, 30, 12, 38), "2025-05-30T12:38:00Z"),
        (datetime(2025, 5, 30, 12, 38, 5, 999_999, UTC), "2025-05-30T12:38:05Z"),
        (datetime(2025, 5, 30, 1, tzinfo=timezone(timedelta(hours=2))), "2025-05-29T23:00:00Z"),
        (datetime(987, 1, 2, tzinfo=UTC), "0987-01-02T00:00:00Z"),
        ("2025-05-30T12:38:00Z", "2025-05-30T12:38:00Z"),
        (None, None),
    ],
)
def test_created_at_is_iso_8601_in_utc(created: Any, text: str | None) -> None:
    assert normalise(item(created_at=created)).created_at == text


def test_a_naive_time_is_utc() -> None:
    assert iso_utc(datetime(2025, 1, 1)) == iso_utc(datetime(2025, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("field", ["id", "platform", "content"])
@pytest.mark.parametrize("value", [None, 7, b"x", ["x"]], ids=repr)
def test_identity_and_content_must_be_texts(field: str, value: Any) -> None:
    with pytest.raises(TypeError, match=field):
        normalise(item(**{field: value}))


@pytest.mark.parametrize("field", ["id", "platform"])
@pytest.mark.parametrize("value", ["", "\x00"], ids=repr)
def test_identity_must_not_be_empty(field: str, value: str) -> None:
    with pytest.raises(ValueError, match="id and a platform"):
        normalise(item(**{field: value}))


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        frozenset({"a"}),
        ("a", ("b",)),
        ObjectId("6b05b86b8438d1e77995bab3"),
        Decimal128("1"),
        object(),
        complex(1, 2),
        math.nan,
        math.inf,
        b"\xff",
        datetime(2025, 1, 1),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        1.5,
        None,
        range(3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_python_value_can_be_stored(value: Any) -> None:
    assert stored(item(metadata={"v": value}, raw_data={"v": [value]}))


def test_a_normalised_item_is_left_as_it_is() -> None:
    once = normalise(item(content="\ud800\x00", metadata={"$a": 2**70}))
    assert normalise(once) == once


def test_the_original_is_not_touched() -> None:
    raw = {"$a": ["\x00"]}
    normalise(item(raw_data=raw))
    assert raw == {"$a": ["\x00"]}


anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(), max_size=10),
        st.binary(max_size=5),
        st.datetimes(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=3),
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.characters(), min_size=1).filter(lambda text: text.strip("\x00")),
    st.text(st.characters()),
    st.dictionaries(st.text(st.characters(), max_size=5), anything, max_size=5),
)
def test_whatever_was_scraped_can_be_stored(name: str, text: str, table: dict[str, Any]) -> None:
    document = stored(item(id=name, content=text, title=text, metadata=table, raw_data=table))
    assert document["id"]
    assert "\x00" not in document["content"]


def test_endless_nesting_is_cut() -> None:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert stored(item(metadata=circle, raw_data={"deep": deep}))


def test_a_date_at_the_end_of_the_calendar_is_kept_as_text() -> None:
    edge = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    assert normalise(item(created_at=edge)).created_at == str(edge)
