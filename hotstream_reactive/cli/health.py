"""`health`: whether the workers of this folder live, for containers. Loads nothing heavy."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from hotstream_reactive import vitals
from hotstream_reactive.cli.common import plain
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.session import Session
from hotstream_reactive.text import clean, redact
from hotstream_reactive.vitals import Condition

_CODES = {Condition.ALIVE: 0, Condition.DEAF: 1, Condition.DEAD: 3}
_WORST = list(Condition)


@click.command()
@click.option("--worker-id", metavar="ID", help="Only the workers whose id begins like this.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def health(session: Session, *, worker_id: str | None, as_json: bool) -> int:
    """Say whether the workers that were started in this folder are alive; asks no server.

    Reads what they write into monitoring.health_dir. Exit code 0: alive. 1: alive but deaf, that
    is, its event loop is stuck for 20 s, or MongoDB has not answered for 60 s, or the stream is
    dead for 60 s and sweeps are not answered for 30 s. 3: dead, or there is none.

    \b
    Examples:
      hotstream health
      docker exec worker-1 hotstream health --json
    """
    folder = session.settings.monitoring.health_dir
    now = time.monotonic()
    found = [
        (one.worker_id, one.pid, *vitals.judge(one, now))
        for one in (vitals.read_all(Path(folder)) if folder else ())
        if one.worker_id.startswith(worker_id or "")
    ]
    conditions = [condition for *_, condition, _ in found] or [Condition.DEAD]
    worst = max(conditions, key=_WORST.index)
    if as_json:
        workers = [
            {"worker_id": name, "pid": pid, "state": condition, "reason": reason}
            for name, pid, condition, reason in found
        ]
        click.echo(json.dumps({"schema_version": 1, "state": worst, "workers": workers}))
    else:
        for name, _, condition, reason in found:
            words = (condition, name, tr(reason))
            line = "\t".join(clean(word, 1000) for word in words) if plain() else _line(*words)
            click.echo(redact(line))
        if not found:
            where = repr(clean(folder)) if folder else tr('monitoring.health_dir is ""')
            reason = tr("no worker writes its signs of life here ({})").format(where)
            click.echo(f"{Condition.DEAD}\t\t{reason}" if plain() else f"dead  {reason}")
    return _CODES[worst]


def _line(condition: str, name: str, reason: str) -> str:
    return clean(f"{condition:<5} {name}: {reason}", 1000)
