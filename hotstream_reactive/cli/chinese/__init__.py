"""Chinese for the command line: a table of English texts, in one module for each family of verbs.

The words are those of docs/glossary.md. A text that is made of an f-string has `{}` where a value
stands, and the Chinese has `{0}`, `{1}`, …; `{0:t}` is a value that is translated itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules


def _all() -> dict[str, str]:
    from hotstream_reactive.dashboard.words import CHINESE

    table = dict(CHINESE)
    for module in iter_modules(__path__):
        table |= import_module(f"{__name__}.{module.name}").CHINESE
    return table


TABLE: Mapping[str, str] = _all()
