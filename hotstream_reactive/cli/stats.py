"""`task-stats`: the queue in numbers."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import click

from hotstream_reactive.cli import output
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.output import Column, moment, span, status_word
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo import reads
from hotstream_reactive.mongo.client import connected
from hotstream_reactive.text import size

_WORDS = [status.name.lower() for status in TaskStatus]
_MOST_WORKERS_SHOWN = 20


class Stats(NamedTuple):
    """What `task-stats` shows; platforms map to numbers by the word of the status."""

    by_status: dict[str, int]
    by_platform: dict[str, dict[str, int]]
    waiting: reads.Waiting
    workers: list[reads.WorkerSeen]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def task_stats(session: Session, *, as_json: bool) -> int:
    """Count the tasks: by status and platform, waiting, running, and by whom.

    \b
    Examples:
      hotstream task-stats
      hotstream task-stats --json | jq .by_status.failed
    """
    session.log(quiet=True)
    stats = run_async(lambda: _read(session))
    if as_json:
        output.emit_json(_as_json(stats))
    else:
        _show(stats)
    return 0


async def _read(session: Session) -> Stats:
    async with (
        session.settings_with_database(create=False) as settings,
        connected(settings) as mongo,
    ):
        by_status = dict.fromkeys(_WORDS, 0)
        for status, _, number in await reads.counts(mongo):
            word = status_word(status)
            by_status[word] = by_status.get(word, 0) + number
        by_platform: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for status, platform, number in await reads.counts(mongo, "platform"):
            # A writer may have put anything there; equal texts are one row.
            by_platform[output.shown(platform, 64)][status_word(status)] += number
        return Stats(
            by_status=by_status,
            by_platform={name: dict(row) for name, row in by_platform.items()},
            waiting=await reads.waiting(mongo),
            workers=await reads.workers(mongo),
        )


def _as_json(stats: Stats) -> dict[str, Any]:
    return {
        "total": sum(stats.by_status.values()),
        "by_status": stats.by_status,
        "by_platform": stats.by_platform,
        "waiting": stats.waiting,
        "running": {
            "count": _running(stats),
            "oldest_heartbeat_age_s": max(
                (w.heartbeat_age_s for w in stats.workers if w.running and w.heartbeat_age_s),
                default=None,
            ),
        },
        "workers": stats.workers,
    }


def _show(stats: Stats) -> None:
    words = [word for word in (*_WORDS, "invalid") if word in stats.by_status]
    columns = [Column("platform", least=8, most=32)]
    columns += [Column(word, least=len(word), keep=n, right=True) for n, word in enumerate(words)]
    rows = [
        [name, *(numbers.get(word, 0) for word in words)]
        for name, numbers in sorted(stats.by_platform.items())
    ]
    output.print_table(columns, [*rows, [tr("all"), *(stats.by_status[word] for word in words)]])
    waiting = stats.waiting
    line = tr(f"waiting: {waiting.due} due, {waiting.delayed} delayed")
    if waiting.oldest_due_age_s is not None:
        line += tr(f"; the oldest due since {moment(waiting.oldest_due_age_s, span)}")
    if waiting.next_due_in_s is not None:
        line += tr(f"; the next delayed one {moment(-waiting.next_due_in_s)}")
    click.echo(f"\n{line}")
    click.echo(tr("running: {}").format(_running(stats) or tr("none")))
    _show_workers(stats.workers)


def _running(stats: Stats) -> int:
    return sum(worker.running for worker in stats.workers)


def _show_workers(workers: list[reads.WorkerSeen]) -> None:
    if not workers:
        click.echo(tr("workers: none seen"))
        return
    click.echo()
    seen = workers[:_MOST_WORKERS_SHOWN]
    output.print_table(
        [
            Column("worker", least=12),
            Column("running", least=7, right=True),
            Column("slots", least=5, keep=2, right=True),
            Column("stream", least=8, keep=1),
            Column("memory", least=7, keep=3, right=True),
            Column("last heartbeat", least=14),
        ],
        [
            [
                *(w.worker_id, w.running, w.slots, w.stream, size(w.memory_bytes)),
                moment(w.heartbeat_age_s),
            ]
            for w in seen
        ],
    )
    if more := len(workers) - len(seen):
        click.echo(tr("+{} more").format(more))
