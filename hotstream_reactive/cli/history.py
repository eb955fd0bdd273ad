"""`history`: what happened to a task and when, also edits by other programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from hotstream_reactive.cli import output
from hotstream_reactive.cli.arguments import text
from hotstream_reactive.cli.complete import tasks as task_ids
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.errors import NotFound
from hotstream_reactive.mongo import history as records
from hotstream_reactive.mongo.client import connected

#: The recorder writes its position every few seconds, so after this long there is none.
_SILENT_S = 60.0
_HOW = (
    "Switch it on for the workers with [history] enabled = true in config.toml or "
    "HOTSTREAM_HISTORY_ENABLED=true, and start them again."
)
#: How the engine keeps its books; `--json` shows these too.
_BOOKKEEPING = frozenset(
    {
        *("lease_id", "started_at", "completed_at", "created_at", "armed_for", "run_number"),
        *("rescues", "checkpoint", "current_retry", "retry_count", "timeout", "name"),
        *("storage_config", "progress"),
    }
)


@click.command()
@click.argument("task", type=text, shell_complete=task_ids)
@click.option(
    "-n", "limit", type=click.IntRange(1, 100_000), default=50, help="Most records, the last ones."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def history(session: Session, *, task: str, limit: int, as_json: bool) -> int:
    """Show what happened to TASK and when, oldest first, also edits by other programs.

    There is a history only where a worker records one: [history] enabled = true.

    \b
    Examples:
      hotstream history search_001
      hotstream history search_001 -n 500 --json | jq '.entries[] | select(.by == "outside")'

    \b
    The exit code is 3 when nothing is known of the task.
    """
    session.log(quiet=True)
    state, entries = run_async(lambda: _read(session, task, limit))
    if not entries:
        raise NotFound(_nothing(task, state))
    if state.silent_s is None or state.silent_s > _SILENT_S:
        output.say(f"nobody records now, the last time was {output.ago(state.silent_s)}. {_HOW}")
    if as_json:
        output.emit_json(
            {
                "task_id": task,
                "recorded_since": state.since,
                "entries": [
                    {k: _iso(v) if isinstance(v, datetime) else v for k, v in entry.items()}
                    for entry in entries
                ],
            }
        )
    else:
        for entry in entries:
            for line in _lines(entry):
                output.line(line)
    return 0


async def _read(
    session: Session, task: str, limit: int
) -> tuple[records.Recording, list[dict[str, Any]]]:
    async with (
        session.settings_with_database(create=False) as settings,
        connected(settings) as mongo,
    ):
        return await records.recording(mongo), await records.history(mongo, task, limit=limit)


def _nothing(task: str, state: records.Recording) -> str:
    if state.since is None:
        return f"no history of task {task!r}: history is not recorded.\n{_HOW}"
    since = f"history is recorded since {_iso(state.since)}"
    if state.silent_s is None or state.silent_s > _SILENT_S:
        since = f"nobody records since {output.ago(state.silent_s)}. {_HOW}"
    return f"no history of task {task!r}.\nCheck the id; {since}"


def _lines(entry: dict[str, Any]) -> Iterator[str]:
    """One line for the record, and one for each change that says something to people."""
    at = entry.get("at")
    head = [_iso(at) if isinstance(at, datetime) else output.shown(at), tr(str(entry.get("kind")))]
    if entry.get("kind") == "gap":
        reason = output.shown(entry.get("reason"))
        yield f"{'  '.join(head)}: {reason}; {tr('something may be missing here')}"
        return
    head.append(tr("by {}").format(entry.get("worker_id") or entry.get("by")))
    yield "  ".join(head)
    engine = entry.get("by") == "engine"
    for change in entry.get("changes") or ():
        field = str(change.get("field"))
        if not (engine and field.partition(".")[0] in _BOOKKEEPING):
            yield f"    {output.shown(field)}: {_way(field, change)}"


def _way(field: str, change: dict[str, Any]) -> str:
    new = _value(field, change["to"]) if "to" in change else tr("removed")
    return f"{_value(field, change['from'])} → {new}" if "from" in change else f"→ {new}"


def _value(field: str, value: Any) -> str:
    if value is None:
        return tr("none")
    if field == "status":
        return f"{output.status_word(value)} ({output.shown(value)})"
    return _iso(value) if isinstance(value, datetime) else output.shown(value)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
