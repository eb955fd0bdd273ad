"""Parsing of pages written for these tests."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from hotstream_reactive.extractors.twitter import TwitterExtractor
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.twitter import parse_page
from tests.site import nitter as pages

NAMES = (
    '<a class="fullname" href="/ada" title="Ada L.">Ada L.<span class="icon-ok"></span></a>'
    '<a class="username" href="/ada" title="@ada">@ada</a>'
)


def item(inner: str = "", *, number: int = 1, css: str = "", link: bool = True) -> str:
    href = f"/ada/status/{number}#m"
    anchor = f'<a class="tweet-link" href="{href}"></a>' if link else ""
    return (
        f'<div class="timeline-item {css}">{anchor}<div class="tweet-body">'
        f'<div><div class="tweet-header">{NAMES}<span class="tweet-date">'
        f'<a href="{href}" title="Jan 1, 2025 · 12:00 AM UTC">now</a></span></div></div>'
        f"{inner}</div></div>"
    )


def timeline(*items: str) -> str:
    return f'<div class="timeline">{"".join(items)}</div>'


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


def panel(text: str) -> ParsedPage:
    return parse_page(f'<title>Error | x</title><div class="error-panel"><span>{text}</span></div>')


@pytest.mark.parametrize(
    ("text", "outcome", "kind", "elsewhere"),
    [
        ('User "x" not found', PageOutcome.NOT_FOUND, "account_not_found", False),
        ('User "x" has been suspended', PageOutcome.ERROR, "account_suspended", False),
        ("Tweet not found", PageOutcome.NOT_FOUND, "tweet_not_found", False),
        ("Invalid tweet ID", PageOutcome.NOT_FOUND, "invalid_tweet_id", False),
        ("Page not found", PageOutcome.NOT_FOUND, "page_not_found", False),
        (
            "Instance has been rate limited.<br>Use <a>another</a>.",
            PageOutcome.RATE_LIMITED,
            "rate_limited",
            True,
        ),
        (
            "Instance has no auth tokens, or is fully rate limited.",
            PageOutcome.RATE_LIMITED,
            "rate_limited",
            True,
        ),
        ("An error occurred, please tell", PageOutcome.ERROR, "instance_error", True),
        (
            "Network error occurred, please try again.",
            PageOutcome.ERROR,
            "network_error",
            True,
        ),
        ("RSS feed is disabled", PageOutcome.ERROR, "rss_disabled", True),
        ("Search input too long.", PageOutcome.ERROR, "query_too_long", False),
        ("Something new", PageOutcome.ERROR, "error_panel", True),
    ],
)
def test_error_panels(text: str, outcome: PageOutcome, kind: str, elsewhere: bool) -> None:
    parsed = panel(text)
    assert (parsed.outcome, parsed.failure_kind, parsed.retry_elsewhere) == (
        outcome,
        kind,
        elsewhere,
    )


def test_the_message_of_a_panel_is_readable() -> None:
    assert panel("Limited.<br>Use <a>another</a>").message == "Limited. Use another"


PROFILE = (
    '<div class="profile-card"><a class="profile-card-fullname" title="Ada L."></a>'
    '<a class="profile-card-username" title="@ada"></a><ul class="profile-statlist">'
    '<li class="posts"><span class="profile-stat-num">{posts}</span></li></ul></div>'
)
NONE = '<div class="timeline"><h2 class="timeline-none">No items found</h2></div>'
END = (
    '<div class="timeline"><div class="timeline-item show-more"><a href="/ada">Newest</a></div>'
    '<h2 class="timeline-end">No more items</h2></div>'
)


@pytest.mark.parametrize(
    ("page", "outcome"),
    [
        (PROFILE.format(posts="1,200") + NONE, PageOutcome.EMPTY_SUSPECT),
        (PROFILE.format(posts="0") + NONE, PageOutcome.EMPTY),
        (PROFILE.format(posts="1,200") + END, PageOutcome.EMPTY),
        (
            PROFILE.format(posts="1,200")
            + '<li class="tab-item active"><a href="/ada/media">Media</a></li>'
            + NONE,
            PageOutcome.EMPTY,
        ),
        (f"<title>Search (x) | nitter</title>{NONE}", PageOutcome.EMPTY),
        (timeline('<div class="timeline-item"><p>new markup</p></div>'), PageOutcome.EMPTY_SUSPECT),
    ],
)
def test_nothing_is_explained(page: str, outcome: PageOutcome) -> None:
    parsed = parse_page(page)
    assert parsed.outcome is outcome
    assert parsed.retry_elsewhere is (outcome is PageOutcome.EMPTY_SUSPECT)
    assert parsed.message


def test_a_protected_account_keeps_its_profile() -> None:
    parsed = parse_page(
        PROFILE.format(posts="5")
        + '<div class="timeline-header timeline-protected">'
        + "<h2>This account's tweets are protected.</h2><p>Only followers.</p></div>"
    )
    assert parsed.outcome is PageOutcome.ERROR
    assert parsed.failure_kind == "account_protected"
    assert parsed.message == "This account's tweets are protected."
    assert parsed.info["profile"] == {"name": "Ada L.", "handle": "ada", "posts": 5}


@pytest.mark.parametrize(
    ("page", "status", "outcome", "kind"),
    [
        ("", None, PageOutcome.BLOCKED, "empty_body"),
        ("  \n", 200, PageOutcome.BLOCKED, "empty_body"),
        ("<!-- nothing -->", 200, PageOutcome.BLOCKED, "empty_body"),
        ("", 429, PageOutcome.RATE_LIMITED, "http_429"),
        ("", 503, PageOutcome.ERROR, "http_503"),
        (pages.VERIFYING, None, PageOutcome.CHALLENGE, "verifying_browser_pow"),
        (pages.ANUBIS, 401, PageOutcome.CHALLENGE, "anubis"),
        (pages.CLOUDFLARE, 403, PageOutcome.CHALLENGE, "cloudflare"),
        (pages.PARKED, None, PageOutcome.NOT_INSTANCE, "parked_domain"),
        (pages.LOGIN, None, PageOutcome.NOT_INSTANCE, "login_wall"),
        (pages.UNRELATED, None, PageOutcome.NOT_INSTANCE, "unrelated_page"),
        ("Closed since May. Thank you!", None, PageOutcome.NOT_INSTANCE, "unrelated_page"),
        ('{"error": 1}', 200, PageOutcome.NOT_INSTANCE, "unrelated_page"),
        (pages.PLACEHOLDER_FEED, None, PageOutcome.BLOCKED, "rss_not_whitelisted"),
        (
            "<p>Access denied. Error 1015</p>",
            429,
            PageOutcome.RATE_LIMITED,
            "cloudflare_rate_limit",
        ),
        ("<p>Forbidden</p>", 403, PageOutcome.BLOCKED, "http_403"),
        ("<p>Nothing here</p>", 404, PageOutcome.NOT_INSTANCE, "http_404"),
    ],
)
def test_pages_that_are_none_of_nitter(
    page: str, status: int | None, outcome: PageOutcome, kind: str
) -> None:
    parsed = parse_page(page, status=status)
    assert (parsed.outcome, parsed.failure_kind) == (outcome, kind)
    assert parsed.retry_elsewhere
    assert parsed.records == []


def test_posts_about_captchas_are_posts() -> None:
    words = "Just a moment... Verifying your browser window.park Error 1015 window.authentik"
    page = f"<title>{words} (@ada) | nitter</title>" + timeline(
        item(f'<div class="tweet-content">{words}</div>')
    )
    assert only(page)["text"] == words


@pytest.mark.anyio
@pytest.mark.parametrize("post_id", ["", "x1", "12a", 12, None, "١٢"])
async def test_an_item_needs_an_id(post_id: object) -> None:
    with pytest.raises(ValueError, match="status id"):
        await TwitterExtractor().extract({"id": post_id})


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://i.example/search?q=x", "search"),
        ("http://i.example/i/lists/4", "list_timeline"),
        ("http://i.example/ada", "user_timeline"),
    ],
)
def test_page_kinds(url: str, kind: str) -> None:
    assert parse_page(timeline(item()), url=url).page_kind == kind
