"""Texts of Zhihu, which come as HTML, as plain text, or as plain text with ``<em>`` around hits."""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from hotstream_reactive.platforms.values import text_of
from hotstream_reactive.platforms.zhihu.links import outside_link

_HIT = re.compile(r"</?em\b[^>]*>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[a-zA-Z]{2,10});")
# Tags that Zhihu writes; `vector<int>` in a title is none.
_MARKUP = re.compile(
    r"</?(?:p|br|b|i|u|a|em|strong|span|div|figure|img|blockquote|ul|ol|li|hr|code|pre|h[1-6]|sup)"
    r"\b[^>]*>",
    re.IGNORECASE,
)
_BLOCKS = frozenset(
    {
        *("p", "div", "hr", "li", "ul", "ol", "blockquote", "figure", "figcaption", "pre"),
        *("section", "table", "tr", "h1", "h2", "h3", "h4", "h5", "h6"),
    }
)
_UNSEEN = frozenset({"script", "style", "noscript", "template"})
_MAX_DEPTH = 200


class Content(NamedTuple):
    """A text and what is in it, each thing once, in order."""

    text: str
    links: list[str]
    images: list[str]


def plain(value: object) -> str:
    """A plain text: hit marks taken out, entities resolved; empty for what is no text."""
    if not isinstance(value, str):
        return ""
    return text_of(_ENTITY.sub(lambda found: html.unescape(found[0]), _HIT.sub("", value)))


def read(value: object) -> Content:
    """Read a text that may be HTML.

    Paragraphs and ``<br>`` become line ends. A link shown shortened is written out, one whose
    words are prose keeps them; formulas are given as their TeX source.
    """
    if not isinstance(value, str) or not _MARKUP.search(value):
        return Content(plain(value), [], [])
    # The parser takes no lone surrogates, which JSON may hold.
    body = LexborHTMLParser(value.encode("utf-8", "replace").decode()).body
    if body is None:
        return Content("", [], [])
    reader = _Reader()
    reader.collect(body, 0, verbatim=False)
    return Content(
        reader.text(), list(dict.fromkeys(reader.links)), list(dict.fromkeys(reader.images))
    )


class _Reader:
    def __init__(self) -> None:
        self.links: list[str] = []
        self.images: list[str] = []
        self._parts: list[str] = []

    def text(self) -> str:
        lines = [line.rstrip() for line in "".join(self._parts).split("\n")]
        return text_of(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)))

    def collect(self, node: LexborNode, depth: int, *, verbatim: bool) -> None:
        if depth > _MAX_DEPTH:
            self._parts.append(node.text())
            return
        for child in node.iter(include_text=True):
            tag = child.tag or ""
            if tag == "-text":
                self._add(child.text_content or "", verbatim)
            elif tag == "img":
                self._image(child)
            elif tag == "a":
                self._anchor(child, depth, verbatim)
            elif tag not in _UNSEEN:
                self._element(child, tag, depth, verbatim)

    def _element(self, node: LexborNode, tag: str, depth: int, verbatim: bool) -> None:
        if tag == "br":
            self._parts.append("\n")
            return
        if tag in _BLOCKS:
            self._break()
        self.collect(node, depth + 1, verbatim=verbatim or tag == "pre")
        if tag in _BLOCKS:
            self._break()

    def _add(self, text: str, verbatim: bool) -> None:
        if not verbatim:
            text = re.sub(r"[ \t\r\n\f]+", " ", text)
            if not self._parts or self._parts[-1].endswith(("\n", " ")):
                text = text.lstrip(" ")
        if text:
            self._parts.append(text)

    def _break(self) -> None:
        if self._parts and not self._parts[-1].endswith("\n"):
            self._parts.append("\n")

    def _image(self, node: LexborNode) -> None:
        attributes = node.attributes
        if attributes.get("eeimg"):
            self._add(attributes.get("alt") or "", verbatim=False)
            return
        for name in ("data-original", "data-actualsrc", "src"):
            address = attributes.get(name) or ""
            if address.startswith(("http://", "https://")):
                self.images.append(address)
                return

    def _anchor(self, node: LexborNode, depth: int, verbatim: bool) -> None:
        href = (node.attributes.get("href") or "").strip()
        shown = " ".join(node.text().split())
        target = outside_link(href) if href and not href.startswith("#") else ""
        if not target.startswith(("http://", "https://")):
            self.collect(node, depth + 1, verbatim=verbatim)
            return
        is_mention = shown.startswith("@")
        if not is_mention:
            self.links.append(target)
        if not is_mention and _is_shown_address(shown, target):
            self._add(target, verbatim=False)
        else:
            self.collect(node, depth + 1, verbatim=verbatim)


def _is_shown_address(shown: str, target: str) -> bool:
    """Whether the words of a link are only its address, perhaps shortened."""
    bare = re.sub(r"^https?://", "", shown).rstrip("….")
    return bool(bare) and " " not in bare and re.sub(r"^https?://", "", target).startswith(bare)
