"""Recognise any answer or page of Juejin and read it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from hotstream_reactive.fetch import challenge
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.juejin import answers, records
from hotstream_reactive.platforms.plaintext import plain_text
from hotstream_reactive.platforms.values import (
    Record,
    count,
    identifier,
    known,
    line_of,
    mapping,
    moment,
    text_of,
)

_FAILURE = "failure"
_POST = re.compile(r"/(?:post|entry)/(\w{6,32})(?![\w])")
_USER = re.compile(r"/user/(\d{1,20})")
_BODIES = ("[itemprop=articleBody]", "#article-root", ".article-content", ".markdown-body")
_NO_BODY = "style, .copy-code-btn, .code-block-extension-header"
_TITLE_END = re.compile(r"\s+-\s+(?:稀土)?掘金$")
_HUMAN_CHECK = ("验证码", "安全验证", "人机验证")
_MISSING = ("404", "页面不存在", "文章不存在", "找不到页面")


def parse_page(
    text: str,
    *,
    url: str | None = None,
    status: int | None = None,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> ParsedPage:
    """Say what an answer of Juejin is and read what it holds.

    Args:
        text: the decoded body, as fetched or as saved: JSON of the API, or an article's page.
        url: the address it came from, where known; it tells which list it is.
        status: the HTTP status, where known.
        content_type: the Content-Type header, where known.
        headers: the response's headers in any case, where known.

    Returns:
        A page whose `records` are raw records in page order (see `records`), repetitions
        included, whose `next_cursor` is what leads on, as it came, and whose `info` may hold
        ``status``, ``err_no``, ``count``, ``has_more``, ``ads_skipped``, ``other_results``
        (accounts, tags and what else is no content), ``unique_count``, ``unreadable``,
        ``profile`` and ``title``. Never raises for what a server may send.
    """
    info: dict[str, Any] = {} if status is None else {"status": status}
    answer = _json(text)
    if answer is not None and ("err_no" in answer or "data" in answer):
        if status is not None and status >= 400 and not answer.get("data"):
            page = _by_status(text, status, content_type, headers, info)
            if page is not None:
                return page
        return answers.read(answer, url, info)
    tree = LexborHTMLParser(text)
    if title := challenge.title_of(tree):
        info["title"] = title
    record = None if status is not None and status >= 400 else _article(tree, url)
    if record is not None:
        return ParsedPage(outcome=PageOutcome.OK, page_kind="article", records=[record], info=info)
    return _failure(tree, text, title, status, content_type, headers, info)


def _json(text: str) -> dict[str, Any] | None:
    bare = text.lstrip("\ufeff \t\r\n")
    if not bare.startswith("{"):
        return None
    try:
        # Texts hold raw control characters now and then.
        return mapping(json.loads(bare, strict=False)) or None
    except (ValueError, RecursionError):
        return None


def _by_status(
    text: str,
    status: int,
    content_type: str | None,
    headers: Mapping[str, str] | None,
    info: dict[str, Any],
) -> ParsedPage | None:
    verdict = challenge.classify(
        text, status=status, content_type=content_type, headers=_lowered(headers)
    )
    return None if verdict is None else _no_content(verdict, info)


def _failure(
    tree: LexborHTMLParser,
    text: str,
    title: str,
    status: int | None,
    content_type: str | None,
    headers: Mapping[str, str] | None,
    info: dict[str, Any],
) -> ParsedPage:
    if any(mark in title for mark in _HUMAN_CHECK) or tree.css_first("#captcha_container"):
        verdict = challenge.Verdict(
            PageOutcome.CHALLENGE, "captcha", "Juejin asks for a human check"
        )
        return _no_content(verdict, info)
    if title.startswith(_MISSING) or tree.css_first(".not-found, .error-view .not-found"):
        verdict = challenge.Verdict(
            PageOutcome.NOT_FOUND, "not_found", f"Juejin has no such page ({title})"
        )
        return _no_content(verdict, info)
    found = challenge.classify(
        text, status=status, content_type=content_type, headers=_lowered(headers), tree=tree
    )
    is_json = text.lstrip().startswith(("{", "["))
    unknown = challenge.Verdict(
        PageOutcome.BLOCKED,
        "broken_json" if is_json else "html_instead_of_json",
        "the answer is no JSON of Juejin's API and no article",
    )
    return _no_content(found or unknown, info)


def _no_content(verdict: challenge.Verdict, info: dict[str, Any]) -> ParsedPage:
    return ParsedPage(
        outcome=verdict.outcome,
        page_kind=_FAILURE,
        failure_kind=verdict.failure_kind,
        message=verdict.message,
        retry_elsewhere=verdict.outcome not in (PageOutcome.NOT_FOUND, PageOutcome.ERROR),
        info=info,
    )


def _lowered(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _article(tree: LexborHTMLParser, url: str | None) -> Record | None:
    body = next((node for one in _BODIES if (node := tree.css_first(one)) is not None), None)
    title = _item(tree, "headline") or _heading(tree)
    identity = _identity(tree, url)
    if identity is None or (body is None and not _item(tree, "headline")):
        return None
    author = tree.css_first("[itemprop=author]")
    found = _USER.search(_item(author, "url")) if author is not None else None
    text, html = "", None
    if body is not None:
        for node in body.css(_NO_BODY):
            node.decompose()
        text, html = plain_text(body), body.html
    shown = tree.css_first("time[datetime]")
    created = _item(tree, "datePublished") or _attribute(shown, "datetime")
    views = tree.css_first(".views-count")
    return known(
        {
            "id": identity,
            "kind": "article",
            "title": title,
            "text": text or _meta(tree, 'meta[name="description"]'),
            "author": line_of(_item(author, "name")) if author is not None else "",
            "author_id": found[1] if found else None,
            "created_at": moment(created),
            "updated_at": moment(_item(tree, "dateModified")),
            "url": records.ADDRESSES["article"].format(id=identity),
            "tags": _words(_item(tree, "keywords") or _meta(tree, 'meta[name="keywords"]')),
            "views": count(re.sub(r"\D", "", views.text())) if views is not None else None,
            "html": html,
        }
    )


def _identity(tree: LexborHTMLParser, url: str | None) -> str | None:
    canonical = tree.css_first('link[rel="canonical"][href]')
    stated = [
        url or "",
        _attribute(canonical, "href"),
        _meta(tree, 'meta[property="og:url"]'),
        *(_attribute(node, "content") for node in tree.css("meta[itemprop=url]")),
        *(_attribute(node, "href") for node in tree.css("link[itemprop=url]")),
    ]
    for address in stated:
        if found := _POST.search(urlsplit(address).path if "://" in address else address):
            return found[1]
    node = tree.css_first("article[data-entry-id]")
    return identifier(_attribute(node, "data-entry-id"))


def _heading(tree: LexborHTMLParser) -> str:
    node = tree.css_first("h1.article-title, article h1, h1")
    if node is not None:
        return line_of(node.text())
    return _TITLE_END.sub("", challenge.title_of(tree))


def _item(tree: LexborHTMLParser | LexborNode, name: str) -> str:
    node = tree.css_first(f"meta[itemprop={name}]")
    return line_of(_attribute(node, "content"))


def _meta(tree: LexborHTMLParser, selector: str) -> str:
    return _attribute(tree.css_first(selector), "content")


def _attribute(node: LexborNode | None, name: str) -> str:
    return text_of(node.attributes.get(name)) if node is not None else ""


def _words(keywords: str) -> list[str]:
    found = (line_of(word) for word in re.split(r"[,，]", keywords))
    return list(dict.fromkeys(word for word in found if word and word != "掘金"))
