"""The language of the command line, and what people read put into it.

English is the language of the code: of errors, logs, documents and JSON. What is printed for a
person is looked up as it leaves; what the table does not know stays English. See
docs/decisions/languages.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TextIO

from hotstream_reactive.dashboard.words import Language, language_of

#: A template that begins with a value, and one that begins with a word, need so many letters to be
#: recognised by themselves; inside another template, which one is meant is known.
_LEAST_LETTERS = {True: 8, False: 4}
_language: Language = "en"


def use(language: Language) -> None:
    """Choose the language of this process."""
    global _language  # noqa: PLW0603 - like a locale, it is one for the whole process
    _language = language


def chosen() -> Language:
    """The language in use."""
    return _language


def choose(arguments: Sequence[str], environ: Mapping[str, str], stream: TextIO) -> Language:
    """The language of a command line: ``--lang``, HOTSTREAM_LANG, else the locale.

    It must be known before the arguments are understood, because that may fail. A stream that
    cannot show Chinese gets English.
    """
    for place, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name == "--lang":
            given = value if equals else "".join(arguments[place + 1 : place + 2])
            environ = {"LC_ALL": given}
        if word == "--":
            break
    return language_of(environ, stream.encoding or "ascii")


def tr(text: str) -> str:
    """The text in the language in use, line by line, with its indentation."""
    if _language == "en":
        return text
    if "\n" in text:
        return "\n".join(map(tr, text.split("\n")))
    bare = text.lstrip()
    return text[: len(text) - len(bare)] + _translated(bare)


class _Part(str):
    """What stands in a place of a template; ``{0:t}`` asks for its translation."""

    __slots__ = ()

    def __format__(self, wanted: str) -> str:
        if not wanted:
            return str(self)
        parts = [part.strip() for part in self.split("; ")]
        known = [_translated(part, inside=True) for part in parts]
        if any(one == part != "" for one, part in zip(known, parts, strict=True)):
            # A semicolon may also be a part of one text.
            whole = _translated(self, inside=True)
            if whole != self:
                return whole
        return "；".join(known)


def _translated(text: str, *, inside: bool = False) -> str:
    if (known := table().get(text)) is not None:
        return known
    for pieces, template in _templates(inside):
        if (parts := _parts(text, pieces)) is not None:
            return template.format(*map(_Part, parts))
    return text


@cache
def table() -> Mapping[str, str]:
    """English to Chinese; the places of a template are ``{}`` in English, numbered in Chinese."""
    from hotstream_reactive.cli.chinese import TABLE

    return TABLE


@cache
def _templates(inside: bool) -> list[tuple[list[str], str]]:
    """Templates in pieces: first heads of messages, then those that say most."""

    def letters(english: str) -> int:
        return len(english.replace("{}", "").replace(" ", ""))

    known = [
        english
        for english in table()
        if "{}" in english
        and (inside or letters(english) >= _LEAST_LETTERS[english.startswith("{}")])
    ]
    known.sort(key=lambda english: (not _is_head(english), -letters(english)))
    return [(english.split("{}"), table()[english]) for english in known]


def _is_head(english: str) -> bool:
    """Whether it is a head such as ``Error: `` with a message behind it, translated by itself."""
    return not english.startswith("{}") and ":t}" in table()[english]


def _parts(text: str, pieces: Sequence[str]) -> list[str] | None:
    """What stands between the pieces of a template, None when the text is not made by it."""
    first, *middle, last = pieces
    begin, end = len(first), len(text) - len(last)
    if begin > end or not text.startswith(first) or not text.endswith(last):
        return None
    parts: list[str] = []
    for piece in middle:
        found = text.find(piece, begin, end)
        if found < 0:
            return None
        parts.append(text[begin:found])
        begin = found + len(piece)
    return [*parts, text[begin:end]]
