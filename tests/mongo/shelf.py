"""Documents and small helpers of the tests beside it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio

from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.stores import MongoStores

Document = dict[str, Any]
T0 = datetime(2025, 5, 30, 12, 38, tzinfo=UTC)


def orderly(task_id: str, **fields: Any) -> Document:
    """A pending task that can stand in the queue; `at` puts it that many seconds behind."""
    at = fields.pop("at", 0)
    return {
        "_id": task_id,
        "task_id": task_id,
        "platform": "lab",
        "keywords": ["x"],
        "status": 0,
        "priority": 5,
        "immediate": False,
        "created_at": T0 + timedelta(seconds=at),
        **fields,
    }


async def until(condition: Callable[[], Awaitable[Any]], *, timeout_s: float = 10.0) -> Any:
    """Wait until the condition holds, and give what it gave."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = await condition()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not happen in time"
        await anyio.sleep(0.01)


def stores_of(mongo: Mongo, worker_id: str = "w1") -> MongoStores:
    return MongoStores(mongo, worker_id=worker_id, default_timeout_s=3600.0)
