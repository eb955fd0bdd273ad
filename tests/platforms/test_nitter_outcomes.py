"""What a page means when it is no list of posts."""

from __future__ import annotations

import pytest

from hotstream_reactive.extractors.twitter import TwitterExtractor
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.twitter import parse_page
from tests.site import nitter as pages

POST = (
    '<div class="timeline"><div class="timeline-item"><a class="tweet-link" '
    'href="/ada/status/1#m"></a><div class="tweet-content">{text}</div></div></div>'
)


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
        (
            '<div class="timeline"><div class="timeline-item"><p>new markup</p></div></div>',
            PageOutcome.EMPTY_SUSPECT,
        ),
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
    page = f"<title>{words} (@ada) | nitter</title>" + POST.format(text=words)
    (record,) = parse_page(page).records
    assert record["text"] == words


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
    assert parse_page(POST.format(text="x"), url=url).page_kind == kind
