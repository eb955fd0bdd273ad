"""Texts from outside cannot act on a terminal or forge a log line."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.text import clean

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a\tb", "a b"),
        ("a\nb\r\nc\rd\u2028e", "a⏎b⏎c⏎d⏎e"),
        ("\x1b]0;evil\x07", "]0;evil"),
        ("\x1b[2Jx\x9b31m\x00\x7f", "[2Jx31m"),
        (BIDI + "x", "x"),
        ("\ud800", "\ufffd"),
        ("数据库 🔥", "数据库 🔥"),
        ("[/nope] [link=x]", "[/nope] [link=x]"),
    ],
)
def test_what_is_left_of_a_text(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text(st.characters()), st.integers(1, 300))
def test_nothing_harmful_and_nothing_endless_is_left(text: str, limit: int) -> None:
    shown = clean(text, limit)
    assert len(shown) <= limit
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in shown)
    assert not set(shown) & set(BIDI)
    shown.encode()


@given(st.text(st.characters()))
def test_a_clean_text_stays_as_it_is(text: str) -> None:
    once = clean(text)
    assert clean(once) == once


def test_what_is_cut_says_so() -> None:
    assert clean("x" * 300, 10) == "x" * 9 + "…"
