"""Waiting for a task to end, with a bar where there is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
from rich.progress import BarColumn, Progress, TextColumn

from hotstream_reactive.cli.main import WAITED_TOO_LONG
from hotstream_reactive.cli.output import console, say, shown, status_word
from hotstream_reactive.errors import NotFound
from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo import reads
from hotstream_reactive.mongo.client import Mongo

_PAUSE_S = 0.2
#: An idle worker starts a task within milliseconds, so after this long something is missing.
_WORRY_AFTER_S = 5.0
_ENDED = {TaskStatus.COMPLETED: 0, TaskStatus.FAILED: 1, TaskStatus.CANCELLED: 1}


async def wait_for(
    mongo: Mongo, task_id: str, *, timeout_s: float | None
) -> tuple[dict[str, Any], int]:
    """Wait for the end of a task.

    Returns:
        The document as it then stands, and the exit code: 0 completed, 1 failed or cancelled, 124
        when `timeout_s` seconds have passed.

    Raises:
        NotFound: somebody deleted it.
        DatabaseError: the server failed.
    """
    began = time.monotonic()
    worried = False
    with _progress() as show:
        while True:
            document = await reads.task(mongo, task_id)
            if document is None:
                raise NotFound(f"task {task_id!r} was deleted while waiting for it")
            status = document.get("status")
            if status in _ENDED:
                return document, _ENDED[status]
            waited_s = time.monotonic() - began
            if timeout_s is not None and waited_s >= timeout_s:
                say(f"still {status_word(status)} after {waited_s:.0f} s; the task goes on")
                return document, WAITED_TOO_LONG
            if status == TaskStatus.PENDING and not worried and waited_s > _WORRY_AFTER_S:
                worried = True
                say("still pending: is a worker running? Start one with: hotstream start-daemon")
            show(document)
            await anyio.sleep(_pause_s(waited_s, timeout_s))


def _pause_s(waited_s: float, timeout_s: float | None) -> float:
    return _PAUSE_S if timeout_s is None else min(_PAUSE_S, max(timeout_s - waited_s, 0.0))


@contextmanager
def _progress() -> Iterator[Callable[[dict[str, Any]], None]]:
    """A bar on stderr, hidden where that is no terminal."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[items]} items", markup=False),
        console=console(sys.stderr),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    line = bar.add_task("pending", total=1.0, items=0)

    def show(document: dict[str, Any]) -> None:
        progress = document.get("progress")
        bar.update(
            line,
            description=status_word(document.get("status")),
            completed=progress if isinstance(progress, int | float) else 0.0,
            items=shown(document.get("result_count"), 20),
        )

    with bar:
        yield show
