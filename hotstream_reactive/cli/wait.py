"""Following a task to its end: for `create-task --wait` and `watch`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import anyio
from rich.progress import BarColumn, Progress, TextColumn

from hotstream_reactive.cli.common import plain
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.main import WAITED_TOO_LONG
from hotstream_reactive.cli.output import console, say, shown, status_word
from hotstream_reactive.cli.task_words import age_s, ended, fraction, no_such, phase
from hotstream_reactive.errors import DatabaseUnavailable, NotFound
from hotstream_reactive.mongo import reads
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.task_watch import TaskWatch

Show = Callable[[Document], None]

#: An idle worker starts a task within milliseconds, so after this long something is missing.
_WORRY_AFTER_S = 5.0
#: A server that is away for longer will not come back while somebody looks on.
_PATIENCE_S = 20.0
_PAUSE_S = 0.5


async def wait_for(
    mongo: Mongo, task_id: str, *, timeout_s: float | None
) -> tuple[dict[str, Any], int]:
    """Wait for the end of a task, with a bar where there is a terminal.

    Returns:
        The document as it then stands, and the exit code of `follow`.

    Raises:
        NotFound: somebody deleted it.
        DatabaseError: the server failed.
    """
    try:
        with bar() as show:
            _, code = await follow(mongo, task_id, show, timeout_s=timeout_s)
    except NotFound:
        raise _deleted(task_id) from None  # it was there when the wait began
    document = await reads.task(mongo, task_id)
    if document is None:
        raise _deleted(task_id)
    return document, code


async def follow(
    mongo: Mongo, task_id: str, show: Show, *, timeout_s: float | None
) -> tuple[Document, int]:
    """Show the task at the beginning and whenever it may have changed, until it has ended.

    A task with a schedule ends when it is cancelled.

    Returns:
        The last row, and the exit code: 0 completed, 1 failed or cancelled, 124 when `timeout_s`
        seconds have passed.

    Raises:
        NotFound: there is no such task, or it was deleted.
        DatabaseError: the server failed for too long.
    """
    async with TaskWatch(mongo, task_id) as watch:
        return await _to_its_end(watch, task_id, show, timeout_s)


async def _to_its_end(
    watch: TaskWatch, task_id: str, show: Show, timeout_s: float | None
) -> tuple[Document, int]:
    began = time.monotonic()
    worried = False
    row: Document | None = None
    while True:
        found = await _patiently(watch)
        if found is None:
            raise no_such(task_id) if row is None else _deleted(task_id)
        row = found
        show(row)
        if ended(row):
            return row, 0 if status_word(row["status"]) == "completed" else 1
        waited_s = time.monotonic() - began
        if timeout_s is not None and waited_s >= timeout_s:
            word = status_word(row.get("status"))
            say(f"still {word} after {waited_s:.0f} s; the task goes on")
            return row, WAITED_TOO_LONG
        if not worried and waited_s > _WORRY_AFTER_S and _should_run(row):
            worried = True
            say("still pending: is a worker running? Start one with: hotstream start-daemon")
        await watch.changed(_WORRY_AFTER_S if timeout_s is None else timeout_s - waited_s)


async def _patiently(watch: TaskWatch) -> Document | None:
    """Read the task; a server that is away for a moment, as in an election, is waited for."""
    began = time.monotonic()
    told = False
    while True:
        try:
            return await watch.read()
        except DatabaseUnavailable:
            if time.monotonic() - began > _PATIENCE_S:
                raise
        if not told:
            told = True
            say("MongoDB does not answer; still trying")
        await anyio.sleep(_PAUSE_S)


def _should_run(row: Mapping[str, Any]) -> bool:
    """Whether the task is pending and not delayed."""
    late_s = age_s(row.get("run_at"), row["now"])
    return status_word(row.get("status")) == "pending" and (late_s is None or late_s > 0)


def _deleted(task_id: str) -> NotFound:
    return NotFound(f"task {task_id!r} was deleted while waiting for it")


@contextmanager
def bar() -> Iterator[Show]:
    """A bar on stderr, hidden where that is no terminal."""
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %", markup=False),
        TextColumn("{task.fields[items]}", markup=False),
        console=console(sys.stderr),
        transient=True,
        disable=not sys.stderr.isatty() or plain(),
    )
    line = progress.add_task(tr("pending"), total=1.0, items="")

    def show(row: Document) -> None:
        progress.update(
            line, description=tr(phase(row)), completed=fraction(row), items=_items(row)
        )

    with progress:
        yield show


def _items(row: Mapping[str, Any]) -> str:
    """How many items so far, and how quickly they come."""
    count = row.get("result_count")
    text = tr("{} items").format(shown(count, 20)) if count is not None else ""
    run_s = age_s(row.get("started_at"), row["now"])
    if isinstance(count, int) and count and run_s and status_word(row.get("status")) == "running":
        text += f", {count / max(run_s, 0.1):.1f}/s"
    return text
