"""RSS feeds of instances, old and new."""

from __future__ import annotations

from typing import Any

import pytest

from hotstream_reactive.model.page import PageOutcome
from hotstream_reactive.platforms.twitter import parse_page

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><rss xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'version="2.0"><channel><title>{title}</title><link>{link}</link>'
)


def feed(*items: str, title: str = "Ada / @ada", link: str = "http://i.example/ada") -> str:
    return HEAD.format(title=title, link=link) + "".join(items) + "</channel></rss>"


def entry(
    description: str,
    *,
    title: str = "t",
    guid: str = "123456789012345678",
    creator: str = "@ada",
    link: str = "http://i.example/ada/status/123456789012345678#m",
) -> str:
    return (
        f"<item><title>{title}</title><dc:creator>{creator}</dc:creator>"
        f"<description><![CDATA[{description}]]></description>"
        "<pubDate>Tue, 13 Jul 2021 20:29:39 GMT</pubDate>"
        f"<guid>{guid}</guid><link>{link}</link></item>"
    )


def only(page: str) -> dict[str, Any]:
    (record,) = parse_page(page).records
    return record


def test_an_entry() -> None:
    record = only(
        feed(entry('<p>One<br>\nTwo &amp; <a href="https://e.example/long">e.exa…</a></p>'))
    )
    assert record["id"] == "123456789012345678"
    assert record["handle"] == "ada"
    assert record["text"] == "One\nTwo & https://e.example/long"
    assert record["created_at"] == "2021-07-13T20:29:39Z"
    assert record["url"] == "https://x.com/ada/status/123456789012345678"
    assert "likes" not in record


def test_an_old_entry_is_known_by_its_link() -> None:
    record = only(feed(entry("<p>x</p>", guid="https://other.example/ada/status/55#m", link="")))
    assert record["id"] == "55"


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("RT by @bob: Hello", {"is_repost": True, "reposted_by": "bob", "is_pinned": False}),
        ("R to @bob: Hello", {"is_repost": False, "reply_to": ["bob"]}),
        ("Pinned: Hello", {"is_pinned": True, "is_repost": False}),
        ("Hello", {"is_pinned": False, "is_repost": False}),
        ("Pinned down: Hello", {"is_pinned": False}),
    ],
)
def test_prefixes(title: str, expected: dict[str, Any]) -> None:
    record = only(feed(entry("<p>Hello</p>", title=title)))
    assert expected.items() <= record.items()
    assert record["text"] == "Hello"


def test_media_cards_polls_and_quotes() -> None:
    record = only(
        feed(
            entry(
                '<p>Look</p><img src="http://i.example/pic/media%2FA.jpg" />'
                '<a href="http://i.example/ada/status/1#m"><br>Video<br>'
                '<img src="http://i.example/pic/ext_tw_video_thumb%2F2.jpg" /></a>'
                '<video poster="http://i.example/pic/tweet_video_thumb%2F3.jpg"><source '
                'src="http://i.example/pic/video.twimg.com%2Ftweet_video%2F3.mp4"></video>'
                '<hr/><b>Link</b><br><a href="https://shop.example"><b>Shop</b></a>'
                "<p>All sorts</p><small><a>shop.example</a></small>"
                "<hr/><b>Poll</b><p>40% — No<br>60% — Yes<br><i>1,234 votes • Final</i></p>"
                "<hr/><blockquote><b>Bob (B.) (@bob)</b><p>\n<p>Said</p>\n</p>"
                '<footer>— <cite><a href="http://i.example/bob/status/9#m">x</a></footer>'
                "</blockquote>"
            )
        )
    )
    assert record["text"] == "Look"
    assert [one["kind"] for one in record["media"]] == ["photo", "video", "gif"]
    assert record["media"][0]["url"] == "https://pbs.twimg.com/media/A.jpg?name=orig"
    assert record["media"][2]["url"] == "https://video.twimg.com/tweet_video/3.mp4"
    assert record["card"] == {
        "url": "https://shop.example",
        "title": "Shop",
        "description": "All sorts",
        "destination": "shop.example",
    }
    assert record["poll"]["votes"] == 1234
    assert record["poll"]["options"][1] == {"text": "Yes", "percent": 60}
    assert record["quote"] == {
        "handle": "bob",
        "author": "Bob (B.)",
        "id": "9",
        "url": "https://x.com/bob/status/9",
        "text": "Said",
    }


@pytest.mark.parametrize(
    ("title", "link", "kind"),
    [
        ("Ada / @ada", "http://i.example/ada", "user_rss"),
        ('Search results for "x"', "http://i.example/search", "search_rss"),
        ("List / @ada", "http://i.example/i/lists/9", "list_rss"),
    ],
)
def test_kinds(title: str, link: str, kind: str) -> None:
    assert parse_page(feed(entry("<p>x</p>"), title=title, link=link)).page_kind == kind


def test_the_header_continues_a_feed() -> None:
    parsed = parse_page(feed(entry("<p>x</p>")), headers={"Min-Id": "ABC="})
    assert parsed.next_cursor == "?cursor=ABC="
    assert parsed.info["profile"] == {"handle": "ada", "name": "Ada"}


def test_an_empty_feed() -> None:
    assert parse_page(feed()).outcome is PageOutcome.EMPTY


@pytest.mark.parametrize(
    "page", ["<?xml version='1.0'?><rss><channel>", "<rss>\x00\x01<", "<rss/>"]
)
def test_broken_feeds_are_no_feeds(page: str) -> None:
    assert parse_page(page).outcome is PageOutcome.NOT_INSTANCE
