"""Article pages of all front ends: page state, embedded JSON, ``ld+json``, meta elements, text."""

from __future__ import annotations

import json
import re
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from hotstream_reactive.platforms.medium import post
from hotstream_reactive.platforms.medium.links import (
    article_id,
    bare_id,
    handle_in,
    publication_in,
    without_query,
)
from hotstream_reactive.platforms.plaintext import plain_text
from hotstream_reactive.platforms.values import (
    Record,
    entries,
    known,
    line_of,
    mapping,
    moment,
    text_of,
    unescaped,
)

# Before 2019 a script called one of these with the article and what belongs to it.
_EMBEDDED = re.compile(r'(?:var GLOBALS\s*=\s*|window\["obvInit"\]\(|\bobvInit\()(?={)')
_HEX_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\x([0-9a-fA-F]{2})")
_BODIES = (
    ".postArticle-content",
    ".postField--body",
    '[data-testid="storyContent"]',
    "article section",
    "article",
)
_NO_BODY = "button, nav, footer, aside, form, .js-postMetaLockup, .uiScale, .speechify-ignore"
_LD_TYPES = frozenset({"Article", "NewsArticle", "BlogPosting", "SocialMediaPosting"})
_MEMBERS_ONLY = re.compile(r"\bmember[- ]only story\b|\bcontinue reading on \S", re.IGNORECASE)
_APP_ADDRESSES = (
    'meta[property="al:android:url"]',
    'meta[property="al:ios:url"]',
    'meta[name="twitter:app:url:iphone"]',
)
_MARKS_LOOKED_AT = 400


def address_of(tree: LexborHTMLParser, url: str | None) -> str:
    """The article's own address as the page states it, else the one it was asked for."""
    for address in (
        _link(tree, 'link[rel="canonical"]'),
        _meta(tree, 'meta[property="og:url"]'),
        url or "",
    ):
        if article_id(address):
            return without_query(address)
    return ""


def identity_of(tree: LexborHTMLParser, url: str | None) -> str | None:
    """The id of the article that a page shows; None when it shows none."""
    for selector in _APP_ADDRESSES:
        if "/p/" in (address := _meta(tree, selector)) and (found := article_id(address)):
            return found
    stated = article_id(address_of(tree, url))
    is_article = _meta(tree, 'meta[property="og:type"]') == "article" or bool(_linked_data(tree))
    return stated if stated and (is_article or _body(tree) is not None) else None


def read(
    tree: LexborHTMLParser, identity: str, url: str | None, from_state: Record | None
) -> Record:
    """The record of an article page, put together from all that the page tells.

    Args:
        tree: the page.
        identity: the article's id.
        url: what was asked for, where known.
        from_state: the post of the page state, where there is one; it is believed first.
    """
    record: Record = {"source": "html", "id": identity, "kind": "article"}
    for source in (from_state, _embedded(tree, identity), _of_linked_data(tree), _of_metas(tree)):
        record |= {key: value for key, value in (source or {}).items() if key not in record}
    if from_state:
        record["source"] = from_state["source"]
    address = address_of(tree, url)
    if address:
        record["url"] = address
        record["article_url"] = address
        record.setdefault("handle", handle_in(address) or "")
        record.setdefault("publication_slug", publication_in(address) or "")
    _add_text(tree, record)
    return known(record)


def _add_text(tree: LexborHTMLParser, record: Record) -> None:
    body = _body(tree)
    has_whole = record.get("text") and not record.get("partial")
    shown = "" if body is None else plain_text(body)
    if body is not None:
        record["html"] = body.html or ""
    if not has_whole and len(shown) > len(record.get("text") or ""):
        record["text"] = _without_title(shown, record.get("title") or "")
        record.pop("partial", None)
    if record.get("locked") is None and _is_for_members(tree):
        record["locked"] = True
    if record.get("locked") and not has_whole:
        record["partial"] = True
    record.setdefault("text", record.get("subtitle") or "")


def _body(tree: LexborHTMLParser) -> LexborNode | None:
    for selector in _BODIES:
        node = tree.css_first(selector)
        if node is not None and node.text().strip():
            for beside in node.css(_NO_BODY):
                beside.decompose()
            return node
    return None


