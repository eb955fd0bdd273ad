"""However a run ends, only its own task is concerned, and what was collected stays."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import anyio
import pytest
from bson import ObjectId
from workshop import Document, Workshop, item, task

from hotstream_reactive.engine import collect
from hotstream_reactive.engine.attempt import COMMIT_S
from hotstream_reactive.errors import (
    BlockedError,
    LoginRequired,
    PermanentError,
    RateLimited,
    StorageFull,
    TransientError,
)
from hotstream_reactive.platforms.base import PlatformAdapter, SearchOptions

pytestmark = pytest.mark.anyio
Play = Callable[..., AsyncIterator[Any]]


class ForeignError(BaseException):
    """A plugin's own base exception."""


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text for you")


def raising(error: BaseException) -> Callable[[], None]:
    def hook() -> None:
        raise error

    return hook


def recursing() -> None:
    def again() -> None:
        again()

    again()


def yields_then_raises(count: int, error: BaseException) -> Play:
    async def play(adapter: PlatformAdapter, options: SearchOptions) -> AsyncIterator[Any]:
        for number in range(count):
            yield item(adapter.context.task_id, number)
        raise error

    return play


async def healthy(lab: Workshop) -> None:
    """The worker goes on working, with all its slots."""
    await lab.insert(*(task(f"healthy{n}") for n in range(4)))
    for n in range(4):
        await lab.reaches(f"healthy{n}", 2)


STAGES = ["authenticate", "search", "save", "close", "close_storage"]
ERRORS: dict[str, Callable[[], None]] = {
    "ValueError": raising(ValueError("broken")),
    "SystemExit": raising(SystemExit(3)),
    "KeyboardInterrupt": raising(KeyboardInterrupt()),
    "GeneratorExit": raising(GeneratorExit()),
    "CancelledError": raising(asyncio.CancelledError()),
    "RecursionError": recursing,
    "own BaseException": raising(ForeignError("mine")),
    "StopAsyncIteration": raising(StopAsyncIteration()),
    "group": raising(BaseExceptionGroup("many", [ValueError("one"), SystemExit()])),
    "unprintable": raising(UnprintableError()),
    "senseless Retry-After": raising(RateLimited("slow", retry_after=math.inf)),
    "text as Retry-After": raising(RateLimited("slow", retry_after="120")),  # type: ignore[arg-type] # a plugin may
}


@pytest.mark.fault("F1", "plugin raises anything at any stage")
@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
async def test_whatever_a_plugin_raises_concerns_only_its_own_task(
    lab: Workshop, error: Callable[[], None]
) -> None:
    for stage in STAGES:
        lab.hooks[stage, stage] = error
    lab.hooks["extract", "extract"] = error
    lab.hooks["", "construct"] = error

    async def raw(adapter: Any, options: Any) -> AsyncIterator[Any]:
        yield {"task": "extract", "n": 1}

    async def late(adapter: Any, options: Any) -> AsyncIterator[Any]:
        yield item("late", 1)
        error()

    lab.plays |= {"extract": raw, "late": late}
    names = [*STAGES, "extract", "late", "constructed"]
    async with lab.worker(max_concurrent_tasks=2, express_slots=0):
        await lab.insert(
            *(task(name, retry_count=0) for name in STAGES),
            task("extract", platform="raw", retry_count=0),
            task("late", retry_count=0),
            task("constructed", platform="broken", retry_count=0),
        )

        async def ended() -> bool:
            return await lab.tasks.count_documents({"status": {"$in": [2, 3]}}) == len(names)

        await lab.until(ended)
        await healthy(lab)
    for name in ("authenticate", "search", "constructed", "late"):
        failed = await lab.get(name)
        assert failed["status"] == 3, name
        assert failed["error_message"], name


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        SystemExit(1),
        KeyboardInterrupt(),
        GeneratorExit(),
        ForeignError(),
        RecursionError(),
        asyncio.CancelledError(),
    ],
    ids=repr,
)
async def test_items_collected_before_a_failure_are_stored(
    lab: Workshop, error: BaseException
) -> None:
    lab.plays["a"] = yields_then_raises(7, error)
    async with lab.worker():
        await lab.insert(task("a", retry_count=0))
        failed = await lab.reaches("a", 3)
    assert len(await lab.items("a")) == 7
    assert failed["result_count"] == 7


