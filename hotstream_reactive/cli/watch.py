"""`watch`: one task, live, to its end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from hotstream_reactive.cli import output
from hotstream_reactive.cli.arguments import text
from hotstream_reactive.cli.complete import tasks as task_ids
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.listing import as_tree
from hotstream_reactive.cli.output import SCHEMA_VERSION, status_word
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.cli.task_words import iso, note, percent, phase
from hotstream_reactive.cli.wait import Show, bar, follow


@click.command()
@click.argument("task", type=text, shell_complete=task_ids)
@click.option("--timeout", type=click.FloatRange(min=0), help="Stop watching, seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per change.")
@click.pass_obj
def watch(session: Session, *, task: str, timeout: float | None, as_json: bool) -> int:
    """Follow TASK until it has ended: its phase, progress and items.

    A task with a schedule comes back again and again, and is followed until it is cancelled.

    \b
    Examples:
      hotstream watch search_001
      hotstream watch search_001 --timeout 60 --json | jq .progress

    \b
    The exit code is 0 completed, 1 failed or cancelled, 3 no such task, 124 watched too long.
    """
    session.log(quiet=True)
    return run_async(lambda: _watch(session, task, timeout, as_json=as_json))


async def _watch(session: Session, task: str, timeout_s: float | None, *, as_json: bool) -> int:
    from hotstream_reactive.mongo.client import connected

    live = sys.stdout.isatty() and sys.stderr.isatty() and not as_json
    async with (
        session.settings_with_database(create=False) as settings,
        connected(settings) as mongo,
    ):
        with bar() if live else _changes(as_json=as_json) as show:
            row, code = await follow(mongo, task, show, timeout_s=timeout_s)
    if live:
        error = row.get("error_message")
        count = tr("{} items").format(output.shown(row.get("result_count")))
        output.line(f"{status_word(row.get('status'))}: {count}" + (f", {error}" if error else ""))
    return code


@contextmanager
def _changes(*, as_json: bool) -> Iterator[Show]:
    """A line for each change that a person or a program can see."""
    before: tuple[object, ...] = ()

    def show(row: Mapping[str, Any]) -> None:
        nonlocal before
        seen = (
            *(row.get("status"), percent(row), row.get("result_count"), note(row)),
            *(row.get("worker_id"), row.get("run_number"), row.get("run_at")),
        )
        if seen == before:
            return
        before = seen
        if as_json:
            at = {"schema_version": SCHEMA_VERSION, "at": iso(row["now"]), "phase": phase(row)}
            click.echo(output.to_json(at | as_tree({k: v for k, v in row.items() if k != "_id"})))
        else:
            output.line(_line(row))
        # Whoever reads a pipe wants to see the change when it happens.
        sys.stdout.flush()

    yield show


def _line(row: Mapping[str, Any]) -> str:
    parts = [iso(row["now"]), f"{tr(phase(row)):<10}", f"{percent(row):>4}"]
    count = row.get("result_count")
    items = tr("{} items").format(output.shown(0 if count is None else count, 12))
    parts.append(f"{items:>12}")
    return "  ".join([*parts, note(row)]).rstrip()
