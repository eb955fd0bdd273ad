"""Keys: from bytes to names, and from names to what is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.dashboard.focus import Focus, Order
from hotstream_reactive.dashboard.keys import KeyDecoder
from hotstream_reactive.dashboard.look import Look

ROWS = ["t1", "t2", "t3"]
LOOK = Look()


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"q", ["q"]),
        (b"jk", ["j", "k"]),
        (b"\x1b[A\x1b[B", ["up", "down"]),
        (b"\x1bOA", ["up"]),
        (b"\x1b[1;5A", []),
        (b"\x1b[5~", ["home"]),
        (b"\x1b[200~x", ["x"]),
        (b"\r\x7f", ["enter", "backspace"]),
        ("任".encode(), ["任"]),
        (b"\xff", ["\ufffd"]),
        (b"\x00\x01", []),
        (b"\x1b\x1b[A", ["escape", "up"]),
        (b"\x1bx", []),
    ],
)
def test_bytes_become_keys(data: bytes, keys: list[str]) -> None:
    assert KeyDecoder().feed(data) == keys
    # In pieces it is the same.
    decoder = KeyDecoder()
    assert [key for n in range(len(data)) for key in decoder.feed(data[n : n + 1])] == keys


def test_a_lone_escape_is_a_key() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b") == []
    assert decoder.waiting
    assert decoder.flush() == ["escape"]
    assert not decoder.waiting


@given(st.binary(max_size=200))
def test_nothing_typed_breaks_the_decoder(data: bytes) -> None:
    decoder = KeyDecoder()
    keys = decoder.feed(data) + decoder.flush()
    assert all(key.isprintable() for key in keys)


def press(focus: Focus, *keys: str, rows: list[str] | None = None) -> list[Order]:
    orders = [focus.press(key, rows if rows is not None else ROWS, "t?", LOOK) for key in keys]
    return [order for order in orders if order is not None]


def test_the_selection_moves_and_stays_within() -> None:
    focus = Focus()
    press(focus, "down")
    assert focus.selected == "t1"
    press(focus, "j", "j", "j", "j")
    assert focus.selected == "t3"
    press(focus, "up", "k", "k", "k")
    assert focus.selected == "t1"
    press(focus, "G")
    assert focus.selected == "t3"
    press(focus, "g")
    assert focus.selected == "t1"
    press(Focus(), "down", rows=[])


def test_the_selection_stays_on_its_task() -> None:
    focus = Focus(selected="t2", place=1)
    focus.settle(["t9", "t1", "t2"])
    assert (focus.selected, focus.place) == ("t2", 2)
    focus.settle(["t9", "t1"])
    assert focus.selected == "t1"
    focus.settle([])
    assert focus.selected is None


def test_edits_are_for_the_selected_task() -> None:
    focus = Focus()
    assert press(focus, "p") == []
    assert focus.message == "no task is selected"
    assert press(focus, "down", "p") == [Order(verb="promote", key="t1")]
    assert press(focus, "r") == [Order(verb="retry", key="t1")]
    assert press(focus, "e") == [Order(verb="explain", key="t1")]


def test_cancel_asks_first() -> None:
    focus = Focus(selected="t2", place=1)
    assert press(focus, "c") == []
    assert focus.question == "cancel t?? y/n"
    assert press(focus, "n") == []
    assert not focus.question
    assert press(focus, "c", "y") == [Order(verb="cancel", key="t2")]


def test_cancel_is_for_the_task_that_was_asked_about() -> None:
    focus = Focus(selected="t2", place=1)
    press(focus, "c")
    focus.settle(["t1", "t3"])  # it has ended meanwhile
    assert press(focus, "y", rows=["t1", "t3"]) == [Order(verb="cancel", key="t2")]


def test_the_filter_is_typed() -> None:
    focus = Focus()
    assert press(focus, "/", "q", "任", "x", "backspace", "enter") == []
    assert (focus.filter, focus.typing) == ("q任", False)
    press(focus, "/", "escape")
    assert focus.filter == ""


def test_any_key_closes_a_panel() -> None:
    focus = Focus()
    press(focus, "?")
    assert focus.panel
    assert press(focus, "x") == []
    assert not focus.panel
    press(focus, "?")
    assert press(focus, "q") == [Order(verb="quit")]


def test_the_log_is_shown_only_where_there_is_one() -> None:
    assert press(Focus(), "l") == []
    assert press(Focus(logs=True), "l") == [Order(verb="log")]
