"""Tell pages that are not what was asked for: challenges, walls, parked domains, empty answers.

Every mark is looked for in its place (a title, a script, an attribute), never anywhere in the
text: people write about captchas too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from selectolax.lexbor import LexborHTMLParser

from hotstream_reactive.model.page import PageOutcome


class Verdict(NamedTuple):
    """What the page is instead of content, a short machine-readable reason, and a sentence."""

    outcome: PageOutcome
    failure_kind: str
    message: str


_CLOUDFLARE = Verdict(PageOutcome.CHALLENGE, "cloudflare", "Cloudflare asks for a challenge")
_CLOUDFLARE_BLOCK = Verdict(PageOutcome.BLOCKED, "cloudflare_block", "Cloudflare refuses access")
_CLOUDFLARE_LIMIT = Verdict(
    PageOutcome.RATE_LIMITED, "cloudflare_rate_limit", "Cloudflare limits this client (error 1015)"
)
_ANUBIS = Verdict(PageOutcome.CHALLENGE, "anubis", "Anubis asks for a proof of work")
_VERIFYING = Verdict(
    PageOutcome.CHALLENGE,
    "verifying_browser_pow",
    "the site verifies the browser with a script and a cookie",
)
_DDOS_GUARD = Verdict(PageOutcome.CHALLENGE, "ddos_guard", "DDoS-Guard checks the browser")
_BOT_WALL = Verdict(PageOutcome.CHALLENGE, "bot_wall", "a bot wall checks the browser")
_CAPTCHA = Verdict(PageOutcome.CHALLENGE, "captcha", "the site asks for a captcha")
_PARKED = Verdict(PageOutcome.NOT_INSTANCE, "parked_domain", "the domain is parked")
_LOGIN = Verdict(PageOutcome.LOGIN_REQUIRED, "login_wall", "the site asks to sign in")
_EMPTY = Verdict(
    PageOutcome.BLOCKED, "empty_body", "an empty answer: the site silently refuses this client"
)

_TITLES: tuple[tuple[re.Pattern[str], Verdict], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), verdict)
    for pattern, verdict in (
        (r"just a moment\W*", _CLOUDFLARE),
        (r"attention required! \| cloudflare", _CLOUDFLARE_BLOCK),
        (r"access denied \|.*cloudflare.*", _CLOUDFLARE_BLOCK),
        (r"making sure you.?re not a bot\W*", _ANUBIS),
        (r"(.* \| )?verifying your (browser|request)\b.*", _VERIFYING),
        (r"ddos-guard.*", _DDOS_GUARD),
        (r"(checking|validating) (your browser|you are not a bot)\b.*", _BOT_WALL),
        (r"(.*\b)?(are you (a )?human|robot or human|human verification)\b.*", _CAPTCHA),
        (r"(sign|log) ?in(to)?(\b.*)?", _LOGIN),
        (r"(.* )?authentication", _LOGIN),
    )
)
# In the text of scripts only.
_SCRIPTS: tuple[tuple[re.Pattern[str], Verdict], ...] = (
    (re.compile(r"\bwindow\.park\b"), _PARKED),
    (re.compile(r"\bwindow\.authentik\b"), _LOGIN),
    (re.compile(r"\bwindow\._cf_chl_opt\b"), _CLOUDFLARE),
)
_SELECTORS: tuple[tuple[str, Verdict], ...] = (
    ("script#anubis_challenge, [src^='/.within.website/'], [href^='/.within.website/']", _ANUBIS),
    ("html[data-adblockkey]", _PARKED),
    (".g-recaptcha, .h-captcha, .cf-turnstile", _CAPTCHA),
    ("input[type=password]", _LOGIN),
)
#: Titles of error pages that servers and their front ends write by themselves.
_SERVERS_WORDS = re.compile(
    r"[\w.-]+ \| (?P<edge>5\d\d): .{3,60}"
    r"|(?P<status>[45]\d\d)\W{1,3}(?:bad request|unauthorized|forbidden|not found|gone"
    r"|too many requests|internal server error|bad gateway|service (?:temporarily )?unavailable"
    r"|gateway time-?out)"
    r"|(?:page )?not found(?: [-–|] .{1,40})?",
    re.IGNORECASE,
)
_ERROR_1015 = re.compile(r"\berror(\s+code:)?\s*1015\b", re.IGNORECASE)
_SHORT_PAGE_CHARS = 4_000
_EXPECTED_TYPES = {"html": ("html", "text/plain"), "xml": ("xml", "rss"), "json": ("json",)}


def title_of(tree: LexborHTMLParser) -> str:
    """The page's title with white space run together; empty when it has none."""
    node = tree.css_first("title")
    return " ".join(node.text().split()) if node is not None else ""


