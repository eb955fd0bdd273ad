"""A place in the queue knows what certainly stands behind it, and says nothing of the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128

from hotstream_reactive.model.change import Change
from hotstream_reactive.model.place import Place

T0 = datetime(2025, 5, 30, 12, 38, tzinfo=UTC)
KEYS = {"immediate": False, "priority": 5, "created_at": T0}
PLACE = Place(**KEYS)
LATER, EARLIER = T0 + timedelta(milliseconds=1), T0 - timedelta(milliseconds=1)


@pytest.mark.parametrize("keys", [{}, {"immediate": True}, {"priority": 1.0}], ids=str)
def test_a_task_with_usual_keys_has_a_place(keys: dict[str, Any]) -> None:
    document = {**KEYS, **keys}
    assert Place.of(document) == Place(**document)


@pytest.mark.parametrize(
    "keys",
    [
        {"immediate": [False]},
        {"priority": [5]},
        {"priority": Decimal128("5")},
        {"created_at": DatetimeMS(2**60)},
        {"created_at": [T0]},
    ],
    ids=str,
)
def test_a_task_with_odd_keys_has_none(keys: dict[str, Any]) -> None:
    assert Place.of({**KEYS, **keys}) is None


def test_only_the_first_ranks_are_urgent() -> None:
    assert PLACE._replace(immediate=True).urgent
    assert PLACE._replace(priority=3).urgent
    assert not PLACE._replace(priority=3.5).urgent


def new(**fields: Any) -> Change:
    return Change(document_id="a", inserted=True, status=0, **{**KEYS, **fields})


def test_a_new_task_of_the_same_rank_stands_behind_if_it_is_not_older() -> None:
    assert PLACE.is_before(new())
    assert PLACE.is_before(new(created_at=LATER))
    assert not PLACE.is_before(new(created_at=EARLIER))


@pytest.mark.parametrize(
    "change",
    [
        new(priority=4, created_at=LATER),
        new(immediate=True, created_at=LATER),
        new(priority="5", created_at=LATER),
        new(created_at=None),
        new(created_at="2030-01-01"),
        Change(document_id="a", status=0),
        Change(document_id="a", reordered=True, priority=5, immediate=False),
        Change(document_id="a", status=0, **{**KEYS, "created_at": LATER}),
    ],
    ids=str,
)
def test_of_all_else_nothing_is_certain(change: Change) -> None:
    assert not PLACE.is_before(change)
