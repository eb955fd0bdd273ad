"""Items as a table, JSON, JSON Lines or CSV, on stdout or in a file."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from hotstream_reactive.cli.items import print_items
from hotstream_reactive.cli.output import SCHEMA_VERSION, console, to_json
from hotstream_reactive.storages.files import published
from hotstream_reactive.storages.table import Table

Items = AsyncIterator[dict[str, Any]]
FORMATS = ("table", "json", "jsonl", "csv")
_BY_SUFFIX = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}


def form_of(path: Path) -> str:
    """The format that the name of a file asks for.

    Raises:
        BadParameter: it asks for none that is known.
    """
    form = _BY_SUFFIX.get(path.suffix.lower())
    if form is None:
        raise click.BadParameter(
            f"{path.name!r} says not what it shall hold: end it in .json, .jsonl or .csv"
        )
    return form


def check_target(path: Path | None, hint: str) -> None:
    """Refuse a file for which there is no folder.

    Raises:
        BadParameter: names the option.
    """
    if path is not None and not path.absolute().parent.is_dir():
        raise click.BadParameter("its folder does not exist", param_hint=hint)


@contextmanager
def opened(path: Path | None) -> Iterator[TextIO]:
    """Stdout, or a file that appears under its name only when it is complete."""
    if path is None:
        yield sys.stdout
    elif path.exists() and not path.is_file():  # a pipe or /dev/stdout: nothing to replace
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    else:
        with published(path.resolve()) as file:
            yield file


async def write(
    form: str, items: Items, out: TextIO, tail: Callable[[], Mapping[str, Any]] = dict
) -> int:
    """Write all items as they come; gives their number.

    `tail` gives what a JSON object holds besides `items` and `count`; it is asked at the end.
    """
    if form == "json":
        return await _write_json(items, out, tail)
    return await _WRITERS[form](items, out)


async def _write_table(items: Items, out: TextIO) -> int:
    rows = [item async for item in items]
    if rows:
        print_items(rows, out=console(out))
    return len(rows)


async def _write_json(items: Items, out: TextIO, tail: Callable[[], Mapping[str, Any]]) -> int:
    number = 0
    head = f'{{"schema_version":{SCHEMA_VERSION},"items":['
    # Nothing is written before the first item is there: what fails at once leaves no half object.
    async for item in items:
        out.write(f"{',' if number else head}\n{to_json(item)}")
        number += 1
    rest = to_json({"count": number, **tail()})
    out.write(f"{'' if number else head}\n],{rest[1:]}\n")
    return number


async def _write_jsonl(items: Items, out: TextIO) -> int:
    number = 0
    async for item in items:
        out.write(to_json({"schema_version": SCHEMA_VERSION, **item}) + "\n")
        out.flush()
        number += 1
    return number


async def _write_csv(items: Items, out: TextIO) -> int:
    number = 0
    table = Table(out, mark=out is not sys.stdout, as_json=to_json)
    async for item in items:
        table.add(item)
        number += 1
    return number


_WRITERS = {"table": _write_table, "jsonl": _write_jsonl, "csv": _write_csv}
