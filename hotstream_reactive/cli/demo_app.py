"""The demo's external application: plain inserts and updates, and a change stream to look on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import anyio
import anyio.abc
import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from hotstream_reactive.cli.common import plain
from hotstream_reactive.cli.language import tr
from hotstream_reactive.errors import HotStreamError
from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.text import clean

WORDS = {
    TaskStatus.PENDING: "waiting",
    TaskStatus.RUNNING: "running",
    TaskStatus.COMPLETED: "completed",
    TaskStatus.FAILED: "failed",
    TaskStatus.CANCELLED: "cancelled",
}


class DemoFailed(HotStreamError):
    """The demo did not end as it should; the message says at which step."""


class Seen(msgspec.Struct):
    """What the application has seen of one task; times are monotonic seconds."""

    inserted: float
    started: float = 0.0
    ended: float = 0.0
    status: int = TaskStatus.PENDING
    progress: float = 0.0
    items: int = 0


class Application:
    """The external application: plain inserts and updates, and a change stream to look on."""

    def __init__(self, mongo: Mongo, console: Console) -> None:
        self._mongo = mongo
        self._console = console
        self._changed = anyio.Event()
        self.seen: dict[str, Seen] = {}

    async def insert(
        self,
        task_id: str,
        *,
        task_type: str,
        limit: int,
        keywords: list[str] | None = None,
        accounts: list[str] | None = None,
        priority: int = 5,
        immediate: bool = False,
    ) -> None:
        """Write the document that the README shows."""
        now = datetime.now(UTC)
        words = keywords or accounts or []
        wanted = {"keywords": words} if keywords else {"accounts": words}
        self.seen[task_id] = Seen(inserted=time.monotonic())
        await self._mongo.tasks.insert_one(
            {
                "task_id": task_id,
                "name": f"demo {task_id}",
                "platform": "twitter",
                "task_type": task_type,
                **wanted,
                "status": 0,
                "priority": priority,
                "immediate": immediate,
                "options": {"limit": limit},
                "storage_config": {"type": "mongodb"},
                "retry_count": 3,
                "current_retry": 0,
                "timeout": 3600,
                "created_at": now,
                "updated_at": now,
            }
        )
        say(
            self._console,
            "insert",
            f"{task_id}: {task_type} {' '.join(next(iter(wanted.values())) or [])}",
        )

    async def edit(self, task_id: str, fields: Mapping[str, Any], what: str) -> None:
        """Change a task with a plain `updateOne`."""
        say(self._console, "update", f"{task_id}: {what}")
        await self._mongo.tasks.update_one({"task_id": task_id}, {"$set": dict(fields)})

    async def watch(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        """Follow all changes of the tasks, until cancelled."""
        stream = await self._mongo.driver.watch(
            await self._mongo.stream_tasks(),
            [{"$match": {"operationType": {"$in": ["update", "replace"]}}}],
            max_await_ms=500,
        )
        ids: dict[Any, str] = {}
        task_status.started()
        while True:
            event = await stream.try_next()
            if event is None:
                continue
            key = event["documentKey"]["_id"]
            if key not in ids:
                found = await self._mongo.tasks.find_one({"_id": key}, {"task_id": 1})
                ids[key] = str(found and found["task_id"])
            changed = event.get("fullDocument") or event["updateDescription"]["updatedFields"]
            if ids[key] in self.seen:
                self._note(ids[key], changed)

    def _note(self, task_id: str, changed: Mapping[str, Any]) -> None:
        seen = self.seen[task_id]
        seen.items = changed.get("result_count", seen.items)
        seen.progress = changed.get("progress", seen.progress)
        status = changed.get("status", seen.status)
        if status != seen.status:
            now = time.monotonic()
            seen.status = status
            if status == TaskStatus.RUNNING:
                seen.started = now
                say(
                    self._console,
                    "picked up",
                    f"{task_id} {(now - seen.inserted) * 1000:.1f} ms after its insert",
                )
            elif status in {TaskStatus.COMPLETED, TaskStatus.FAILED}:
                seen.ended = now
                items = tr("{} items").format(seen.items)
                say(self._console, WORDS[TaskStatus(status)], f"{task_id}, {items}")
        elif "progress" in changed and seen.status == TaskStatus.RUNNING:
            bar = "" if plain() else f"{'█' * round(seen.progress * 20):<20} "
            stored = tr("{} items stored").format(seen.items)
            say(self._console, "progress", f"{task_id} {bar}{seen.progress:4.0%}, {stored}")
        if changed.get("completed_at") and seen.status == TaskStatus.CANCELLED:
            seen.ended = time.monotonic()
            say(self._console, "cancelled", f"{task_id} has stopped, {seen.items} items kept")
        self._changed.set()

    async def until(self, task_id: str, status: TaskStatus) -> None:
        """Wait until the task has come to this state.

        Raises:
            DemoFailed: it ended otherwise.
        """
        await self._until(task_id, lambda seen: seen.status >= status)
        if status != TaskStatus.RUNNING and self.seen[task_id].status != status:
            found = await self._mongo.tasks.find_one({"task_id": task_id}, {"error_message": 1})
            raise DemoFailed(
                f"{task_id} should be {WORDS[status]} but is "
                f"{WORDS[TaskStatus(self.seen[task_id].status)]}: "
                f"{clean(str(found and found.get('error_message')))}"
            )

    async def until_ended(self, task_id: str) -> None:
        """Wait until the run has really stopped."""
        await self._until(task_id, lambda seen: seen.ended > 0)

    async def until_items(self, task_id: str, count: int) -> None:
        """Wait until that many items of the task are stored."""
        await self._until(task_id, lambda seen: seen.items >= count)

    async def _until(self, task_id: str, reached: Callable[[Seen], bool]) -> None:
        while not reached(self.seen[task_id]):
            self._changed = anyio.Event()
            await self._changed.wait()


def head(console: Console, text: str) -> None:
    console.print(Text(f"\n{tr(text)}", style="bold"))


def say(console: Console, what: str, text: str) -> None:
    style = {"failed": "dark_orange"}.get(what, "blue")
    label = tr(what)
    space = " " * (10 - cell_len(label))
    console.print(Text.assemble((f"{space}{label}  ", style), clean(tr(text), 160)))
