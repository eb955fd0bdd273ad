"""Texts, counters, times and addresses of Zhihu, and whatever else a server may send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.platforms.zhihu import parse_page
from hotstream_reactive.platforms.zhihu.links import outside_link, thing_at
from hotstream_reactive.platforms.zhihu.text import read
from hotstream_reactive.platforms.zhihu.values import count, moment
from tests.site.zhihu_content import NEWEST, page_of

API = "https://www.zhihu.com/api/v4"
ISO = "2026-05-28T20:26:40Z"


class TestTexts:
    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("<p>a</p><p>b</p>", "a\nb"),
            ("a<br>b<br/><br/>c", "a\nb\n\nc"),
            ("<p>a  \n b</p>", "a b"),
            ("plain\nlines &lt;x&gt;", "plain\nlines <x>"),
            ("<pre><code>if x:\n    y</code></pre><p>z</p>", "if x:\n    y\nz"),
            ('<p>E <img eeimg="1" alt="E=mc^2" src="https://x/equation"> !</p>', "E E=mc^2 !"),
            ("<figure><noscript><img src='https://x/a'></noscript></figure><p>t</p>", "t"),
            (None, ""),
        ],
    )
    def test_plain(self, source: str | None, text: str) -> None:
        assert read(source).text == text

    def test_links_are_unwrapped(self) -> None:
        wrapped = "https://link.zhihu.com/?target=https%3A//example.org/a%3Fb%3D%2520c"
        content = read(
            f'<p>see <a href="{wrapped}"><span class="invisible">https://</span>'
            f'<span class="visible">example.org/a</span></a> or <a href="{wrapped}">this one</a>'
            ' by <a href="/people/x">@x</a></p>'
        )
        assert content.text == "see https://example.org/a?b=%20c or this one by @x"
        assert content.links == ["https://example.org/a?b=%20c"]

    def test_images_in_full_size(self) -> None:
        source = '<img src="data:image/svg" data-original="https://p/r.jpg"><p>x</p>'
        assert read(source).images == ["https://p/r.jpg"]

    @pytest.mark.parametrize(
        ("shown", "number"),
        [
            ("3861 万热度", 38_610_000),
            ("782万热度", 7_820_000),
            ("1.2 亿热度", 120_000_000),
            ("1.15 万", 11_500),
            ("1,234", 1234),
            (12, 12),
            ("-", None),
            (-1, None),
            (True, None),
            (None, None),
        ],
    )
    def test_counters(self, shown: Any, number: int | None) -> None:
        assert count(shown) == number

    def test_times(self) -> None:
        assert moment(0, None, str(NEWEST)) == ISO
        assert moment(NEWEST * 1000) == ISO
        assert moment(-62135596800, "x", True) is None

    @pytest.mark.parametrize(
        ("address", "thing"),
        [
            ("https://www.zhihu.com/question/1/answer/2", ("answer", "2")),
            (f"{API}/answers/2", ("answer", "2")),
            ("zhihu://questions/1", ("question", "1")),
            ("https://zhuanlan.zhihu.com/p/3", ("article", "3")),
            ("https://api.zhihu.com/articles/3", ("article", "3")),
            ("https://www.zhihu.com/pin/4?x=/question/9", ("pin", "4")),
            ("https://www.zhihu.com/people/5", None),
        ],
    )
    def test_addresses(self, address: str, thing: tuple[str, str] | None) -> None:
        assert thing_at(address) == thing

    def test_broken_links(self) -> None:
        assert outside_link("http://[") == "http://["
        assert outside_link("//example.org/x") == "https://example.org/x"


_KEYS = [
    *("id", "type", "data", "paging", "next", "is_end", "error", "code", "message", "object"),
    *("target", "title", "content", "author", "member", "question", "created_time", "verb"),
    *("voteup_count", "detail_text", "card_id", "link", "url", "title_area", "text", "topics"),
    *("initialState", "entities", "answers", "stories"),
]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(ANY_JSON, st.sampled_from(["api", "page"]), st.sampled_from([None, 200, 403]))
def test_whatever_a_server_sends_is_a_page(value: Any, form: str, status: int | None) -> None:
    text = json.dumps(value)
    if form == "page":
        state = value if isinstance(value, dict) else {"entities": value}
        text = page_of(state)
    for url in (None, "https://www.zhihu.com/people/x/answers", f"{API}/topstory/hot-lists/total"):
        page = parse_page(text, url=url, status=status)
        for record in page.records:
            assert isinstance(record["id"], str)
            assert isinstance(record["text"], str)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, '{"data": ["\ud800"]}', "\x00"])
def test_hostile_texts(text: str) -> None:
    assert parse_page(text).outcome != "ok" or not parse_page(text).records
