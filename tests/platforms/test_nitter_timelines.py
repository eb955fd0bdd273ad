"""Lists of posts: what belongs to them, threads, conversations, paging."""

from __future__ import annotations

import pytest

from hotstream_reactive.platforms.twitter import parse_page
from tests.site.markup import item, timeline


def test_what_is_no_post_is_left_out() -> None:
    page = timeline(
        '<div class="timeline-item show-more"><a href="/ada">Load newest</a></div>',
        '<div class="timeline-item thread more-replies-thread"><a>more replies</a></div>',
        '<div class="timeline-item more-replies earlier-replies"><a>earlier</a></div>',
        '<div class="unavailable timeline-item"><a class="unavailable-box" '
        'href="/eve/status/77#m">This tweet is unavailable</a></div>',
        '<div class="threadunavailable timeline-item"><a class="unavailable-box">Gone</a></div>',
        '<div class="timeline-item"><a class="tweet-link" href="/bob"></a>'
        '<div class="tweet-body profile-result">bob</div></div>',
        '<div class="timeline-item list-result"><a class="tweet-link" href="/i/lists/3"></a></div>',
        item(number=5),
        '<div class="show-more">'
        '<a href="?f=tweets&amp;until=2025-01-01&amp;cursor=maxid:4">Load more</a></div>',
    )
    parsed = parse_page(page)
    assert [record["id"] for record in parsed.records] == ["5"]
    assert parsed.info["other_results"] == 2
    assert parsed.info["unavailable"] == [
        {"reason": "This tweet is unavailable", "id": "77"},
        {"reason": "Gone"},
    ]
    assert parsed.next_cursor == "?f=tweets&until=2025-01-01&cursor=maxid:4"


@pytest.mark.parametrize(
    "href",
    ["/elsewhere?cursor=1", "https://evil.example/?cursor=1", "?f=tweets", "", "//x?cursor=1"],
)
def test_a_next_page_is_a_query_with_a_cursor(href: str) -> None:
    page = timeline(item(), f'<div class="show-more"><a href="{href}">More</a></div>')
    assert parse_page(page).next_cursor is None


def test_threads_are_marked() -> None:
    page = timeline(
        item(number=9),
        f'<div class="thread-line">{item(number=3)}{item(number=8, css="thread-last")}</div>',
    )
    assert [record.get("thread") for record in parse_page(page).records] == [
        None,
        {"position": 1, "size": 2},
        {"position": 2, "size": 2},
    ]


def test_a_conversation() -> None:
    page = (
        '<div class="conversation"><div class="main-thread"><div class="before-tweet thread-line">'
        f'{item(number=1)}</div><div class="main-tweet" id="m">{item(number=2, link=False)}</div>'
        f'<div class="after-tweet thread-line">{item(number=3)}</div></div>'
        f'<div class="replies" id="r"><div class="reply thread thread-line">{item(number=4)}</div>'
        '<div class="show-more"><a href="?cursor=abc#r">Load more</a></div></div></div>'
    )
    parsed = parse_page(page)
    assert parsed.page_kind == "conversation"
    assert [record["id"] for record in parsed.records] == ["1", "2", "3", "4"]
    assert parsed.next_cursor == "?cursor=abc#r"
