"""Glyphs, colours, and texts that fill their cells exactly.

A state is told three times, by word, glyph and colour, so that none of them is needed. The colours
are a blue and an orange that are readable on dark and on light terminals alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.text import Span, Text

from hotstream_reactive.dashboard.words import Words
from hotstream_reactive.text import clean

MUTED, ACCENT, WARN, STRONG = "color(244)", "color(33)", "color(166)", "bold"
Piece = tuple[str, str]

_GLYPHS = {
    "run": ("●", "*"),
    "ok": ("✓", "+"),
    "fail": ("✗", "x"),
    "wait": ("◌", "o"),
    # Not U+23F8, which many terminals draw two cells wide.
    "paused": ("‖", "="),
    "cancel": ("⊘", "-"),
    "retry": ("↻", "~"),
    "note": ("·", "."),
    "here": ("▸", ">"),
    "more": ("…", "~"),
    "dot": ("·", "|"),
    "arrow": ("→", "->"),
    "up": ("↑", "^"),
    "down": ("↓", "v"),
    "rule": ("─", "-"),
    "cursor": ("▏", "_"),
}
_SPARKS = ("▁▂▃▄▅▆▇█", ".:-=+*#@")
_BARS = (("━", "╸", "─"), ("=", "-", "."))


class Look:
    """How things look on this terminal: language, whether only ASCII can be shown, whose clock."""

    def __init__(
        self, words: Words | None = None, *, ascii_only: bool = False, utc: bool = False
    ) -> None:
        self.words = words or Words()
        self.ascii_only = ascii_only
        self.utc = utc

    def clock(self, at: float) -> str:
        """The time of day here, or in UTC; `at` in seconds since 1970."""
        moment = datetime.fromtimestamp(at, UTC)
        return f"{moment if self.utc else moment.astimezone():%H:%M:%S}"

    def glyph(self, name: str) -> str:
        """The mark of a state."""
        return _GLYPHS[name][self.ascii_only]

    def plain(self, text: str) -> str:
        """The text as this terminal can show it, harmless whatever it was."""
        return _plain(text, self.ascii_only)

    def fit(self, text: str, width: int, *, right: bool = False) -> str:
        """The text in exactly `width` cells, cut with an ellipsis or filled with spaces."""
        return _fit(text, width, right, self.ascii_only)

    def wrap(self, text: str, width: int) -> list[str]:
        """The text in lines of at most `width` cells, broken at spaces where there are any."""
        lines = [""]
        for word in self.plain(text).split(" "):
            for place, part in enumerate(chop_cells(word, width) or [""]):
                between = " " if lines[-1] and not place else ""
                if cell_len(lines[-1]) + cell_len(between + part) <= width:
                    lines[-1] += between + part
                else:
                    lines.append(part)
        return lines

    def span(self, seconds: float | None) -> str:
        """A length of time in a few cells, e.g. ``42s``, ``12m``, ``3h``, ``9d``."""
        if seconds is None:
            return ""
        w, value = self.words, max(seconds, 0.0)
        for size, unit in ((172_800.0, "d"), (7_200.0, "h"), (120.0, "m")):
            if value >= size:
                return f"{value / {'d': 86_400, 'h': 3_600, 'm': 60}[unit]:.0f}{w(unit)}"
        return f"{value:.0f}{w('s')}"

    def quick(self, seconds: float | None) -> str:
        """A short time, in milliseconds below one second."""
        if seconds is None:
            return "–" if not self.ascii_only else "-"
        if seconds < 1:
            return f"{seconds * 1000:.0f} ms"
        return f"{seconds:.1f} s" if seconds < 100 else self.span(seconds)

    def count(self, number: float) -> str:
        """A number in at most six cells."""
        if number < 100_000:
            return f"{number:.0f}"
        return f"{number / 1000:.0f}k" if number < 10_000_000 else f"{number / 1e6:.0f}M"

    def spark(self, values: Iterable[float]) -> str:
        """A line of bars, each as high as its value against the highest."""
        values = list(values)
        steps = _SPARKS[self.ascii_only]
        most = max(values, default=0.0)
        if most <= 0:
            return steps[0] * len(values)
        last = len(steps) - 1
        return "".join(steps[min(last, max(round(v / most * last), v > 0))] for v in values)

    def bar(self, part: float, width: int) -> list[Piece]:
        """How far something is; filled and empty differ in shape, not in colour alone."""
        full, half, empty = _BARS[self.ascii_only]
        halves = round(min(max(part, 0.0), 1.0) * width * 2)
        filled = full * (halves // 2) + (half if halves % 2 else "")
        return [(filled, ACCENT), (empty * (width - len(filled)), MUTED)]


def _plain(text: str, ascii_only: bool) -> str:
    text = clean(text, 1000)
    if not ascii_only or text.isascii():
        return text
    known = text.replace("→", "->").replace("…", "~").replace("·", "|").replace("⏎", "|")
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in known)


# From one frame to the next, most cells stay as they are.
@lru_cache(maxsize=4096)
def _fit(text: str, width: int, right: bool, ascii_only: bool) -> str:
    text = _plain(text, ascii_only)
    size = cell_len(text)
    if size > width:
        more = _GLYPHS["more"][ascii_only]
        if width <= 0:
            return ""
        # Half of a wide character, or a space between words, would stand before the mark.
        text = set_cell_size(text, width - 1).rstrip() + more
        size = cell_len(text)
    return " " * (width - size) + text if right else text + " " * (width - size)


def line(pieces: Iterable[Piece]) -> Text:
    """One line of the screen; texts are never taken for markup."""
    texts: list[str] = []
    spans: list[Span] = []
    end = 0
    for content, style in pieces:
        begin, end = end, end + len(content)
        texts.append(content)
        if style and content:
            spans.append(Span(begin, end, style))
    return Text("".join(texts), spans=spans, no_wrap=True, end="", overflow="crop")