async def raise_it(error: BaseException) -> None:
    raise error


@pytest.mark.fault("F1", "SystemExit in a task of the adapter")
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
async def test_what_a_task_of_the_adapter_raises_ends_no_loop(
    lab: Workshop, error: BaseException
) -> None:
    """asyncio itself would let these two through to whoever runs the loop."""

    async def grouped(adapter: Any, options: Any) -> AsyncIterator[Any]:
        async with anyio.create_task_group() as group:
            group.start_soon(raise_it, error)
        yield item("grouped", 0)

    async def awaited(adapter: Any, options: Any) -> AsyncIterator[Any]:
        await asyncio.create_task(raise_it(error))
        yield item("awaited", 0)

    async def forgotten(adapter: Any, options: Any) -> AsyncIterator[Any]:
        child = asyncio.create_task(raise_it(error))
        await asyncio.wait([child])
        assert child.exception() is not None
        yield item("forgotten", 0)

    lab.plays |= {"grouped": grouped, "awaited": awaited, "forgotten": forgotten}
    async with lab.worker():
        await lab.insert(*(task(name, retry_count=0) for name in lab.plays))
        for name in ("grouped", "awaited"):
            assert type(error).__name__ in (await lab.reaches(name, 3))["error_message"]
        await lab.reaches("forgotten", 2)
        await healthy(lab)


async def test_an_adapter_is_closed_although_there_is_no_storage(lab: Workshop) -> None:
    async with lab.worker():
        await lab.insert(task("a", storage_config={"type": "nowhere"}))
        assert "nowhere" in (await lab.reaches("a", 3))["error_message"]
        assert len(lab.closed["a"]) == 1


async def test_items_collected_before_a_timeout_are_stored(lab: Workshop) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        for number in range(7):
            yield item("a", number)
        await anyio.sleep_forever()

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a", retry_count=0, timeout=1))
        failed = await lab.reaches("a", 3)
    assert "timeout" in failed["error_message"]
    assert len(await lab.items("a")) == 7


@pytest.mark.parametrize(
    "error",
    [PermanentError("no such account", kind="not_found"), LoginRequired("sign in")],
    ids=lambda error: type(error).__name__,
)
async def test_a_permanent_error_fails_at_once(lab: Workshop, error: Exception) -> None:
    lab.plays["a"] = yields_then_raises(0, error)
    async with lab.worker():
        await lab.insert(task("a", retry_count=5))
        failed = await lab.reaches("a", 3)
    assert failed["current_retry"] == 0
    assert str(error) in failed["error_message"]
    assert len(lab.starts["a"]) == 1
    assert failed["completed_at"]


async def test_refused_credentials_fail_at_once(lab: Workshop) -> None:
    lab.hooks["a", "authenticate"] = raising(PermanentError("refused", kind="bad_credentials"))
    async with lab.worker():
        await lab.insert(task("a", retry_count=5))
        assert "bad_credentials" in (await lab.reaches("a", 3))["error_message"]


@pytest.mark.parametrize(
    "error",
    [TransientError("away"), BlockedError("wall"), StorageFull("full"), RuntimeError("bug")],
    ids=lambda error: type(error).__name__,
)
async def test_a_failure_is_tried_again_until_the_retries_are_used_up(
    lab: Workshop, error: Exception
) -> None:
    lab.plays["a"] = yields_then_raises(2, error)
    async with lab.worker(retry_base_delay=0.02, retry_max_delay=0.02):
        await lab.insert(task("a", retry_count=3))
        failed = await lab.reaches("a", 3)
    assert len(lab.starts["a"]) == 4
    assert failed["current_retry"] == 3
    assert "gave up after 3 retries" in failed["error_message"]
    assert str(error) in failed["error_message"]
    runs = await lab.database.task_runs.find(sort=[("run_number", 1)]).to_list(None)
    assert [run["outcome"] for run in runs] == ["retry", "retry", "retry", "failed"]
    assert [run["run_number"] for run in runs] == [1, 2, 3, 4]
    assert len(await lab.items("a")) == 2


