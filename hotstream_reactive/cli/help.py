"""Help in the language in use; Chinese is measured and broken in terminal cells."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click

from hotstream_reactive.cli.language import chosen, tr

#: A word with the punctuation that belongs to it, one wide character with its own, or spaces.
_PIECES = "|".join(
    (
        "[（“「《]*[\u2e80-\uffef][，。；：、）”」》！？…]*",
        "[^\\s\u2e80-\uffef]+[，。；：、）！？]*",
        "\\s+",
    )
)
_GAP = 2
_WIDEST_NAME = 30


class Help(click.HelpFormatter):
    """Writes the parts of a help page."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The first line."""
        super().write_usage(prog, args, prefix or tr("Usage: "))

    def write_heading(self, heading: str) -> None:
        """The name of a section."""
        colon = ":" if chosen() == "en" else "："
        self.write(f"{'':>{self.current_indent}}{tr(heading)}{colon}\n")

    def write_text(self, text: str) -> None:
        """Paragraphs; those after a line with a backspace keep their lines."""
        if chosen() == "en":
            super().write_text(text)
            return
        self.write("\n".join(self._paragraph(part) for part in text.split("\n\n")))

    def _paragraph(self, text: str) -> str:
        indent, width = " " * self.current_indent, self.width - self.current_indent
        lines = [line.strip() for line in text.split("\n") if line.strip() != "\b"]
        whole = tr(" ".join(lines))
        if whole == " ".join(lines) and text.lstrip().startswith("\b"):
            kept = [line.rstrip() for line in text.split("\n") if line.strip() != "\b"]
            return "".join(f"{indent}{tr(line)}\n" for line in kept)
        return "".join(f"{indent}{line}\n" for line in fold(whole, width))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = _WIDEST_NAME, col_spacing: int = _GAP
    ) -> None:
        """Names with what they mean."""
        if chosen() == "en":
            super().write_dl(rows, col_max, col_spacing)
            return
        rows, indent = list(rows), " " * self.current_indent
        first = min(max((len(name) for name, _ in rows), default=0), col_max) + col_spacing
        for name, meaning in rows:
            lines = fold(_meaning(meaning), max(self.width - self.current_indent - first, 20))
            if len(name) + col_spacing > first:
                self.write(f"{indent}{name}\n")
                name = ""  # noqa: PLW2901 - it stands on a line of its own
            for line in lines:
                self.write(f"{indent}{name:<{first}}{line}".rstrip() + "\n")
                name = ""  # noqa: PLW2901 - only before the first line


def _meaning(text: str) -> str:
    """The help of an option, and in brackets what click adds: a default, a range."""
    help_text, bracket, added = text.partition("  [")
    if not bracket:
        return tr(text)
    return f"{tr(help_text)} [{'；'.join(map(tr, added.rstrip(']').split('; ')))}]"


def fold(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken where Chinese may be broken."""
    lines = [""]
    for token in re.findall(_PIECES, text):
        if cells(lines[-1]) + cells(token.rstrip()) <= width or not lines[-1]:
            lines[-1] += token
        else:
            lines.append(token.lstrip())
    return [line.rstrip() for line in lines]


def cells(text: str) -> int:
    """How many cells a terminal gives to the text."""
    return sum(2 if "\u2e80" <= letter <= "\uffef" else 1 for letter in text)
