"""Answers that are no content: refusals of the API, challenges, sign-in pages, missing pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from selectolax.lexbor import LexborHTMLParser

from hotstream_reactive.fetch import challenge
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.values import identifier, text_of
from hotstream_reactive.platforms.zhihu.links import path_of, query_of

#: The page kind of everything in this module.
PAGE_KIND = "failure"

_CODES: Mapping[str, PageOutcome] = {
    "100": PageOutcome.BLOCKED,
    "101": PageOutcome.LOGIN_REQUIRED,
    "401": PageOutcome.LOGIN_REQUIRED,
    "404": PageOutcome.NOT_FOUND,
    "410": PageOutcome.NOT_FOUND,
    "429": PageOutcome.RATE_LIMITED,
    "10001": PageOutcome.BLOCKED,
    "10003": PageOutcome.BLOCKED,
    "40352": PageOutcome.BLOCKED,
    "40353": PageOutcome.LOGIN_REQUIRED,
    "40362": PageOutcome.BLOCKED,
}
_STATUSES: Mapping[int, PageOutcome] = {
    401: PageOutcome.LOGIN_REQUIRED,
    403: PageOutcome.BLOCKED,
    404: PageOutcome.NOT_FOUND,
    410: PageOutcome.NOT_FOUND,
    429: PageOutcome.RATE_LIMITED,
    451: PageOutcome.BLOCKED,
}
_NAMES = (
    ("NOT_LOGIN", PageOutcome.LOGIN_REQUIRED),
    ("TICKET_NOT_EXIST", PageOutcome.LOGIN_REQUIRED),
    ("NOTFOUND", PageOutcome.NOT_FOUND),
)
_SIGN_IN_TITLE = "知乎 - 有问题，就会有答案"
_SIGN_IN = ".SignFlow, .SignContainer-content, .signQr-container, form.Login-content"
_HUMAN_CHECK = ".Unhuman, .UnhumanPage, .Captcha-container, #unhuman"
_SAYS = {
    PageOutcome.CHALLENGE: "Zhihu checks the browser with a script (zse-ck)",
    PageOutcome.LOGIN_REQUIRED: "Zhihu asks to sign in",
}


class Wall(NamedTuple):
    """What stands in the way, why in one word, and in a sentence."""

    outcome: PageOutcome
    kind: str
    message: str


def page(wall: Wall, info: Mapping[str, Any]) -> ParsedPage:
    """The wall as a page; another session may do better where it is one of access."""
    return ParsedPage(
        outcome=wall.outcome,
        page_kind=PAGE_KIND,
        failure_kind=wall.kind,
        message=wall.message,
        retry_elsewhere=wall.outcome not in (PageOutcome.NOT_FOUND, PageOutcome.ERROR),
        info=dict(info),
    )


def told_by_api(payload: Mapping[str, Any], status: int | None) -> Wall | None:
    """What an answer of the API says went wrong; None when it is content."""
    error = payload.get("error")
    if isinstance(error, str) and error:
        error = {"message": error, **payload}
    elif not isinstance(error, dict):
        has_content = payload.get("data") is not None or "id" in payload
        if has_content or not ({"code", "message"} & payload.keys()):
            return None
        error = payload
    code = identifier(error.get("code"))
    name, message = text_of(error.get("name")), text_of(error.get("message"))
    outcome = _outcome(code, name, message, status, error)
    kind = f"zhihu_{code}" if code else (name or f"http_{status}" if status else "platform_error")
    return Wall(outcome, kind, message or name or f"Zhihu answers with code {code}")


def _outcome(
    code: str | None, name: str, message: str, status: int | None, error: Mapping[str, Any]
) -> PageOutcome:
    said = f"{name} {message}".upper()
    for mark, outcome in _NAMES:
        if mark in said:
            return outcome
    if code is not None and code in _CODES:
        return _CODES[code]
    if error.get("need_login") is True or "/signin" in text_of(error.get("redirect")):
        return PageOutcome.LOGIN_REQUIRED
    if code is not None and len(code) > 3 and code.startswith(("404", "410")):
        return PageOutcome.NOT_FOUND
    return _STATUSES.get(status or 0, PageOutcome.ERROR)


def redirected(url: str | None) -> Wall | None:
    """What the address says at which a page arrived."""
    path = path_of(url)
    if path.startswith(("/signin", "/signup")):
        return Wall(PageOutcome.LOGIN_REQUIRED, "zhihu_signin", _SAYS[PageOutcome.LOGIN_REQUIRED])
    if not path.startswith("/account/unhuman"):
        return None
    if query_of(url).get("need_login", "").lower() == "true":
        return Wall(
            PageOutcome.LOGIN_REQUIRED,
            "zhihu_unhuman",
            "Zhihu asks for a human check and to sign in (/account/unhuman)",
        )
    return Wall(
        PageOutcome.CHALLENGE, "zhihu_unhuman", "Zhihu asks for a human check (/account/unhuman)"
    )


def script_challenge(tree: LexborHTMLParser) -> Wall | None:
    """The page whose script sets the cookie ``__zse_ck``; its marks survive a wrong charset."""
    if tree.css_first('meta#zh-zse-ck, script[src*="/zse-ck/"]') is None:
        return None
    return Wall(PageOutcome.CHALLENGE, "zhihu_zse_ck", _SAYS[PageOutcome.CHALLENGE])


def shown_instead(
    tree: LexborHTMLParser,
    text: str,
    *,
    status: int | None,
    content_type: str | None,
    headers: Mapping[str, str],
) -> Wall | None:
    """What a page without content is; None when nothing known is wrong with it."""
    title = challenge.title_of(tree)
    if tree.css_first(_HUMAN_CHECK) is not None or title.startswith("安全验证"):
        return Wall(PageOutcome.CHALLENGE, "zhihu_unhuman", "Zhihu asks for a human check")
    if tree.css_first(_SIGN_IN) is not None or _is_sign_in_title(title):
        return Wall(PageOutcome.LOGIN_REQUIRED, "zhihu_signin", _SAYS[PageOutcome.LOGIN_REQUIRED])
    if title.startswith("404") or tree.css_first(".ErrorPage, .NotFoundPage") is not None:
        return Wall(PageOutcome.NOT_FOUND, "not_found", f"Zhihu has no such page ({title})")
    verdict = challenge.classify(
        text, status=status, content_type=content_type, headers=headers, tree=tree
    )
    return Wall(*verdict) if verdict else None


def _is_sign_in_title(title: str) -> bool:
    if title == _SIGN_IN_TITLE:
        return True
    try:  # stored with a wrong character set
        return title.encode("latin-1").decode("utf-8") == _SIGN_IN_TITLE
    except UnicodeError:
        return False
