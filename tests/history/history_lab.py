"""Recorders to start and stop, and what they have written."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
from pymongo.database import Database

from hotstream_reactive.engine.events import Event, Events
from hotstream_reactive.engine.recorder import Recorder
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.history import HistoryKeeper

Document = dict[str, Any]


async def until(condition: Callable[[], Any], *, timeout_s: float = 15.0) -> Any:
    """Wait until the condition holds, and give what it gave."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        await anyio.sleep(0.02)
    return value


class Lab:
    """The database as an outside program sees it, and recorders beside it."""

    def __init__(self, mongo: Mongo, database: Database[Document]) -> None:
        self.mongo = mongo
        self.database = database
        self.tasks = database.tasks
        self.events: list[Event] = []

    def keeper(self) -> HistoryKeeper:
        return HistoryKeeper(self.mongo, retention_days=14)

    @asynccontextmanager
    async def recording(
        self, worker_id: str = "r1", *, keeper: Any = None, zombie_timeout_s: float = 2.0
    ) -> AsyncIterator[None]:
        """A recorder that has begun; it is told to stop at the end."""
        events = Events()
        events.listen(self.events.append)
        recorder = Recorder(
            keeper or self.keeper(),
            events,
            worker_id=worker_id,
            zombie_timeout_s=zombie_timeout_s,
        )
        seen = self.happened("recorder_began")
        async with anyio.create_task_group() as group:
            group.start_soon(recorder.run)
            await until(lambda: self.happened("recorder_began") > seen)
            yield
            group.cancel_scope.cancel()

    def happened(self, action: str) -> int:
        return sum(event.action == action for event in self.events)

    def records(self, task_id: str | None = None) -> list[Document]:
        """The records in the order of their positions."""
        query = {} if task_id is None else {"task_id": task_id}
        return list(self.database.task_history.find(query).sort("_id"))

    async def recorded(self, number: int, task_id: str | None = None) -> list[Document]:
        """The records once there are so many."""
        return await until(
            lambda: len(found := self.records(task_id)) >= number and found, timeout_s=20
        )


def task(task_id: str, **fields: Any) -> Document:
    """An orderly pending task."""
    return {
        "_id": task_id,
        "task_id": task_id,
        "platform": "lab",
        "keywords": ["x"],
        "status": 0,
        "priority": 5,
        "immediate": False,
        "created_at": datetime(2025, 5, 30, tzinfo=UTC),
        **fields,
    }


def kinds(records: list[Document]) -> list[str]:
    return [record["kind"] for record in records]


def way(record: Document) -> dict[str, tuple[Any, Any]]:
    """field → (from, to), with "?" for what is absent."""
    return {
        change["field"]: (change.get("from", "?"), change.get("to", "?"))
        for change in record["changes"]
    }