def _without_title(text: str, title: str) -> str:
    first, _, rest = text.partition("\n")
    return rest.lstrip() if title and line_of(first) == title and rest.strip() else text


def _is_for_members(tree: LexborHTMLParser) -> bool:
    for node in tree.css("article p, article span, article a, .meteredContent p")[
        :_MARKS_LOOKED_AT
    ]:
        words = node.text()
        if len(words) < 80 and _MEMBERS_ONLY.match(words.strip()):
            return True
    return False


def _embedded(tree: LexborHTMLParser, identity: str) -> Record | None:
    for script in tree.css("script"):
        content = script.text()
        found = _EMBEDDED.search(content)
        if found is None:
            continue
        data = _json(content[found.end() :])
        data = mapping(data.get("embedded")) or data
        value = mapping(data.get("value"))
        if bare_id(value.get("id")) == identity:
            return post.read(value, post.References(data.get("references")), "html")
    return None


def _json(text: str) -> dict[str, Any]:
    # JavaScript knows \x3c, JSON does not.
    text = _HEX_ESCAPE.sub(r"\1\\u00\2", text)
    try:
        return mapping(json.JSONDecoder().raw_decode(text)[0])
    except (ValueError, RecursionError):
        return {}


def _linked_data(tree: LexborHTMLParser) -> dict[str, Any]:
    for script in tree.css('script[type="application/ld+json"]'):
        try:
            value = json.loads(script.text())
        except (ValueError, RecursionError):
            continue
        candidates = value if isinstance(value, list) else [value, *entries(_graph(value))]
        for one in entries(candidates):
            if one.get("@type") in _LD_TYPES:
                return one
    return {}


def _graph(value: Any) -> Any:
    return value.get("@graph") if isinstance(value, dict) else None


def _of_linked_data(tree: LexborHTMLParser) -> Record:
    data = _linked_data(tree)
    author = data.get("author")
    author = mapping(author[0] if isinstance(author, list) and author else author)
    words = data.get("keywords")
    named = [text_of(word) for word in words] if isinstance(words, list) else []
    free = str(data.get("isAccessibleForFree", "")).lower()
    publisher = line_of(mapping(data.get("publisher")).get("name"))
    return known(
        {
            "title": unescaped(data.get("headline") or data.get("name")),
            "subtitle": unescaped(data.get("description")),
            "created_at": moment(data.get("datePublished") or data.get("dateCreated")),
            "updated_at": moment(data.get("dateModified")),
            "author": unescaped(author.get("name")),
            "handle": handle_in(text_of(author.get("url"))),
            "tags": [word[4:] for word in named if word.startswith("Tag:")],
            "publication": publisher if publisher != "Medium" else None,
            "locked": {"true": False, "false": True}.get(free),
        }
    )


def _of_metas(tree: LexborHTMLParser) -> Record:
    minutes = re.match(r"(\d{1,3}) min", _meta(tree, 'meta[name="twitter:data1"]'))
    return known(
        {
            "title": line_of(
                _meta(tree, 'meta[property="og:title"]') or _meta(tree, 'meta[name="title"]')
            ),
            "subtitle": _meta(tree, 'meta[name="description"]')
            or _meta(tree, 'meta[property="og:description"]'),
            "author": line_of(_meta(tree, 'meta[name="author"]')),
            # Not that of Twitter, which stands in another element: it may be another name.
            "handle": handle_in(_meta(tree, 'meta[property="article:author"]'))
            or handle_in(_link(tree, 'link[rel="author"]')),
            "created_at": moment(_meta(tree, 'meta[property="article:published_time"]')),
            "reading_time_min": float(minutes[1]) if minutes else None,
        }
    )


def _link(tree: LexborHTMLParser, selector: str) -> str:
    node = tree.css_first(selector)
    return text_of(node.attributes.get("href")) if node is not None else ""


def _meta(tree: LexborHTMLParser, selector: str) -> str:
    node = tree.css_first(selector)
    return text_of(node.attributes.get("content")) if node is not None else ""