async def test_quick_retries_never_wait_for_a_sweep(lab: Workshop) -> None:
    names = [f"t{n}" for n in range(8)]
    for name in names:
        lab.plays[name] = yields_then_raises(0, TransientError("away"))
    async with lab.worker(retry_base_delay=0.004, retry_max_delay=0.004):
        began = time.monotonic()
        await lab.insert(*(task(name, retry_count=8) for name in names))
        for name in names:
            await lab.reaches(name, 3, 10)
        assert time.monotonic() - began < 8


async def test_a_retry_waits_through_run_at(lab: Workshop) -> None:
    lab.plays["a"] = yields_then_raises(0, TransientError("away"))
    async with lab.worker(retry_base_delay=600.0, retry_max_delay=600.0):
        await lab.insert(task("a"))
        await lab.until(lambda: lab.told("retry", "a"))
        waiting = await lab.get("a")
    assert (waiting["status"], waiting["current_retry"]) == (0, 1)
    assert waiting["error_message"] == "away"
    assert waiting["run_at"] - waiting["updated_at"] <= timedelta(seconds=600)


async def test_the_pause_a_site_asked_for_is_respected(lab: Workshop) -> None:
    error = RateLimited("slow down", retry_after=0.8)

    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        if len(lab.starts["a"]) == 1:
            raise error
        yield item("a", 1)

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a"))
        await lab.reaches("a", 2)
    first, second = lab.starts["a"]
    assert second - first >= 0.8
    assert second - first < 2.0


@pytest.mark.fault("F2", "adapter that hangs")
async def test_a_run_longer_than_its_timeout_is_stopped(lab: Workshop) -> None:
    lab.hold("a")
    async with lab.worker():
        await lab.insert(task("a", timeout=1, retry_count=0))
        began = await lab.started("a")
        failed = await lab.reaches("a", 3)
        assert 0.9 < time.monotonic() - began < 2.5
        assert lab.closed["a"]
        await healthy(lab)
    assert "timeout of 1 s" in failed["error_message"]


async def test_an_adapter_that_swallows_its_cancellation_once_is_stopped_all_the_same(
    lab: Workshop,
) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        with contextlib.suppress(asyncio.CancelledError):
            await anyio.sleep_forever()
        await anyio.sleep_forever()
        yield item("a", 1)

    lab.plays["a"] = play
    async with lab.worker(max_concurrent_tasks=1, express_slots=0):
        await lab.insert(task("a", timeout=1, retry_count=0))
        await lab.reaches("a", 3)
        await healthy(lab)


@pytest.mark.fault("F2", "adapter that cannot be stopped")
async def test_a_stubborn_adapter_does_not_keep_its_slot_for_ever(
    lab: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "CLEAN_UP_S", 0.5)
    stop = anyio.Event()

    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        while not stop.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await anyio.sleep(0.05)
        yield item("a", 1)

    lab.plays["a"] = play
    async with lab.worker(max_concurrent_tasks=1, express_slots=0):
        try:
            await lab.insert(task("a", timeout=1, retry_count=0))
            await lab.started("a")
            await lab.insert(task("next", at=1))
            await lab.started("next", patience_s=4)
        finally:
            stop.set()


# Items


@pytest.mark.parametrize("limit", [1, 9, 100, 101, 250])
async def test_a_search_ends_at_exactly_its_limit(lab: Workshop, limit: int) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        assert options.limit == limit
        for number in range(10_000):
            yield item("a", number)

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a", options={"limit": limit}))
        done = await lab.reaches("a", 2)
    assert done["result_count"] == limit == len(await lab.items("a"))


