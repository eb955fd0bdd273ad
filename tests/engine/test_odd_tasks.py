"""Odd schedules, and ids that are used twice: each task gets what is its own."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError
from workshop import Workshop, task

from hotstream_reactive.mongo.indexes import TASK_INDEXES
from tests.fault_report import Measure

pytestmark = pytest.mark.anyio
FLOOR_S = 1.5


@pytest.mark.fault("E2", "schedules: none, every second, one that never fires")
async def test_odd_schedules(lab: Workshop, measured: Measure) -> None:
    async with lab.worker(check_interval=2.0, schedule_floor=FLOOR_S):
        began = time.monotonic()
        await lab.insert(
            task("words", schedule="every day"),
            task("never", schedule="0 0 31 2 *"),
            task("fields", schedule="61 25 * * *"),
            task("number", schedule=5),
            task("every", schedule="* * * * * *"),
            *(task(f"good{n}") for n in range(5)),
        )
        for n in range(5):
            await lab.reaches(f"good{n}", 2)
        measured("the good ones done", time.monotonic() - began, bound=2)
        for name in ("words", "never", "fields", "number"):
            failed = await lab.reaches(name, 3)
            assert "schedule: " in failed["error_message"]
            assert not lab.starts[name]
        measured("the wrong ones refused", time.monotonic() - began, bound=30)
        assert "never fires" in (await lab.get("never"))["error_message"]
        await lab.started("every", times=4)
    gaps = [later - sooner for sooner, later in pairwise(lab.starts["every"])]
    # It is due on the full second; a start may be some milliseconds late, and the next one not.
    assert min(gaps) > FLOOR_S - 0.25, gaps


@pytest.mark.fault("E3", "task ids used twice, at once and again")
async def test_an_id_that_is_used_again_is_a_new_life(lab: Workshop) -> None:
    async with lab.worker():
        await lab.insert(task("a", options={"n": 5}))
        first = await lab.reaches("a", 2)
        with pytest.raises(DuplicateKeyError):
            await lab.tasks.insert_one(task("a", options={"n": 2}))
        assert (await lab.get("a"))["_id"] == first["_id"]
        await lab.tasks.delete_one({"task_id": "a"})
        await lab.insert(task("a", options={"n": 2}))
        second = await lab.reaches("a", 2)
    assert second["_id"] != first["_id"]
    counts = first["result_count"], second["result_count"], second["run_number"]
    assert counts == (5, 2, 1), "its results are its own"
    runs: list[Any] = await lab.database.task_runs.find(
        {"task_id": "a"}, sort=[("claimed_at", 1)]
    ).to_list(None)
    assert [run["result_count"] for run in runs] == [5, 2]
    # Its items have the ids of those that were there: saved again, none twice.
    assert len(await lab.items("a")) == 5


@pytest.mark.fault("E3", "two documents of one id, from before there was an index")
async def test_two_documents_of_one_id_are_two_tasks(lab: Workshop) -> None:
    await lab.insert(task("a", options={"n": 3}), task("a", options={"n": 2}), task("b"))
    async with lab.worker():
        await lab.reaches("b", 2)

        async def both() -> bool:
            return await lab.tasks.count_documents({"task_id": "a", "status": 2}) == 2

        await lab.until(both)
    done = await lab.tasks.find({"task_id": "a"}).to_list(None)
    assert sorted(one["result_count"] for one in done) == [2, 3], "each its own, not merged"
    there = await lab.tasks.index_information()
    assert "task_id" not in there, "or the test would prove nothing"
    others = {model.document["name"] for model in TASK_INDEXES} - {"task_id"}
    assert others <= there.keys(), "the other indexes are made all the same"
