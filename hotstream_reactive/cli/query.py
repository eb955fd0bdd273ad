"""`query-data`: items out of MongoDB, for people and for programs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hotstream_reactive.cli.arguments import moment, text
from hotstream_reactive.cli.complete import platforms, tasks
from hotstream_reactive.cli.export import FORMATS, check_target, form_of, opened, write
from hotstream_reactive.cli.items import counted
from hotstream_reactive.cli.output import say
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.model.item import iso_utc
from hotstream_reactive.mongo import reads
from hotstream_reactive.mongo.client import connected

#: Longer tables are for programs, which get them item by item in the other formats.
_MOST_ROWS = 10_000
_ALL = 2**31 - 1


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
@click.option("--since", type=moment, metavar="TIME", help="Only items created then or later.")
@click.option("--until", type=moment, metavar="TIME", help="Only items created before.")
@click.option(
    "-l", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="csv is for spreadsheets: a cell that one would run begins with an apostrophe.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file.")
@click.option(
    "--export",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file in the format of its ending (.json, .jsonl, .csv); all items but for -l.",
)
@click.pass_obj
def query_data(
    session: Session,
    *,
    platform: str | None,
    author: str | None,
    task_id: str | None,
    contains: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    form: str,
    as_json: bool,
    output: Path | None,
    export: Path | None,
) -> int:
    """Show collected items, newest first, or export them.

    \b
    Examples:
      hotstream query-data --platform twitter --author NASA
      hotstream query-data --since 2026-01-01 --contains "change stream" --json
      hotstream query-data --task search_001 --export items.csv
    """
    session.log(quiet=True)
    form = "json" if as_json else form
    if export is not None:
        if output is not None:
            raise click.UsageError("give --export or --output, not both")
        form, output = form_of(export), export
        if click.get_current_context().get_parameter_source("limit") is ParameterSource.DEFAULT:
            limit = _ALL
    if form == "table" and limit > _MOST_ROWS:
        raise click.UsageError(f"a table has {_MOST_ROWS} rows at most; use --format jsonl or csv")
    check_target(output, "--output")
    filters = {"platform": platform, "author": author, "task_ids": task_id}
    given: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    days = {"$gte": since, "$lt": until}
    created = {name: iso_utc(value) for name, value in days.items() if value is not None}

    async def work() -> int:
        async with (
            session.settings_with_database(create=False) as settings,
            connected(settings) as mongo,
        ):
            found = reads.items(mongo, given, contains=contains, created=created, limit=limit)
            with opened(output) as out, counted(found, hidden=output is None) as told:
                return await write(form, told, out)

    number = run_async(work)
    if output is not None:
        say(f"{number} items written to {output}")
    elif not number and form == "table":
        say("no items found")
    return 0
