"""Telling walls from content."""

from __future__ import annotations

import pytest

from hotstream_reactive.fetch.challenge import classify
from hotstream_reactive.model.page import PageOutcome


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Just a moment...", "cloudflare"),
        ("Attention Required! | Cloudflare", "cloudflare_block"),
        ("Making sure you're not a bot!", "anubis"),
        ("Making sure you&#39;re not a bot!", "anubis"),
        ("Verifying your browser | Nitter", "verifying_browser_pow"),
        ("XC | Verifying your request", "verifying_browser_pow"),
        ("DDoS-Guard", "ddos_guard"),
        ("Checking your browser before accessing x", "bot_wall"),
        ("Sign in", "login_wall"),
        ("Login - Example", "login_wall"),
        ("502 Bad Gateway", "http_502"),
        ("504 Gateway Time-out", "http_504"),
        ("503 - Service Unavailable", "http_503"),
        ("429 Too Many Requests", "http_429"),
        ("403 Forbidden", "http_403"),
        ("404 Not Found", "http_404"),
        ("Not Found – Example", "http_404"),
        ("nitter.example | 521: Web server is down", "http_521"),
    ],
)
def test_titles(title, kind):
    verdict = classify(f"<html><head><title> {title}\n</title></head><body>x</body></html>")
    assert verdict is not None
    assert verdict.failure_kind == kind


@pytest.mark.parametrize(
    ("markup", "kind"),
    [
        ('<script id="anubis_challenge">{}</script>', "anubis"),
        ('<link rel="stylesheet" href="/.within.website/x/xess.css">', "anubis"),
        ('<html data-adblockkey="k"><body></body></html>', "parked_domain"),
        ("<script>window.park = 'x'</script>", "parked_domain"),
        ("<script>window.authentik = {}</script>", "login_wall"),
        ('<form><input type="password"></form>', "login_wall"),
        ('<div class="h-captcha"></div>', "captcha"),
    ],
)
def test_marks(markup, kind):
    verdict = classify(markup)
    assert verdict is not None
    assert verdict.failure_kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "<h1>Just a moment...</h1>",
        "<title>Just a moment of peace in the garden</title>",
        "<p>window.park = and window.authentik</p>",
        "<p>my friend Anubis: Making sure you're not a bot!</p>",
        '<script src="/cdn-cgi/challenge-platform/x.js"></script><article>A story</article>',
        "<title>Signs of spring</title>",
        "<title>404 days of summer</title><p>x</p>",
        "<title>500 tips for gardeners</title><p>x</p>",
        "<title>Not found in any book</title><p>x</p>",
    ],
)
def test_ordinary_pages(text):
    assert classify(text, status=200, content_type="text/html", expected="html") is None


def test_headers_and_status():
    challenged = classify("<p>x</p>", status=200, headers={"cf-mitigated": "challenge"})
    assert challenged is not None
    assert challenged.outcome is PageOutcome.CHALLENGE
    for status, outcome in (
        (401, PageOutcome.LOGIN_REQUIRED),
        (403, PageOutcome.BLOCKED),
        (404, PageOutcome.NOT_FOUND),
        (429, PageOutcome.RATE_LIMITED),
        (500, PageOutcome.ERROR),
        (418, PageOutcome.ERROR),
    ):
        verdict = classify("<p>x</p>", status=status)
        assert verdict is not None
        assert verdict.outcome is outcome
        assert verdict.failure_kind == f"http_{status}"


@pytest.mark.parametrize(
    ("expected", "content_type", "wrong"),
    [
        ("json", "text/html", True),
        ("json", "application/json; charset=utf-8", False),
        ("json", "application/problem+json", False),
        ("xml", "application/rss+xml", False),
        ("xml", "text/html", True),
        ("html", "text/html", False),
        ("html", "image/png", True),
        ("html", "", False),
    ],
)
def test_types(expected, content_type, wrong):
    verdict = classify("some body", content_type=content_type, expected=expected)
    assert (verdict is not None) is wrong


@pytest.mark.parametrize("text", ["", " \n", "<!-- only a comment -->", "\x00"[:0]])
def test_emptiness(text):
    verdict = classify(text, status=200)
    assert verdict is not None
    assert verdict.failure_kind == "empty_body"
