"""HTML as plain text, and single values of JSON answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.platforms.plaintext import plain_text
from hotstream_reactive.platforms.values import count, identifier, line_of, moment, text_of


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a &amp; b</p><p>c</p>", "a & b\nc"),
        ("<p>a\n   b</p>", "a b"),
        ("one<br>two", "one\ntwo"),
        ("<p>x <strong> y</strong>z</p>", "x yz"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<p>a</p><script>x()</script><style>p{}</style><p>b</p>", "a\nb"),
        ("<figure><img alt='no'></figure><p>a</p>", "a"),
        ("<a href='https://x.example'>words</a>", "words"),
        ("a\x00b\x0bc", "abc"),
        ("", ""),
    ],
)
def test_plain_text(html: str, text: str) -> None:
    assert plain_text(html).replace("\ufffd", "") == text


def test_depth_without_end() -> None:
    assert plain_text("<b>" * 3000 + "deep" + "</b>" * 3000) == "deep"


@given(st.text())
def test_any_text_is_readable(text: str) -> None:
    assert isinstance(plain_text(text), str)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (1620918367, "2021-05-13T15:06:07Z"),
        ("1620918367", "2021-05-13T15:06:07Z"),
        (1545604509971, "2018-12-23T22:35:09Z"),
        ("2015-03-17T16:27:40.294Z", "2015-03-17T16:27:40Z"),
        ("2015-03-17T18:27:40+02:00", "2015-03-17T16:27:40Z"),
        (0, None),
        (-62135596800, None),
        ("", None),
        (True, None),
        ("soon", None),
        ("2015-99-99T00:00:00Z", None),
        (float("nan"), None),
        (float("inf"), None),
        (10**40, None),
        ([], None),
    ],
)
def test_moments(value: Any, wanted: str | None) -> None:
    assert moment(value) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(5, 5), ("1,234", 1234), ("x", None), (-1, None), (True, None), (None, None), (2**70, None)],
)
def test_counts(value: Any, wanted: int | None) -> None:
    assert count(value) == wanted


def test_ids_and_texts() -> None:
    assert identifier(7083312927725322252) == "7083312927725322252"
    assert identifier(0) is identifier("") is identifier(None) is identifier(True) is None
    assert text_of(" a\r\nb\x08 ") == "a\nb"
    assert line_of("a\u200a—\u200a b") == "a — b"
