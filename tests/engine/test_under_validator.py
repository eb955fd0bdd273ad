"""Under the strictest validator the engine still does all it does: its own writes always pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from workshop import Workshop, item, task

from hotstream_reactive.errors import PermanentError, TransientError
from hotstream_reactive.mongo import validator
from hotstream_reactive.mongo.client import Mongo

pytestmark = pytest.mark.anyio


@pytest.fixture
async def strict(lab: Workshop) -> AsyncIterator[Workshop]:
    mongo = Mongo(lab.settings.mongodb, app_name="hotstream/test")
    await mongo.connect()
    await validator.install(mongo, level="strict")
    await mongo.close()
    yield lab
    refused = [event for _, event in lab.events if event.action.endswith(("_failed", "_delayed"))]
    assert not refused


async def test_every_way_a_run_can_end(strict: Workshop) -> None:
    lab = strict

    async def fails(adapter: Any, options: Any) -> AsyncIterator[Any]:
        yield item(adapter.context.task_id, 0)
        raise PermanentError("no such account")

    async def fails_once(adapter: Any, options: Any) -> AsyncIterator[Any]:
        yield item(adapter.context.task_id, 0)
        await adapter.context.save_checkpoint({"$page": {"a.b": 2}})
        if len(lab.starts[adapter.context.task_id]) == 1:
            raise TransientError("the site is away")

    lab.plays |= {"fails": fails, "retried": fails_once}
    lab.hold("stopped")
    async with lab.worker():
        await lab.insert(
            {"task_id": "bare", "platform": "lab", "keywords": ["x"]},
            task("done", options={"n": 25, "limit": 20.0}, priority=3.0),
            task("delayed", run_at=datetime.now(UTC) + timedelta(seconds=0.2)),
            *(task(name) for name in ("fails", "retried", "stopped")),
            task("unknown", platform="nobody"),
            task("odd", schedule="0 0 31 2 *"),
        )
        for name in ("bare", "done", "delayed", "retried"):
            await lab.reaches(name, 2)
        for name in ("fails", "unknown", "odd"):
            assert (await lab.reaches(name, 3))["error_message"]
        await lab.started("stopped")
        await lab.tasks.update_one({"task_id": "stopped"}, {"$set": {"status": 4}})
        await lab.until(lambda: lab.closed["stopped"])
        await lab.tasks.update_one({"task_id": "done"}, {"$set": {"status": 0, "run_at": None}})
        await lab.started("done", times=2)
        await lab.reaches("done", 2)


async def test_a_schedule_comes_back(strict: Workshop) -> None:
    lab = strict
    now = datetime.now(UTC)
    async with lab.worker(schedule_floor=0.0):
        await lab.insert(task("daily", schedule="* * * * * *", timezone="Asia/Shanghai"))
        await lab.started("daily", times=2)
        again = await lab.until(
            lambda: lab.tasks.find_one({"task_id": "daily", "completed_at": {"$gt": now}})
        )
    assert again["armed_for"] == "* * * * * *|Asia/Shanghai"


async def test_a_rescue_and_a_poisoned_task(strict: Workshop) -> None:
    lab = strict
    dead = {"status": 1, "lease_id": "l", "worker_id": "dead", "run_number": 3}
    long_ago = {"last_heartbeat": datetime(2020, 1, 1, tzinfo=UTC)}
    await lab.insert(
        task("rescued", **dead, **long_ago), task("poison", rescues=99, **dead, **long_ago)
    )
    async with lab.worker(maintenance_interval=0.05, zombie_timeout=5.0, heartbeat_interval=1.0):
        await lab.reaches("rescued", 2)
        assert "poison" in (await lab.reaches("poison", 3))["error_message"]


async def test_a_drain_hands_back(strict: Workshop) -> None:
    lab = strict
    lab.hold("held")
    async with lab.worker(shutdown_grace=0.0) as worker:
        await lab.insert(task("held"))
        await lab.started("held")
        worker.stop()
        await lab.reaches("held", 0)
