"""`explain`: what keeps a task from starting."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from hotstream_reactive.cli import output
from hotstream_reactive.cli.arguments import text
from hotstream_reactive.cli.common import in_utc
from hotstream_reactive.cli.complete import tasks as task_ids
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.cli.task_words import iso
from hotstream_reactive.model.holds import Hold, holds
from hotstream_reactive.mongo.client import connected
from hotstream_reactive.mongo.situation import gather


@click.command()
@click.argument("task", type=text, shell_complete=task_ids)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def explain(session: Session, *, task: str, as_json: bool) -> int:
    """Say what keeps TASK from starting, one thing on a line, or that it may start now.

    It asks the conditions by which the workers decide. Times are those of the server.

    \b
    Examples:
      hotstream explain search_001
      hotstream explain search_001 --json | jq '.holds[].name'

    \b
    The exit code is 3 when there is no such task.
    """
    session.log(quiet=True)
    status, now, found = run_async(lambda: _explain(session, task))
    if as_json:
        output.emit_json(
            {"task_id": task, "status": status, "may_start": not found, "now": now, "holds": found}
        )
        return 0
    for hold in found:
        output.line(_line(hold, now))
    if not found:
        output.line(tr("may start now"))
    return 0


async def _explain(session: Session, task_id: str) -> tuple[str, datetime, list[Hold]]:
    async with (
        session.settings_with_database(create=False) as settings,
        connected(settings) as mongo,
    ):
        document, situation = await gather(
            mongo, task_id, zombie_timeout_s=settings.scheduler.zombie_timeout
        )
        status = output.status_word(document.get("status", 0))
        return status, situation.now, holds(document, situation)


def _line(hold: Hold, now: datetime) -> str:
    text = f"{hold.name}: {tr(hold.reason)}"
    if hold.until is not None:
        when = iso(hold.until) if in_utc() else _when(hold.until, now)
        text += f" ({tr('until {}').format(when)})"
    return f"{text} [{tr('by {}').format(', '.join(hold.by))}]" if hold.by else text


def _when(until: datetime, now: datetime) -> str:
    relative = output.ago(-max((until - now).total_seconds(), 0.01))
    return f"{until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, {relative}"
