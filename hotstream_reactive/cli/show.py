"""`show`: all there is to know of one task, and its last runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import click

from hotstream_reactive.cli import output
from hotstream_reactive.cli.arguments import text
from hotstream_reactive.cli.common import in_utc
from hotstream_reactive.cli.complete import tasks as task_ids
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.output import Column, ago, span, status_word
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.cli.task_words import age_s, iso, no_such, urgency, when

#: The groups in which people read a task; whatever is in none of them is the writer's own.
_GROUPS: dict[str, tuple[str, ...]] = {
    "what": (
        *("platform", "task_type", "keywords", "accounts", "options", "storage_config", "timeout"),
        *("schedule", "timezone"),
    ),
    "queue": ("run_at", "retry_count", "current_retry", "rescues", "armed_for", "checkpoint"),
    "last run": (
        *("worker_id", "lease_id", "run_number", "started_at", "last_heartbeat", "completed_at"),
        *("progress", "result_count"),
    ),
    "written": ("created_at", "updated_at"),
}
_HEAD = frozenset({"task_id", "name", "status", "priority", "immediate", "error_message"})
_SILENT: tuple[Any, ...] = (None, "", [], {})
_RUN_COLUMNS = [
    Column("run", least=3, right=True),
    Column("worker", least=8, most=30, keep=2),
    Column("outcome", least=9),
    Column("items", least=5, keep=4, right=True),
    Column("took", least=6, keep=3, right=True),
    Column("when", least=10, keep=1),
    Column("error", least=12),
]


class Known(NamedTuple):
    """A task, its last runs, the next times of its schedule, and the server's time."""

    task: dict[str, Any]
    runs: list[dict[str, Any]]
    now: datetime


@click.command()
@click.argument("task", type=text, shell_complete=task_ids)
@click.option(
    "--runs",
    "number",
    type=click.IntRange(0, 1000),
    default=5,
    show_default=True,
    help="Last runs.",
)
@click.option("--log", is_flag=True, help="With the last lines of the log of the last run.")
@click.option("--run", type=int, metavar="N", help="The log of this run instead; implies --log.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def show(
    session: Session,
    *,
    task: str,
    number: int,
    log: bool,
    run: int | None,
    as_json: bool,
) -> int:
    """Show TASK as it stands, its last runs, and what a run wrote into the log.

    \b
    Examples:
      hotstream show search_001
      hotstream show search_001 --log --run 3

    \b
    The exit code is 3 when there is no such task.
    """
    session.log(quiet=True)
    log = log or run is not None
    # Whoever asks for a certain run means one of all that are kept.
    known = run_async(lambda: _read(session, task, max(number, 1000 if run is not None else 1)))
    logged = next((r for r in known.runs if run in (None, r.get("run_number"))), None)
    if as_json:
        _emit(known, number, logged if log else None)
        return 0
    for line in _lines(known):
        output.line(line)
    _show_runs(known, number)
    if log:
        _show_log(logged, run)
    return 0


async def _read(session: Session, task_id: str, number: int) -> Known:
    from hotstream_reactive.mongo import listing, reads
    from hotstream_reactive.mongo.client import connected

    async with (
        session.settings_with_database(create=False) as settings,
        connected(settings) as mongo,
    ):
        document = await reads.task(mongo, task_id)
        if document is None:
            raise no_such(task_id)
        runs = await listing.runs(mongo, task_id, limit=number)
        return Known(document, runs, await reads.server_time(mongo))


def _emit(known: Known, number: int, logged: dict[str, Any] | None) -> None:
    from hotstream_reactive.settings import redacted

    runs = [{k: v for k, v in run.items() if k not in ("log", "trace")} for run in known.runs]
    fields = {
        "task_id": known.task.get("task_id"),
        "status": status_word(known.task.get("status")),
        "task": known.task,
        "runs": runs[:number],
    }
    if logged is not None:
        kept = {name: logged.get(name) or [] for name in ("log", "trace")}
        fields["log"] = {"run_number": logged.get("run_number"), **kept}
    output.emit_json(redacted("", fields))


def _lines(known: Known) -> Iterator[str]:
    task, now = known.task, known.now
    name = task.get("name")
    title = output.shown(task.get("task_id"))
    yield title if name in (None, task.get("task_id")) else f"{title}  {output.shown(name)}"
    word = status_word(task.get("status"))
    said = when(task, now)
    state = word if word != "invalid" else f"invalid: {output.shown(task.get('status'))}"
    urgent = tr("priority {}").format(urgency(task) or tr("not given"))
    yield f"{state}{f' {said}' if said else ''}, {urgent}"
    if error := task.get("error_message"):
        yield tr("error: {}").format(output.shown(error, 2000))
    groups = dict(_GROUPS)
    others = task.keys() - _HEAD - {name for names in groups.values() for name in names}
    groups["other fields"] = tuple(sorted(others, key=str))
    for heading, names in groups.items():
        there = [name for name in names if task.get(name) not in _SILENT]
        if there:
            yield ""
            yield f"{tr(heading)}:"
        for name in there:
            yield f"  {output.shown(name, 40):<15} {_value(name, task[name], now)}"
    yield from _next_times(task, now)


def _value(name: str, value: Any, now: datetime) -> str:
    from hotstream_reactive.settings import redacted

    value = redacted(name, value)
    if isinstance(value, datetime):
        return iso(value) if in_utc() else f"{iso(value)} ({ago(age_s(value, now))})"
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return output.shown(", ".join(value), 1000)
    return output.shown(value if isinstance(value, str) else output.to_json(value), 1000)


def _next_times(task: Mapping[str, Any], now: datetime) -> Iterator[str]:
    from hotstream_reactive.cli.fire_times import fire_times

    times = fire_times(task.get("schedule"), task.get("timezone"), now)
    if times:
        yield ""
        yield tr("the schedule fires next:")
        for local, utc in times:
            yield f"  {local}  {utc}"


def _show_runs(known: Known, number: int) -> None:
    runs = known.runs[:number]
    if not runs:
        return
    click.echo()
    output.print_table(_RUN_COLUMNS, [_run_row(run, known.now) for run in runs])


def _run_row(run: Mapping[str, Any], now: datetime) -> list[object]:
    from hotstream_reactive.text import redact

    took_ms = run.get("elapsed_ms")
    number = isinstance(took_ms, int | float) and not isinstance(took_ms, bool)
    finished = run.get("finished_at")
    return [
        run.get("run_number"),
        run.get("worker_id"),
        run.get("outcome"),
        run.get("result_count"),
        _took(took_ms / 1000) if number and took_ms is not None else "",
        iso(finished) if in_utc() else ago(age_s(finished, now)),
        redact(output.shown(run.get("error"), 300)),
    ]


def _took(seconds: float) -> str:
    return f"{seconds:.1f} {tr('s')}" if 0 <= seconds < 100 else span(seconds)


def _show_log(run: Mapping[str, Any] | None, number: int | None) -> None:
    """The kept lines of a run; where it failed comes last, as in a traceback."""
    if run is None:
        which = "" if number is None else f" {number}"
        output.say(f"no run{which} is kept; runs are kept for monitoring.runs_retention_days")
        return
    click.echo()
    output.line(tr(f"log of run {output.shown(run.get('run_number'))}:"))
    lines = [line for line in run.get("log") or () if isinstance(line, str)]
    for line in lines or [tr("(no lines were kept)")]:
        output.line(f"  {line}")
    trace = [line for line in run.get("trace") or () if isinstance(line, str)]
    if trace:
        output.line(tr("raised at:"))
    for line in trace:
        output.line(f"  {line}")
