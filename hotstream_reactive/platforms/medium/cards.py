"""Articles of a rendered list, read off the page: for lists that scripts filled."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from hotstream_reactive.platforms.medium.links import (
    article_id,
    handle_in,
    permalink,
    publication_in,
    without_query,
)
from hotstream_reactive.platforms.plaintext import plain_text
from hotstream_reactive.platforms.values import Record, known, line_of

_CARDS = 'article[data-testid="post-preview"], article, [data-post-id], .postArticle'
_MINUTES = re.compile(r"(\d{1,3}) min read")


def read(tree: LexborHTMLParser) -> list[Record]:
    """The articles that a page shows as cards, in page order, each once."""
    found: dict[str, Record] = {}
    for card in tree.css(_CARDS):
        record = _card(card)
        if record is not None:
            found.setdefault(record["id"], record)
    return list(found.values())


def _card(card: LexborNode) -> Record | None:
    heading = card.css_first("h2, h3, h1")
    link = next((one for one in card.css("a[href]") if article_id(_href(one))), None)
    if heading is None or link is None:
        return None
    address = _href(link)
    identity = article_id(address)
    assert identity is not None
    absolute = without_query(address) or permalink(identity)
    person = next((one for one in card.css("a[href]") if _is_profile(one)), None)
    teaser = card.css_first("h3 ~ p, h2 ~ div p, h2 ~ p, h3")
    teaser = teaser if teaser is not None and teaser.mem_id != heading.mem_id else None
    minutes = _MINUTES.search(card.text())
    return known(
        {
            "source": "html",
            "id": identity,
            "kind": "article",
            "title": line_of(heading.text()),
            "text": plain_text(teaser) if teaser is not None else "",
            "author": line_of(person.text()) if person is not None else "",
            "handle": handle_in(address) or (handle_in(_href(person)) if person else None),
            "url": absolute,
            "article_url": absolute,
            "publication_slug": publication_in(absolute),
            "reading_time_min": float(minutes[1]) if minutes else None,
            "partial": True,
        }
    )


def _href(node: LexborNode) -> str:
    href = (node.attributes.get("href") or "").strip()
    return f"https://medium.com{href}" if href.startswith("/") else href


def _is_profile(node: LexborNode) -> bool:
    href = _href(node)
    return bool(node.text().strip()) and handle_in(href) is not None and article_id(href) is None
