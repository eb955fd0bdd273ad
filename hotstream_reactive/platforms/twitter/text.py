"""The text of a post as plain text, with what is linked in it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from selectolax.lexbor import LexborNode

from hotstream_reactive.platforms.twitter.links import outside_link

# Indentation as deep as this on every line comes from whoever re-indented the page, not the author.
_REINDENTED = 8


class Content(NamedTuple):
    """A text and the things linked in it, each in order of appearance without repeats."""

    text: str
    links: list[str]
    hashtags: list[str]


def read(node: LexborNode, instance_host: str | None) -> Content:
    """Read an element that holds a post's text.

    Line breaks stay. Outside links, shown shortened on the page, are written out in full.
    """
    parts: list[str] = []
    links: list[str] = []
    hashtags: list[str] = []
    _collect(node, instance_host, parts, links, hashtags)
    text = _outdented("".join(parts)).strip()
    return Content(text, list(dict.fromkeys(links)), list(dict.fromkeys(hashtags)))


def _collect(
    node: LexborNode,
    instance_host: str | None,
    parts: list[str],
    links: list[str],
    hashtags: list[str],
) -> None:
    for child in node.iter(include_text=True):
        tag = child.tag
        if tag == "-text":
            parts.append(child.text_content or "")
        elif tag == "br":
            parts.append("\n")
        elif tag == "a":
            parts.append(_anchor(child, instance_host, links, hashtags))
        elif tag == "img":
            parts.append(child.attributes.get("alt") or "")
        elif "tweet-geo" not in (child.attributes.get("class") or ""):
            _collect(child, instance_host, parts, links, hashtags)


def _anchor(
    link: LexborNode, instance_host: str | None, links: list[str], hashtags: list[str]
) -> str:
    shown = link.text()
    href = (link.attributes.get("href") or "").strip()
    if not href or href.startswith("#"):
        return shown
    if (shown[:1] in ("#", "＃", "$") and "/search" in href) or "/hashtag/" in href:
        if shown[:1] in ("#", "＃"):
            hashtags.append(_hashtag(href, shown))
        return shown
    if shown.startswith("@"):
        return shown
    if not href.startswith(("/", "http://", "https://")):
        return shown
    full = outside_link(href, instance_host)
    links.append(full)
    # A link whose words are prose (as in community notes) keeps its words.
    return shown if any(mark.isspace() for mark in shown.strip()) else full


def _hashtag(href: str, shown: str) -> str:
    asked = parse_qs(urlsplit(href).query).get("q", [""])[0]
    return asked[1:] if asked[:1] in ("#", "＃") else shown[1:]


def _outdented(text: str) -> str:
    first, newline, rest = text.partition("\n")
    if not newline:
        return text
    lines = rest.split("\n")
    depth = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    if depth < _REINDENTED:
        depth = 0
    return "\n".join([first.rstrip(), *(line[depth:].rstrip() for line in lines)])