def classify(
    text: str,
    *,
    status: int | None = None,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
    expected: Literal["html", "xml", "json"] | None = None,
    tree: LexborHTMLParser | None = None,
) -> Verdict | None:
    """Say what is wrong with an answer that is not the content asked for.

    Call it for answers in which the content was not found: it judges by the marks of known walls
    first and by the HTTP status last.

    Args:
        text: the decoded body.
        status, content_type, headers: of the response, as far as known; header names in lower case.
        expected: the kind of content that was asked for, when a wrong type is a refusal.
        tree: the parsed body, when the caller has it already.

    Returns:
        None when nothing known is wrong with it.
    """
    if (headers or {}).get("cf-mitigated", "").strip().lower() == "challenge":
        return _CLOUDFLARE
    if not text.strip():
        return _by_status(status) or _EMPTY
    if tree is None:
        tree = LexborHTMLParser(text)
    return (
        _by_marks(tree)
        or _by_short_text(tree)
        or _by_type(content_type, expected)
        or _by_status(status)
        or _by_servers_words(title_of(tree))
        or (_EMPTY if _is_bare(tree) else None)
    )


def _by_marks(tree: LexborHTMLParser) -> Verdict | None:
    title = title_of(tree)
    if title:
        for pattern, verdict in _TITLES:
            if pattern.fullmatch(title):
                return verdict
    for selector, verdict in _SELECTORS:
        if tree.css_first(selector) is not None:
            return verdict
    for script in tree.css("script"):
        content = script.text()
        for pattern, verdict in _SCRIPTS:
            if pattern.search(content):
                return verdict
    return None


def _by_short_text(tree: LexborHTMLParser) -> Verdict | None:
    words = tree.body.text() if tree.body is not None else ""
    if len(words) <= _SHORT_PAGE_CHARS and _ERROR_1015.search(words):
        return _CLOUDFLARE_LIMIT
    return None


def _by_type(
    content_type: str | None, expected: Literal["html", "xml", "json"] | None
) -> Verdict | None:
    if not content_type or expected is None:
        return None
    kind = content_type.split(";", 1)[0].strip().lower()
    if any(part in kind for part in _EXPECTED_TYPES[expected]):
        return None
    return Verdict(
        PageOutcome.BLOCKED, "wrong_content_type", f"the answer is {kind}, not {expected}"
    )


def _by_status(status: int | None) -> Verdict | None:
    if status is None or status < 400:
        return None
    if status == 429:
        return Verdict(PageOutcome.RATE_LIMITED, "http_429", "HTTP 429: too many requests")
    if status in (401, 407):
        return Verdict(PageOutcome.LOGIN_REQUIRED, f"http_{status}", f"HTTP {status}: sign in")
    if status in (403, 451):
        return Verdict(PageOutcome.BLOCKED, f"http_{status}", f"HTTP {status}: refused")
    if status in (404, 410):
        return Verdict(PageOutcome.NOT_FOUND, f"http_{status}", f"HTTP {status}: not found")
    return Verdict(PageOutcome.ERROR, f"http_{status}", f"HTTP {status}")


def _by_servers_words(title: str) -> Verdict | None:
    """What a title such as ``502 Bad Gateway`` says, where the status itself is not known."""
    found = _SERVERS_WORDS.fullmatch(title)
    return _by_status(int(found["edge"] or found["status"] or 404)) if found else None


def _is_bare(tree: LexborHTMLParser) -> bool:
    """Whether nothing is left of the page without its comments."""
    head, body = tree.head, tree.body
    return not (
        (body is not None and (body.css_first("*:not(body)") is not None or body.text().strip()))
        or (head is not None and head.css_first("*:not(head)") is not None)
    )
