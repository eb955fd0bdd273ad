"""HTML as plain text: paragraphs as lines, entities resolved, only what a reader sees."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "figcaption", "figure"}
    | {"footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol"}
    | {"p", "pre", "section", "table", "tr", "ul"}
)
_UNSEEN = frozenset({"script", "style", "noscript", "template", "svg", "iframe", "button"})
_CONTROLS = dict.fromkeys((*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F))
_MAX_DEPTH = 200


def plain_text(source: str | LexborNode) -> str:
    """The text of a piece of HTML or of an element.

    Paragraphs, list entries and ``<br>`` end a line; inside ``<pre>`` white space stays as it is;
    links and images leave no trace but the words of the link.
    """
    node = LexborHTMLParser(source).body if isinstance(source, str) else source
    if node is None:
        return ""
    parts: list[str] = []
    _collect(node, parts, depth=0, verbatim=node.tag == "pre")
    lines = [line.rstrip() for line in "".join(parts).translate(_CONTROLS).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _collect(node: LexborNode, parts: list[str], *, depth: int, verbatim: bool) -> None:
    for child in node.iter(include_text=True):
        tag = child.tag or ""
        if tag == "-text":
            _add(child.text_content or "", parts, verbatim)
        elif tag == "br":
            parts.append("\n")
        elif tag in _UNSEEN or tag.startswith("-"):
            continue
        elif depth >= _MAX_DEPTH:
            _add(child.text(), parts, verbatim)
        else:
            if tag in _BLOCKS:
                _break(parts)
            _collect(child, parts, depth=depth + 1, verbatim=verbatim or tag == "pre")
            if tag in _BLOCKS:
                _break(parts)


def _add(text: str, parts: list[str], verbatim: bool) -> None:
    if not verbatim:
        text = re.sub(r"[ \t\r\n\f]+", " ", text)
        if not parts or parts[-1].endswith(("\n", " ")):
            text = text.lstrip(" ")
    if text:
        parts.append(text)


def _break(parts: list[str]) -> None:
    if parts and not parts[-1].endswith("\n"):
        parts.append("\n")
