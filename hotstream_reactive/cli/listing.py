"""`list`: tasks in rows, for people, for `grep` and for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from hotstream_reactive.cli import output
from hotstream_reactive.cli.arguments import text
from hotstream_reactive.cli.common import plain
from hotstream_reactive.cli.complete import platforms
from hotstream_reactive.cli.output import Column
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.cli.task_words import iso, note, percent, urgency, when
from hotstream_reactive.model.task import TaskStatus

STATUS_WORDS = [status.name.lower() for status in TaskStatus]
_COLUMNS = [
    Column("task", least=10, most=40),
    Column("name", least=8, most=30, keep=2),
    Column("platform", least=8, most=16, keep=6),
    Column("type", least=6, keep=1),
    Column("status", least=9),
    Column("prio", least=3, keep=4, right=True),
    Column("done", least=4, keep=5, right=True),
    Column("items", least=5, keep=7, right=True),
    Column("when", least=10, keep=8),
    Column("note", least=12, keep=3),
]
_DATES = ("run_at", "created_at", "started_at", "completed_at")


@click.command("list")
@click.option(
    "--status", type=click.Choice([*STATUS_WORDS, "invalid"]), help="Only tasks in this state."
)
@click.option(
    "--platform", type=text, shell_complete=platforms, help="Only tasks of this platform."
)
@click.option("--worker", type=text, metavar="ID", help="Only tasks that this worker ran last.")
@click.option(
    "--due/--delayed", default=None, help="Only pending ones: in queue order, or by their time."
)
@click.option(
    "-l", "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def list_tasks(session: Session, /, **given: Any) -> int:
    """List tasks, newest first: what waits, runs, is done, failed.

    \b
    Examples:
      hotstream list --status failed --platform twitter
      hotstream list --due --plain | cut -f1

    \b
    The fields of --plain: id, name, platform, type, status, priority (! for immediate),
    progress, items, run_at, created_at, started_at, completed_at, worker, error.
    """
    if given["due"] is not None and given["status"] not in (None, "pending"):
        raise click.UsageError("--due and --delayed are of pending tasks; leave out --status")
    if plain() and given["as_json"]:
        raise click.UsageError("give --plain or --json, not both")
    session.log(quiet=True)
    limit = given["limit"]
    rows = run_async(lambda: _read(session, given))
    more, rows = len(rows) > limit, rows[:limit]
    if given["as_json"]:
        output.emit_json({"tasks": [as_tree(row) for row in rows], "more": more})
    elif plain():
        for row in rows:
            click.echo(_plain(row))
    else:
        _show(rows)
        if more:
            output.say(f"there are more than {limit}: --limit shows more, filters show fewer")
    return 0


async def _read(session: Session, given: dict[str, Any]) -> list[dict[str, Any]]:
    from hotstream_reactive.mongo import listing
    from hotstream_reactive.mongo.client import connected

    word = given["status"]
    filters = listing.Filters(
        status=TaskStatus[word.upper()] if word in STATUS_WORDS else word,
        platform=given["platform"],
        worker=given["worker"],
        due=given["due"],
    )
    async with (
        session.settings_with_database(create=False) as settings,
        connected(settings) as mongo,
    ):
        return await listing.rows(mongo, filters, limit=given["limit"] + 1)


def as_tree(row: dict[str, Any]) -> dict[str, Any]:
    """A row for programs: the status as a word, dates in UTC, secrets left out."""
    from hotstream_reactive.settings import redacted

    tree: dict[str, Any] = redacted("", {k: v for k, v in row.items() if k != "now"})
    dates = {k: iso(v) for k, v in tree.items() if isinstance(v, datetime)}
    return {**tree, **dates, "status": output.status_word(row.get("status"))}


def _show(rows: list[dict[str, Any]]) -> None:
    if not rows:
        output.say("no tasks found")
        return
    cells = [
        [
            row.get("task_id"),
            _name(row),
            row.get("platform"),
            row.get("task_type"),
            output.status_word(row.get("status")),
            urgency(row),
            percent(row),
            row.get("result_count"),
            when(row, row["now"]),
            note(row),
        ]
        for row in rows
    ]
    columns = list(_COLUMNS)
    if not any(line[1] for line in cells):
        del columns[1]
        for line in cells:
            del line[1]
    output.print_table(columns, cells)


def _name(row: dict[str, Any]) -> Any:
    """The name where it says more than the id."""
    return "" if row.get("name") == row.get("task_id") else row.get("name")


def _plain(row: dict[str, Any]) -> str:
    from hotstream_reactive.text import redact

    fields = [
        *(row.get(name) for name in ("task_id", "name", "platform", "task_type")),
        output.status_word(row.get("status")),
        urgency(row),
        row.get("progress"),
        row.get("result_count"),
        *(iso(row.get(name)) for name in _DATES),
        row.get("worker_id"),
        row.get("error_message"),
    ]
    return "\t".join(redact(output.shown(value, 1000)) for value in fields)
