"""Whatever the command line says is there in Chinese too."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import pytest

from hotstream_reactive.cli import chinese, language
from hotstream_reactive.cli.language import table
from hotstream_reactive.cli.main import VERBS
from tests.architecture import texts

HOW = (
    "Add to a module of hotstream_reactive/cli/chinese (any; a new one is found by itself), with "
    "the words of docs/glossary.md and {0}, {1}, … for what stands in the places of {}:"
)


def demand(said: dict[str, str]) -> None:
    missing = [f"    {text!r}: '',  # {place}" for text, place in said.items() if not known(text)]
    assert not missing, "\n".join(["there is no Chinese yet.", HOW, *missing])


def known(text: str) -> bool:
    return text.strip() in {english.strip() for english in table()}


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_the_help_of_every_verb(verb: str) -> None:
    demand(dict.fromkeys(texts.of_help(verb), f"hotstream {verb} --help"))


def test_the_help_of_the_program() -> None:
    demand(dict.fromkeys(texts.of_main_help(), "hotstream --help"))


@pytest.mark.parametrize("where", ["cli", *texts.BELOW])
def test_messages_and_errors(where: str) -> None:
    said = texts.of_code(where)
    assert said or where == "model"
    demand(said)


def test_what_a_setting_may_be() -> None:
    language.use("zh")
    try:
        said = {f"Error: Invalid value for {{}}: {text}": text for text in texts.of_settings()}
        missing = [text for whole, text in said.items() if language.tr(whole).endswith(text)]
    finally:
        language.use("en")
    demand(dict.fromkeys(missing, "hotstream_reactive/settings.py"))


@pytest.mark.parametrize(("english", "translation"), table().items())
def test_no_value_is_lost_or_made_up(english: str, translation: str) -> None:
    places = english.count("{}")
    if not places:
        return
    values = [f"<{number}>" for number in range(places)]

    class Part(str):
        __slots__ = ()

        def __format__(self, wanted: str) -> str:
            assert wanted in ("", "t")
            return str(self)

    filled = translation.format(*map(Part, values))
    assert sorted(value for value in values if value in filled) == sorted(values)


def test_a_text_is_translated_in_one_place() -> None:
    seen: dict[str, str] = {}
    for module in iter_modules(chinese.__path__):
        entries = import_module(f"{chinese.__name__}.{module.name}").CHINESE
        for english in entries:
            assert english not in seen, f"{english!r}: {seen[english]} and {module.name}"
            seen[english] = module.name
