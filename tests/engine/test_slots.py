"""Never more runs than slots, whatever is written while they run."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from workshop import Workshop, item, task

from hotstream_reactive.errors import TransientError

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("slots", "seed"), [(1, 1), (3, 2), (7, 3)])
async def test_never_more_runs_than_slots(lab: Workshop, slots: int, seed: int) -> None:
    chance = random.Random(seed)
    names = [f"t{n}" for n in range(80)]

    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        assert len(lab.running) <= slots
        for number in range(chance.randrange(3)):
            yield item(adapter.context.task_id, number)
            await anyio.lowlevel.checkpoint()
        if chance.random() < 0.2:
            raise TransientError("away")

    lab.plays.update(dict.fromkeys(names, play))
    async with lab.worker(max_concurrent_tasks=slots, retry_base_delay=0.01, retry_max_delay=0.01):
        for start in range(0, 80, 10):
            await lab.insert(
                *(
                    task(
                        name,
                        priority=chance.randint(1, 10),
                        immediate=chance.random() < 0.2,
                        retry_count=20,
                    )
                    for name in names[start : start + 10]
                )
            )
            await lab.tasks.update_one({"task_id": chance.choice(names)}, {"$set": {"priority": 1}})
            await lab.tasks.update_one(
                {"task_id": chance.choice(names), "status": {"$in": [1, 2]}},
                {"$set": {"status": 0}},
            )

        async def all_done() -> bool:
            return await lab.tasks.count_documents({"status": {"$ne": 2}}) == 0

        await lab.until(all_done, 30)
    assert lab.most_running <= slots


async def test_slots_are_used_to_the_full(lab: Workshop) -> None:
    names = [f"t{n}" for n in range(10)]
    lab.hold(*names)
    async with lab.worker(max_concurrent_tasks=6, express_slots=0):
        await lab.insert(*(task(name, at=n) for n, name in enumerate(names)))
        await lab.until(lambda: len(lab.running) == 6)
        assert lab.running == set(names[:6]), "and in queue order"
        for name in names:
            lab.gates[name].set()
        await lab.reaches("t9", 2)


async def test_many_workers_share_a_backlog_without_a_double_run(lab: Workshop) -> None:
    count = 120
    async with lab.workers("w1", "w2", "w3", max_concurrent_tasks=4):
        await lab.insert(*(task(f"t{n}", at=n) for n in range(count)))

        async def all_done() -> bool:
            return await lab.tasks.count_documents({"status": 2}) == count

        await lab.until(all_done, 30)
    assert all(len(lab.starts[f"t{n}"]) == 1 for n in range(count))
    assert await lab.database.task_runs.count_documents({}) == count
    owners = await lab.tasks.distinct("worker_id")
    assert set(owners) <= {"w1", "w2", "w3"}
