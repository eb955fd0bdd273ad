"""Posts, read from pages written for these tests."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from hotstream_reactive.extractors.twitter import TwitterExtractor
from hotstream_reactive.model.page import PageOutcome
from hotstream_reactive.platforms.twitter import parse_page
from tests.site.markup import item


def only(page: str) -> dict[str, Any]:
    parsed = parse_page(page)
    assert parsed.outcome is PageOutcome.OK
    (record,) = parsed.records
    return record


async def metadata_of(page: str) -> dict[str, Any]:
    return (await TwitterExtractor().extract(only(page))).metadata


def test_the_plain_parts_of_a_post() -> None:
    record = only(item('<div class="tweet-content media-body">Hello &amp; &lt;bye&gt;</div>'))
    assert record["id"] == "1"
    assert record["handle"] == "ada"
    assert record["author"] == "Ada L."
    assert record["text"] == "Hello & <bye>"
    assert record["created_at"] == "2025-01-01T00:00:00Z"
    assert record["url"] == "https://x.com/ada/status/1"
    assert not record["is_repost"]
    assert "likes" not in record


def test_text_keeps_lines_and_writes_links_out() -> None:
    content = (
        'One\n\n<a href="https://long.example/a/b/c?d=e&amp;f=g">long.example/a/b/…</a> '
        '<a href="/search?q=%23Tag%C3%A9">#Tagé</a> <a href="/bob">@bob</a> '
        '<a href="/search?q=%24XYZ">$XYZ</a>\nend'
    )
    record = only(item(f'<div class="tweet-content">{content}</div>'))
    assert record["text"] == ("One\n\nhttps://long.example/a/b/c?d=e&f=g #Tagé @bob $XYZ\nend")
    assert record["links"] == ["https://long.example/a/b/c?d=e&f=g"]
    assert record["hashtags"] == ["Tagé"]


def test_links_of_the_instance_itself_lead_to_twitter() -> None:
    page = item(
        '<div class="tweet-content"><a href="http://inst.example/i/spaces/1">inst.example/i…</a>'
        '<a href="/eve/status/7#m">x.com/eve…</a></div>'
    )
    parsed = parse_page(page, url="http://inst.example/ada")
    assert parsed.records[0]["links"] == [
        "https://x.com/i/spaces/1",
        "https://x.com/eve/status/7",
    ]


def test_counters_are_told_apart_by_icon() -> None:
    def stat(icon: str, value: str) -> str:
        return (
            '<span class="tweet-stat"><div class="icon-container">'
            f'<span class="icon-{icon}"></span> {value}</div></span>'
        )

    row = "".join(
        stat(icon, value)
        for icon, value in (
            ("views", "1,234,567"),
            ("heart", "2,395"),
            ("comment", ""),
            ("quote", "7"),
            ("retweet", "0"),
            ("play", "GIF"),
        )
    )
    record = only(item(f'<div class="tweet-stats">{row}</div>'))
    assert record["views"] == 1_234_567
    assert record["likes"] == 2395
    assert record["replies"] == 0
    assert record["quotes"] == 7
    assert record["reposts"] == 0
    assert "video_views" not in record
    unknown = only(item(f'<div class="tweet-stats">{stat("views", "")}</div>'))
    assert "views" not in unknown


def test_the_parts_of_a_quote_stay_its_own() -> None:
    quote = (
        '<div class="quote quote-big"><a class="quote-link" href="/bob/status/22#m"></a>'
        '<div class="tweet-name-row"><a class="fullname" title="Bob">Bob</a>'
        '<a class="username" title="@bob">@bob</a><span class="tweet-date">'
        '<a href="/bob/status/22#m" title="27/4/2019, 05:45:08">x</a></span></div>'
        '<div class="replying-to">Replying to <a href="/eve">@eve</a></div>'
        '<div class="quote-text">Said <b>I</b></div><div class="quote-media-container">'
        '<div class="attachments"><div class="attachment"><a class="still-image" '
        'href="/pic/orig/media%2FQ.jpg"><img src="x"></a></div></div></div></div>'
    )
    record = only(item(f'<div class="tweet-content">Mine</div>{quote}'))
    assert record["id"] == "1"
    assert record["author"] == "Ada L."
    assert record["text"] == "Mine"
    assert "media" not in record
    assert "reply_to" not in record
    assert record["quote"]["id"] == "22"
    assert record["quote"]["handle"] == "bob"
    assert record["quote"]["author"] == "Bob"
    assert record["quote"]["text"] == "Said I"
    assert record["quote"]["created_at"] == "2019-04-27T05:45:08Z"
    assert record["quote"]["media"][0]["url"] == "https://pbs.twimg.com/media/Q.jpg?name=orig"


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<div>gone</div>", {"unavailable": True}),
        (
            '<a class="unavailable-quote" href="/bob/status/9">This tweet is unavailable</a>',
            {
                "unavailable": True,
                "id": "9",
                "handle": "bob",
                "reason": "This tweet is unavailable",
            },
        ),
        (
            '<a class="unavailable-quote" href="/i/status/9">withheld</a>',
            {"unavailable": True, "id": "9", "reason": "withheld"},
        ),
    ],
)
def test_unavailable_quotes(markup: str, expected: dict[str, Any]) -> None:
    assert only(item(f'<div class="quote unavailable">{markup}</div>'))["quote"] == expected


@pytest.mark.anyio
async def test_media_of_all_kinds() -> None:
    secret = base64.urlsafe_b64encode(b"media/S.png").decode()
    attachments = f"""<div class="attachments"><div class="gallery-row mixed-row">
    <div class="attachment"><a class="still-image" href="/pic/orig/enc/{secret}">
      <img src="/pic/x" alt="a cat"></a><p class="alt-text">ALT  a cat</p></div>
    <div class="attachment image"><a class="still-image"
      href="/pic/media%2FOld.jpg%3Fname%3Dsmall%26format%3Dwebp"><img></a></div>
    <div class="attachment"><video poster="/pic/ext_tw_video_thumb%2F1.jpg"
      data-url="/video/AB12/https%3A%2F%2Fvideo.twimg.com%2Fv%2Fpl.m3u8%3Ftag%3D1"></video></div>
    <div class="attachment"><img src="/pic/ext_tw_video_thumb%2F2.jpg">
      <div class="video-overlay"><form action="/enablehls"></form></div></div>
    <div class="attachment"><img src="/pic/tweet_video_thumb%2F3.jpg">
      <div class="video-overlay"><form action="/enablemp4"></form></div></div>
    <div class="attachment"><video class="gif"><source
      src="/pic/video.twimg.com%2Ftweet_video%2F4.mp4"></video></div></div></div>"""
    metadata = await metadata_of(item(attachments))
    assert metadata["media"] == {"photos": 2, "videos": 2, "gifs": 2}
    assert metadata["media_urls"] == [
        "https://pbs.twimg.com/media/S.png?name=orig",
        "https://pbs.twimg.com/media/Old.jpg?name=orig",
        "https://video.twimg.com/v/pl.m3u8?tag=1",
        "https://video.twimg.com/tweet_video/4.mp4",
    ]
    assert only(item(attachments))["media"][0]["alt"] == "a cat"


@pytest.mark.parametrize(
    "address",
    ["/pic/http%3A%2F%2F169.254.169.254%2Fx", "/pic/enc/%%%", "/video/AA/file%3A%2F%2F%2Fetc", ""],
)
def test_media_from_elsewhere_has_no_address(address: str) -> None:
    record = only(
        item(
            '<div class="attachments"><div class="attachment">'
            f'<a class="still-image" href="{address}"><img></a></div></div>'
        )
    )
    assert record["media"] == [{"kind": "photo"}]


@pytest.mark.anyio
async def test_cards_polls_and_notes() -> None:
    inner = (
        '<div class="card large"><a class="card-container" href="https://shop.example/x">'
        '<div class="card-content-container"><div class="card-content"><h2 class="card-title"></h2>'
        '<p class="card-description">D</p><span class="card-destination">shop.example</span>'
        "</div></div></a></div>"
        '<div class="poll"><div class="poll-meter"><span class="poll-choice-value">40%</span>'
        '<span class="poll-choice-option">No</span></div><div class="poll-meter leader">'
        '<span class="poll-choice-value"> 60%</span><span class="poll-choice-option">Yes</span>'
        '</div><span class="poll-info">1,234 votes • Final results</span></div>'
        '<div class="community-note"><div class="community-note-text">See <a '
        'href="https://facts.example/1">the facts</a></div></div>'
    )
    metadata = await metadata_of(item(inner))
    assert metadata["card"] == {
        "url": "https://shop.example/x",
        "title": "",
        "description": "D",
        "destination": "shop.example",
    }
    assert metadata["card_title"] == ""
    assert metadata["poll"] == {
        "options": [
            {"text": "No", "percent": 40},
            {"text": "Yes", "percent": 60, "leader": True},
        ],
        "votes": 1234,
        "status": "Final results",
    }
    assert metadata["community_note"] == "See the facts"


def test_an_article() -> None:
    record = only(
        item(
            '<div class="article-card card large"><a class="card-container" href="/i/article/5">'
            '<div class="card-content-container"><div class="card-content">'
            '<h2 class="card-title">T</h2></div></div></a></div>'
        )
    )
    assert record["card"] == {
        "url": "https://x.com/i/article/5",
        "title": "T",
        "kind": "article",
    }


@pytest.mark.parametrize(
    "card",
    [
        '<div class="article-card"><a href="/i/article/5"><h2 class="card-title">T</h2></a></div>',
        '<a class="article-card" href="/i/article/5"><h2 class="card-title">T</h2></a>',
    ],
)
def test_an_article_in_other_markup(card: str) -> None:
    assert only(item(card))["card"]["url"] == "https://x.com/i/article/5"


@pytest.mark.anyio
async def test_replies_reposts_and_pins() -> None:
    reply = await metadata_of(
        item('<div class="replying-to">Replying to <a>@bob</a> <a>@eve</a></div>')
    )
    assert reply["is_reply"]
    assert reply["reply_to"] == ["bob", "eve"]
    repost = await metadata_of(
        item('<div class="retweet-header"><span> Bob retweeted\n retweeted</span></div>')
    )
    assert repost["is_repost"]
    assert repost["reposted_by"] == "Bob retweeted"
    assert (await metadata_of(item('<div class="pinned">Pinned Tweet</div>')))["is_pinned"]
