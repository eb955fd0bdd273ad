"""A document is written, and what it asks for is done: at once, in order, and to the letter."""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from workshop import Document, Workshop, item, task

pytestmark = pytest.mark.anyio


def readme_task() -> Document:
    """What the README inserts."""
    now = datetime.now(UTC)
    return {
        "task_id": "search_002",
        "name": "Search for AI",
        "platform": "lab",
        "task_type": "search",
        "keywords": ["AI", "MongoDB"],
        "status": 0,
        "priority": 5,
        "immediate": False,
        "options": {"limit": 50},
        "storage_config": {"type": "mongodb"},
        "retry_count": 3,
        "current_retry": 0,
        "timeout": 3600,
        "created_at": now,
        "updated_at": now,
    }


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_an_inserted_task_is_completed_with_every_field_of_the_contract(
    lab: Workshop, driver: Any
) -> None:
    lab.settings = msgspec.structs.replace(
        lab.settings, mongodb=msgspec.structs.replace(lab.settings.mongodb, driver=driver)
    )

    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        assert options.limit == 50
        for number in range(60):
            yield item("search_002", number)

    lab.plays["search_002"] = play
    given = readme_task()
    async with lab.worker("w1"):
        await lab.insert(given)
        done = await lab.reaches("search_002", 2)
    ours = {"status", "updated_at"}
    for name in given.keys() - ours:
        kept = given[name]
        if isinstance(kept, datetime):
            kept = kept.replace(microsecond=kept.microsecond // 1000 * 1000)
        assert done[name] == kept, name
    assert done["progress"] == 1.0
    assert done["result_count"] == 50
    assert done["worker_id"] == "w1"
    assert done["error_message"] is None
    assert done["started_at"] <= done["last_heartbeat"] <= done["updated_at"]
    assert done["started_at"] <= done["completed_at"]
    items = await lab.items("search_002")
    assert len({document["id"] for document in items}) == 50
    assert all(document["saved_at"] and document["task_id"] == "search_002" for document in items)
    [run] = await lab.database.task_runs.find().to_list(None)
    assert (run["task_id"], run["outcome"], run["result_count"]) == ("search_002", "completed", 50)
    assert run["run_number"] == 1
    assert run["claimed_at"] <= run["finished_at"]
    assert {"authenticate", "collect", "store"} <= set(run["timings_ms"])


async def test_an_inserted_task_runs_within_milliseconds(lab: Workshop) -> None:
    waits: list[float] = []
    async with lab.worker():
        for number in range(9):
            task_id = f"t{number}"
            lab.hold(task_id)
            inserted = time.monotonic()
            await lab.insert(task(task_id))
            waits.append(await lab.started(task_id) - inserted)
            assert (await lab.get(task_id))["status"] == 1
            lab.gates[task_id].set()
            await lab.reaches(task_id, 2)
    assert statistics.median(waits) < 0.05
    assert max(waits) < 0.25, waits


@pytest.mark.fault("C6", "promotion in a backlog")
@pytest.mark.parametrize(
    "edit",
    [{"$set": {"priority": 1}}, {"$set": {"immediate": True}}, {"$set": {"priority": 4}}],
    ids=str,
)
async def test_a_promoted_task_starts_next_in_a_backlog(lab: Workshop, edit: Document) -> None:
    blockers = [f"b{n}" for n in range(3)]
    lab.hold(*blockers)
    async with lab.worker(max_concurrent_tasks=3, express_slots=0):
        await lab.insert(*(task(name) for name in blockers))
        for name in blockers:
            await lab.started(name)
        names = [f"t{n:03}" for n in range(200)]
        lab.hold(*names)
        await lab.insert(*(task(name, at=n) for n, name in enumerate(names)))
        await lab.tasks.update_one({"task_id": "t150"}, edit)
        assert len(lab.running) == 3
        lab.gates["b0"].set()
        await lab.started("t150")
        assert lab.running == {"b1", "b2", "t150"}


@pytest.mark.fault("E4", "cancel and delete in mid-run")
@pytest.mark.parametrize("by", ["status", "deletion"])
async def test_a_cancelled_task_stops_at_once_and_is_closed(lab: Workshop, by: str) -> None:
    lab.hold("a", "other")
    async with lab.worker():
        await lab.insert(task("a"), task("other"))
        await lab.started("a")
        await lab.started("other")
        began = time.monotonic()
        if by == "status":
            await lab.tasks.update_one({"task_id": "a"}, {"$set": {"status": 4}})
        else:
            await lab.tasks.delete_one({"task_id": "a"})
        await lab.until(lambda: lab.closed["a"])
        assert lab.closed["a"][0] - began < 1.0
        await lab.until(lambda: lab.told("cancelled", "a"))
        if by == "status":
            cancelled = await lab.get("a")
            assert cancelled["status"] == 4
            await lab.until(lambda: _has(lab, "a", "completed_at"))
        assert "other" in lab.running
        lab.gates["other"].set()
        await lab.reaches("other", 2)
    assert await lab.items("a") == []


async def _has(lab: Workshop, task_id: str, field: str) -> bool:
    return bool((await lab.get(task_id)).get(field))


async def test_cancelling_a_waiting_task_keeps_it_from_running(lab: Workshop) -> None:
    lab.hold("blocker")
    async with lab.worker(max_concurrent_tasks=1, express_slots=0):
        await lab.insert(task("blocker"))
        await lab.started("blocker")
        await lab.insert(task("a"), task("b", at=1))
        await lab.tasks.update_one({"task_id": "a"}, {"$set": {"status": 4}})
        lab.gates["blocker"].set()
        await lab.reaches("b", 2)
        assert not lab.starts["a"]
        assert (await lab.get("a"))["status"] == 4


async def test_a_cancelled_run_keeps_what_it_had_stored(lab: Workshop) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        for number in range(5):
            yield item("a", number)
        await adapter.context.save_checkpoint({"page": 1})
        await lab.gates["a"].wait()

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a"))
        await lab.until(lambda: _stored(lab, "a", 5))
        await lab.tasks.update_one({"task_id": "a"}, {"$set": {"status": 4}})
        await lab.until(lambda: lab.told("cancelled", "a"))
        await lab.until(lambda: _has(lab, "a", "completed_at"))
        assert (await lab.get("a"))["result_count"] == 5


async def _stored(lab: Workshop, task_id: str, count: int) -> bool:
    return len(await lab.items(task_id)) == count


async def test_a_failed_task_put_back_to_pending_runs_again_with_fresh_retries(
    lab: Workshop,
) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        if len(lab.starts["a"]) <= 3:
            raise ValueError("not yet")
        if len(lab.starts["a"]) == 4:
            raise ValueError("once more")
        yield item("a", 1)

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a", retry_count=2))
        failed = await lab.reaches("a", 3)
        assert failed["current_retry"] == 2
        assert "gave up after 2 retries" in failed["error_message"]
        await lab.tasks.update_one({"task_id": "a"}, {"$set": {"status": 0}})
        done = await lab.reaches("a", 2)
        assert done["current_retry"] == 1
        assert done["error_message"] is None
        assert done["run_number"] == 5


@pytest.mark.fault("E4", "running task put back by hand")
async def test_a_running_task_put_back_by_hand_starts_again_and_fences_the_old_run(
    lab: Workshop,
) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        if len(lab.starts["a"]) == 1:
            await lab.gates["a"].wait()
            yield item("a", 99)
        yield item("a", 1)

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a"))
        await lab.started("a")
        edited = time.monotonic()
        await lab.tasks.update_one({"task_id": "a"}, {"$set": {"status": 0}})
        again = await lab.started("a", times=2, patience_s=5)
        assert again - edited < 1.0
        done = await lab.reaches("a", 2)
        assert done["result_count"] == 1
        assert [document["id"] for document in await lab.items("a")] == ["a_1"]
        await lab.until(lambda: lab.told("lease_lost", "a"))


async def test_a_run_that_ends_just_after_it_was_put_back_by_hand_does_not_lose_the_task(
    lab: Workshop,
) -> None:
    edited: list[float] = []

    async def put_back() -> None:
        if not edited:
            edited.append(time.monotonic())
            await lab.tasks.update_one({"task_id": "a"}, {"$set": {"status": 0}})

    lab.hooks["a", "close"] = put_back
    async with lab.worker():
        await lab.insert(task("a"))
        await lab.started("a", times=2, patience_s=5)
        await lab.reaches("a", 2)


async def test_a_delayed_task_starts_on_the_dot(lab: Workshop) -> None:
    async with lab.worker():
        due = datetime.now(UTC) + timedelta(seconds=0.7)
        await lab.insert(task("a", run_at=due))
        done = await lab.reaches("a", 2)
        late = done["started_at"] - due
        assert timedelta(milliseconds=-1) <= late < timedelta(milliseconds=300)


async def test_a_delayed_task_that_is_brought_forward_starts_at_once(lab: Workshop) -> None:
    async with lab.worker():
        await lab.insert(task("a", run_at=datetime.now(UTC) + timedelta(hours=1)))
        await lab.insert(task("b", run_at=datetime.now(UTC) + timedelta(hours=1)))
        await lab.tasks.update_one({"task_id": "a"}, {"$set": {"run_at": datetime.now(UTC)}})
        await lab.tasks.update_one({"task_id": "b"}, {"$unset": {"run_at": ""}})
        await lab.reaches("a", 2, 2)
        await lab.reaches("b", 2, 2)


async def test_an_edited_keyword_of_a_waiting_task_counts(lab: Workshop) -> None:
    seen: list[list[str]] = []
    lab.hold("blocker")
    async with lab.worker(max_concurrent_tasks=1, express_slots=0):
        await lab.insert(task("blocker"))
        await lab.started("blocker")

        async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
            seen.append([options.get("word")])
            yield item("a", 1)

        lab.plays["a"] = play
        await lab.insert(task("a", options={"word": "old"}))
        await lab.tasks.update_one({"task_id": "a"}, {"$set": {"options.word": "new"}})
        lab.gates["blocker"].set()
        await lab.reaches("a", 2)
    assert seen == [["new"]]


@pytest.mark.parametrize("missing", [2, 40])
async def test_tasks_without_sort_keys_run_at_once_also_beside_orderly_ones(
    lab: Workshop, missing: int
) -> None:
    odd = [
        {"task_id": f"odd{n}", "platform": "lab", "keywords": ["x"], "status": 0}
        for n in range(missing)
    ]
    bare = [{k: v for k, v in odd[0].items() if k != "status"} | {"task_id": "bare"}]
    async with lab.worker(max_concurrent_tasks=4):
        documents = [*odd, *bare, *(task(f"t{n}") for n in range(missing))]
        inserted = await lab.insert(*documents)

        async def all_done() -> bool:
            return await lab.tasks.count_documents({"status": 2}) == len(documents)

        await lab.until(all_done, 8)
        assert time.monotonic() - inserted < 5


# Without the stream


@pytest.mark.fault("C7", "every hint of the stream lost")
async def test_without_the_stream_sweeps_find_the_same_tasks(lab: Workshop) -> None:
    lab.settings = msgspec.structs.replace(
        lab.settings,
        scheduler=msgspec.structs.replace(
            lab.settings.scheduler,
            reactive=False,
            check_interval=1.6,
            priority_check_interval=0.4,
        ),
    )
    async with lab.worker() as worker:
        assert worker.stream_state == "off"
        await lab.until(lambda: lab.told("ready"))
        waits: dict[str, list[float]] = {"urgent": [], "normal": []}
        for n in range(3):
            for kind, fields in (("urgent", {"priority": 3}), ("normal", {})):
                inserted = time.monotonic()
                await lab.insert(task(f"{kind}{n}", **fields))
                waits[kind].append(await lab.started(f"{kind}{n}") - inserted)
        inserted = time.monotonic()
        await lab.insert(task("now", immediate=True, priority=9))
        waits["urgent"].append(await lab.started("now") - inserted)
        bare = {"task_id": "bare", "platform": "lab", "keywords": ["x"]}
        await lab.insert(bare)
        await lab.reaches("bare", 2, 5)
    assert max(waits["urgent"]) < 0.4 + 0.25
    assert max(waits["normal"]) < 1.6 + 0.25


async def test_a_task_cancelled_without_the_stream_ends_as_cancelled(lab: Workshop) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        yield item("a", 1)
        await lab.gates["a"].wait()
        await adapter.context.save_checkpoint({"page": 1})
        yield item("a", 2)

    lab.plays["a"] = play
    async with lab.worker(reactive=False, check_interval=0.2):
        await lab.insert(task("a"))
        await lab.started("a")
        await lab.tasks.update_one({"task_id": "a"}, {"$set": {"status": 4}})
        lab.gates["a"].set()
        await lab.until(lambda: lab.told("cancelled", "a"))
        assert (await lab.get("a"))["completed_at"]
        assert not lab.told("lease_lost")
    assert await lab.items("a") == []