async def test_repeated_and_unusable_records_do_not_count_against_the_limit(lab: Workshop) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        for number in range(100):
            yield item("a", number // 3)
            yield item("a", number, content=None)

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a", options={"limit": 20}))
        done = await lab.reaches("a", 2)
    assert done["result_count"] == 20 == len(await lab.items("a"))


async def test_a_monitor_task_gives_its_limit_to_the_adapter(lab: Workshop) -> None:
    async with lab.worker():
        document = task("a", task_type="monitor", accounts=["x", "y"], options={"n": 4, "limit": 2})
        await lab.insert(document)
        done = await lab.reaches("a", 2)
    assert done["result_count"] == 4


async def test_a_record_that_is_no_item_is_left_out(lab: Workshop) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        yield {"task": "a", "n": 1}
        yield {"no": "task"}
        yield None
        yield "text"
        yield 7
        yield {"task": "a", "n": 2}

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a", platform="raw"))
        done = await lab.reaches("a", 2)
    assert done["result_count"] == 2


async def test_records_that_are_all_unusable_are_no_success(lab: Workshop) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        for _ in range(5):
            yield {"no": "task"}

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a", platform="raw"))
        failed = await lab.reaches("a", 3)
    assert "layout_changed" in failed["error_message"]


@pytest.mark.parametrize(
    "fields",
    [
        {"content": "a\ud800\x00b"},
        {"metadata": {"n": 2**80, "$set": 1, "nested": [{"$x": object()}]}},
        {"raw_data": {"html": "x" * 17_000_000}},
        {"content": "x" * 17_000_000},
        {"raw_data": None, "metadata": None},
    ],
    ids=["text", "values", "raw_data", "content", "none"],
)
async def test_any_item_a_site_yields_is_stored_beside_the_others(
    lab: Workshop, fields: Document
) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        yield item("a", 1)
        yield item("a", 2, **fields)
        yield item("a", 3)

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a", retry_count=0))
        done = await lab.reaches("a", 2)
    assert done["result_count"] == 3


async def test_no_item_at_all_is_a_success(lab: Workshop) -> None:
    async with lab.worker():
        await lab.insert(task("a", options={"n": 0}))
        assert (await lab.reaches("a", 2))["result_count"] == 0


# Progress, heartbeat, checkpoint


async def test_progress_grows_through_the_documented_phases(lab: Workshop) -> None:
    seen: list[float] = []

    async def written(count: int) -> bool:
        seen.append((await lab.get("a"))["progress"])
        return seen[-1] >= round(0.2 + 0.4 * count / 60, 4)

    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        for number in range(60):
            yield item("a", number)
            if number % 10 == 9:
                await lab.until(partial(written, number + 1))

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a", options={"limit": 60}))
        done = await lab.reaches("a", 2)
    assert seen == sorted(seen)
    assert set(seen) - {0.0} <= {round(0.2 + 0.4 * count / 60, 4) for count in range(0, 61, 10)}
    assert done["progress"] == 1.0


async def test_the_heartbeat_moves_whatever_the_adapter_does(lab: Workshop) -> None:
    lab.hold("a")
    async with lab.worker(heartbeat_interval=0.2, zombie_timeout=30.0):
        await lab.insert(task("a"))
        await lab.started("a")
        beats: set[Any] = set()

        async def three() -> bool:
            beats.add((await lab.get("a"))["last_heartbeat"])
            return len(beats) >= 4

        await lab.until(three, 5)
        lab.gates["a"].set()
        await lab.reaches("a", 2)


async def test_a_retry_goes_on_from_the_checkpoint(lab: Workshop) -> None:
    seen: list[Document] = []

    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        seen.append(dict(adapter.context.checkpoint))
        first = adapter.context.checkpoint.get("page", 0)
        for page in range(first, 4):
            for number in range(5):
                yield item("a", page * 5 + number)
            await adapter.context.save_checkpoint({"page": page + 1})
            if page == 1 and first == 0:
                raise TransientError("away")

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a", options={"limit": 100}))
        done = await lab.reaches("a", 2)
    assert seen == [{}, {"page": 2}]
    assert done["result_count"] == 20 == len(await lab.items("a"))


async def test_the_limit_holds_across_a_retry(lab: Workshop) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        for number in range(adapter.context.checkpoint.get("next", 0), 1000):
            yield item("a", number)
            if number == 6:
                await adapter.context.save_checkpoint({"next": 7})
                raise TransientError("away")

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a", options={"limit": 10}))
        done = await lab.reaches("a", 2)
    assert done["result_count"] == 10 == len(await lab.items("a"))


@pytest.mark.parametrize(
    "checkpoint",
    [
        {"id": ObjectId("6b05b86b8438d1e77995bab3")},
        {"object": object()},
        {"big": 2**80},
        {"text": "\ud800\x00"},
        {1: {2: 3}},
        {"$set": {"status": 2}},
        {"nan": math.nan, "set": {1, 2}},
        {"huge": "x" * 17_000_000},
        {"stored": "not a number"},
    ],
    ids=lambda table: str(next(iter(table))),
)
async def test_no_checkpoint_of_a_plugin_can_hurt_the_worker(
    lab: Workshop, checkpoint: Document
) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        yield item("a", len(lab.starts["a"]))
        await adapter.context.save_checkpoint(checkpoint)
        if len(lab.starts["a"]) == 1:
            raise TransientError("away")

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a", retry_count=1))

        async def ended() -> bool:
            return (await lab.get("a"))["status"] in (2, 3)

        await lab.until(ended)
        await healthy(lab)


async def test_a_checkpoint_may_be_long_and_deep(lab: Workshop) -> None:
    deep: Document = {}
    for _ in range(15):
        deep = {"a": deep}
    checkpoint = {"seen": [f"id{n}" for n in range(3000)], "deep": deep}

    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        if len(lab.starts["a"]) == 1:
            await adapter.context.save_checkpoint(checkpoint)
            raise TransientError("away")
        assert adapter.context.checkpoint == checkpoint
        yield item("a", 1)

    lab.plays["a"] = play
    async with lab.worker():
        await lab.insert(task("a"))
        await lab.reaches("a", 2)


@pytest.mark.parametrize(
    "checkpoint",
    [
        {"id": ObjectId("6b05b86b8438d1e77995bab3")},
        {"stored": "x"},
        {"stored": 1e308},
        {"stored": None},
        {"stored": -5},
    ],
    ids=str,
)
async def test_no_checkpoint_of_a_writer_can_hurt_the_worker(
    lab: Workshop, checkpoint: Document
) -> None:
    lab.plays["a"] = yields_then_raises(1, TransientError("away"))
    async with lab.worker():
        await lab.insert(task("a", retry_count=1, checkpoint=checkpoint))
        await lab.reaches("a", 3)
        await healthy(lab)


async def test_an_adapter_that_answers_a_cancel_with_its_own_is_cancelled(lab: Workshop) -> None:
    async def play(adapter: Any, options: Any) -> AsyncIterator[Any]:
        try:
            await anyio.sleep_forever()
        except asyncio.CancelledError:
            raise asyncio.CancelledError("one of my own") from None
        yield item(adapter.context.task_id, 0)

    lab.plays["stubborn"] = play
    async with lab.worker(max_concurrent_tasks=1, express_slots=0):
        await lab.insert(task("stubborn"))
        await lab.started("stubborn")
        await lab.tasks.update_one({"task_id": "stubborn"}, {"$set": {"status": 4}})
        await lab.until(lambda: lab.told("cancelled", "stubborn"))
        await lab.insert(task("next"))
        await lab.reaches("next", 2)


async def test_what_was_stored_at_a_cancel_is_counted(lab: Workshop) -> None:
    """The cancel comes when the items are stored and nobody knows of it yet."""
    async with lab.worker() as worker:

        async def cancelled_meanwhile() -> None:
            await lab.tasks.update_one({"task_id": "a"}, {"$set": {"status": 4}})
            await lab.until(lambda: all(run.verdict for run in worker.active))

        lab.hooks["a", "saved"] = cancelled_meanwhile
        await lab.insert(task("a", options={"n": 3}))
        await lab.until(lambda: lab.told("cancelled", "a"))
    stored = await lab.get("a")
    assert (stored["status"], stored["result_count"]) == (4, 3)
    assert len(await lab.items("a")) == 3


@pytest.mark.parametrize("stage", ["save", "saved"])
async def test_a_storage_that_hangs_does_not_keep_a_cancelled_run(
    lab: Workshop, stage: str
) -> None:
    lab.hooks["a", stage] = anyio.sleep_forever
    async with lab.worker():
        await lab.insert(task("a", options={"n": 3}))
        await lab.until(lambda: lab.tasks.find_one({"task_id": "a", "progress": {"$gt": 0.5}}))
        began = time.monotonic()
        await lab.tasks.update_one({"task_id": "a"}, {"$set": {"status": 4}})
        await lab.until(lambda: lab.told("cancelled", "a"))
        assert time.monotonic() - began < 2 * COMMIT_S
        await lab.until(lambda: lab.closed["a"])
    assert (await lab.get("a"))["result_count"] == 0
