"""The bookmark is forgotten at the least doubt: no task may be passed over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hotstream_reactive.engine.bookmark import MOST_COMPARED, Bookmark
from hotstream_reactive.model.change import Change
from hotstream_reactive.model.place import Place

T0 = datetime(2025, 5, 30, 12, 38, tzinfo=UTC)


def at(seconds: float) -> Place:
    return Place(immediate=False, priority=5, created_at=T0 + timedelta(seconds=seconds))


def new(seconds: float, **fields: Any) -> Change:
    keys = {**at(seconds)._asdict(), **fields}
    return Change(document_id="a", inserted=True, status=0, **keys)


def put_at(seconds: float) -> Bookmark:
    bookmark = Bookmark()
    assert bookmark.begin_look() is None
    bookmark.end_look(at(seconds))
    return bookmark


def test_the_next_look_goes_on_where_the_last_has_ended() -> None:
    bookmark = put_at(10)
    bookmark.came(new(11))
    assert bookmark.begin_look() == at(10)


def test_a_task_before_it_is_not_passed_over() -> None:
    for change in (new(9), new(11, priority=4), Change(document_id="a", status=0)):
        bookmark = put_at(10)
        bookmark.came(change)
        assert bookmark.begin_look() is None


def test_what_comes_during_a_look_is_compared_with_its_end() -> None:
    """It stands behind where the look has begun, and yet before where it ends."""
    bookmark = put_at(10)
    bookmark.begin_look()
    bookmark.came(new(15))
    bookmark.end_look(at(20))
    assert bookmark.begin_look() is None
    bookmark.end_look(at(20))
    bookmark.begin_look()
    bookmark.came(new(31))
    bookmark.end_look(at(30))
    assert bookmark.begin_look() == at(30)


def test_it_is_lost_when_anything_may_have_happened() -> None:
    bookmark = put_at(10)
    bookmark.lose()
    assert bookmark.begin_look() is None
    bookmark.lose()
    bookmark.end_look(at(20))
    assert bookmark.begin_look() is None, "also when that was during the look"


def test_a_look_that_says_nothing_takes_it_away() -> None:
    bookmark = put_at(10)
    bookmark.begin_look()
    bookmark.end_look(None)
    assert bookmark.begin_look() is None


def test_of_very_many_changes_it_is_not_sure() -> None:
    bookmark = put_at(10)
    bookmark.begin_look()
    for n in range(MOST_COMPARED + 1):
        bookmark.came(new(100 + n))
    bookmark.end_look(at(20))
    assert bookmark.begin_look() is None
