"""`query-data`: items out of MongoDB, for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from hotstream_reactive.app import connected
from hotstream_reactive.cli.arguments import text
from hotstream_reactive.cli.complete import platforms, tasks
from hotstream_reactive.cli.items import print_items
from hotstream_reactive.cli.output import SCHEMA_VERSION, console, say, to_json
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.mongo import reads
from hotstream_reactive.storages.files import published
from hotstream_reactive.storages.table import Table

Items = AsyncIterator[dict[str, Any]]

#: Longer tables are for programs, which get them item by item in the other formats.
_MOST_ROWS = 10_000


@click.command()
@click.option(
    "--platform", type=text, shell_complete=platforms, help="Only items of this platform."
)
@click.option("--author", type=text, help="Only items of this author, as written in the item.")
@click.option(
    "--task",
    "task_id",
    type=text,
    metavar="ID",
    shell_complete=tasks,
    help="Only items this task brought.",
)
@click.option("--contains", type=text, metavar="TEXT", help="Only items with these words.")
@click.option(
    "-l", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "jsonl", "csv"]),
    default="table",
    show_default=True,
    help="csv is for spreadsheets: a cell that one would run begins with an apostrophe.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file.")
@click.pass_obj
def query_data(
    session: Session,
    *,
    platform: str | None,
    author: str | None,
    task_id: str | None,
    contains: str | None,
    limit: int,
    form: str,
    as_json: bool,
    output: Path | None,
) -> int:
    """Show collected items, newest first, or export them.

    \b
    Examples:
      hotstream query-data --platform twitter --author NASA
      hotstream query-data --task search_001 -l 100000 --format jsonl -o items.jsonl
    """
    session.log(quiet=True)
    form = "json" if as_json else form
    _check_usage(form, limit, output)
    filters = {"platform": platform, "author": author, "task_ids": task_id}
    given = {name: value for name, value in filters.items() if value is not None}

    async def work() -> int:
        async with (
            session.settings_with_database(create=False) as settings,
            connected(settings) as mongo,
        ):
            with _opened(output) as out:
                return await _WRITERS[form](
                    reads.items(mongo, given, contains=contains, limit=limit), out
                )

    number = run_async(work)
    if output is not None:
        say(f"{number} items written to {output}")
    elif not number and form == "table":
        say("no items found")
    return 0


def _check_usage(form: str, limit: int, output: Path | None) -> None:
    if form == "table" and limit > _MOST_ROWS:
        raise click.UsageError(f"a table has {_MOST_ROWS} rows at most; use --format jsonl or csv")
    if output is not None and not output.absolute().parent.is_dir():
        raise click.BadParameter("its folder does not exist", param_hint="-o")


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """Stdout, or a file that appears under its name only when it is complete."""
    if path is None:
        yield sys.stdout
    elif path.exists() and not path.is_file():  # a pipe or /dev/stdout: nothing to replace
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    else:
        with published(path.resolve()) as file:
            yield file


async def _write_table(items: Items, out: TextIO) -> int:
    rows = [item async for item in items]
    if rows:
        print_items(rows, out=console(out))
    return len(rows)


async def _write_json(items: Items, out: TextIO) -> int:
    number = 0
    out.write(f'{{"schema_version":{SCHEMA_VERSION},"items":[')
    async for item in items:
        out.write(f"{',' if number else ''}\n{to_json(item)}")
        number += 1
    out.write(f'\n],"count":{number}}}\n')
    return number


async def _write_jsonl(items: Items, out: TextIO) -> int:
    number = 0
    async for item in items:
        out.write(to_json({"schema_version": SCHEMA_VERSION, **item}) + "\n")
        number += 1
    return number


async def _write_csv(items: Items, out: TextIO) -> int:
    number = 0
    table = Table(out, mark=out is not sys.stdout, as_json=to_json)
    async for item in items:
        table.add(item)
        number += 1
    return number


_WRITERS = {
    "table": _write_table,
    "json": _write_json,
    "jsonl": _write_jsonl,
    "csv": _write_csv,
}
