"""The last lines of a task's log, kept with its run.

A sink of the log, like the terminal: it gets what adapters say through `context.log` and what the
engine says of a task, at the level that is logged anyway. Lines of tasks that do not run here are
dropped, so memory is bounded by the slots.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC
from typing import TYPE_CHECKING

import anyio
from loguru import logger

from hotstream_reactive.engine.retry import describe
from hotstream_reactive.text import clean, redact

if TYPE_CHECKING:
    from loguru import Message, Record

MOST_LINES = 50
LONGEST_LINE = 300  # characters, without time and level
#: `logs.configure` shortens ids like this before any sink sees them.
_ID_LIMIT = 128


class RunLog:
    """Collects the lines of the runs that are open.

    Lines may come from any thread; opening and closing is for the event loop.
    """

    def __init__(self) -> None:
        self._by_task: dict[str, list[str]] = {}
        self._by_lease: dict[str, tuple[set[str], list[str]]] = {}

    async def listen(self, level: str) -> None:
        """Listen to the log from this level on, until cancelled."""
        sink = logger.add(
            self._keep, level=level, format="{message}", filter=self._wanted, diagnose=False
        )
        try:
            await anyio.sleep_forever()
        finally:
            # Somebody who configured the log anew has removed all sinks.
            with suppress(ValueError):
                logger.remove(sink)

    def open(self, task_id: str, lease_id: str) -> None:
        """Begin to collect for a run; a late run of the same task gets nothing more."""
        lines: list[str] = []
        names = _names(task_id)
        for name in names:
            self._by_task[name] = lines
        self._by_lease[lease_id] = (names, lines)

    def close(self, lease_id: str) -> list[str]:
        """End collecting and give the last lines, oldest first: time, level, text."""
        names, lines = self._by_lease.pop(lease_id, (set[str](), list[str]()))
        for name in names:
            if self._by_task.get(name) is lines:
                del self._by_task[name]
        return lines

    def _wanted(self, record: Record) -> bool:
        task_id = record["extra"].get("task_id")
        return isinstance(task_id, str) and task_id in self._by_task

    def _keep(self, message: Message) -> None:
        record = message.record
        lines = self._by_task.get(record["extra"]["task_id"])
        if lines is None:
            return
        text = record["message"]
        exception = record["exception"]
        if exception is not None and exception.value is not None:
            text = f"{text} ({describe(exception.value)})"
        at = record["time"].astimezone(UTC).isoformat(timespec="milliseconds")
        level = record["level"].name
        del lines[: 1 - MOST_LINES]
        lines.append(f"{at.replace('+00:00', 'Z')} {level} {clean(redact(text), LONGEST_LINE)}")


def _names(task_id: str) -> set[str]:
    """How a record may name the task: as it is, and as a log line shows it."""
    return {task_id, clean(redact(task_id), _ID_LIMIT)}
