"""The runner: one attempt at a task, as a straight list of steps.

authenticate → collect → extract and validate → store → complete. Records stream through in batches:
memory is bounded by the batch, and what was stored before a failure stays stored.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any, Protocol

import anyio
from loguru import logger

from hotstream_reactive.engine import collect, frames
from hotstream_reactive.engine.collect import (
    nothing_understood,
    reading,
    search_options,
    sign_in,
)
from hotstream_reactive.engine.heartbeat import Heartbeat
from hotstream_reactive.engine.parking import demand_new_session, park
from hotstream_reactive.engine.retry import judge
from hotstream_reactive.engine.running import ActiveRun
from hotstream_reactive.errors import (
    HotStreamError,
    LeaseLost,
    LoginRequired,
    PluginError,
    StorageError,
    TransientError,
)
from hotstream_reactive.extractors.base import UNUSABLE, DataExtractor, make_item
from hotstream_reactive.model.item import DataItem, storable
from hotstream_reactive.model.outcome import Completed, Outcome
from hotstream_reactive.model.run import FinishedRun, Progress
from hotstream_reactive.model.task import Task
from hotstream_reactive.platforms.base import PlatformAdapter, RunContext, SearchOptions
from hotstream_reactive.settings import SchedulerSettings
from hotstream_reactive.storages.base import StorageAdapter
from hotstream_reactive.text import clean

STARTED, COLLECTED, PROCESSED, STORED = 0.2, 0.6, 0.8, 0.9
ITEMS_PER_HEARTBEAT = 10
#: Items do not wait longer than this for their batch to fill, so that readers see them early.
LONGEST_GATHERING_S = 2.0
#: Characters of a checkpoint: it is written with every page.
LARGEST_CHECKPOINT = 200_000
MOST_STORED = 2**31


class Toolbox(Protocol):
    """Makes what a run works with; the composition root knows how.

    Raises:
        InvalidTask: no platform or storage of that name is known here.
    """

    def adapter(self, task: Task) -> PlatformAdapter: ...
    def context(self, task: Task, options: SearchOptions) -> RunContext: ...
    def credentials(self, task: Task) -> Mapping[str, Any]: ...
    def extractor(self, task: Task) -> DataExtractor | None: ...
    def storage(self, task: Task, lease_id: str) -> StorageAdapter: ...


class Runner:
    """Runs tasks; one instance serves all runs of a worker.

    Args:
        pace: waits until the fleet may send one more request to the platform of this name.
    """

    def __init__(
        self,
        toolbox: Toolbox,
        heartbeat: Heartbeat,
        settings: SchedulerSettings,
        *,
        batch_size: int,
        pace: Callable[[str], Awaitable[None]],
    ) -> None:
        self._toolbox = toolbox
        self._heartbeat = heartbeat
        self._settings = settings
        self._batch_size = batch_size
        self._pace = pace

    async def run(self, active: ActiveRun) -> FinishedRun:
        """Run to an outcome; only the cancellation of the worker itself is raised."""
        attempt = _Attempt(active, self._toolbox, self._heartbeat, self._batch_size, self._pace)
        outcome = await self._outcome(attempt, active)
        return FinishedRun(
            task=active.task,
            lease_id=active.lease_id,
            outcome=outcome,
            elapsed_s=time.monotonic() - attempt.started_at,
            timings_ms={step: round(s * 1000, 1) for step, s in attempt.seconds.items()},
            checkpoint=active.checkpoint,
            progress=active.progress,
            trace=active.trace,
        )

    async def _outcome(self, attempt: _Attempt, active: ActiveRun) -> Outcome:
        task = active.task
        failure: BaseException | None = None
        try:
            with active.scope, anyio.move_on_after(task.timeout) as patience:
                await attempt.all_steps()
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            # A plugin may raise anything, also SystemExit; only a real cancellation goes on up.
            if isinstance(error, anyio.get_cancelled_exc_class()) and _cancelled_from_outside():
                raise
            failure = error
        if isinstance(failure, LeaseLost) and active.verdict is None:
            # The storage knows only that the task is not ours now; it may have been cancelled.
            await self._heartbeat.renew_once()
        if active.verdict is not None:
            return active.verdict
        if failure is None and patience.cancelled_caught:
            failure = TransientError(
                f"ran longer than its timeout of {task.timeout:g} s", kind="timeout"
            )
        if failure is not None:
            logger.bind(task_id=task.task_id).opt(exception=failure).debug("run failed")
            if not isinstance(failure, HotStreamError):
                active.trace = frames.tail(failure)
            if isinstance(failure, LoginRequired) and failure.path:
                park(active, failure)
            return judge(failure, task, self._settings, result_count=active.result_count)
        return Completed(active.result_count)


class _Attempt:
    """The state of one run while it goes on."""

    def __init__(
        self,
        active: ActiveRun,
        toolbox: Toolbox,
        heartbeat: Heartbeat,
        batch_size: int,
        pace: Callable[[str], Awaitable[None]],
    ) -> None:
        self._active = active
        self._task = active.task
        self._toolbox = toolbox
        self._heartbeat = heartbeat
        self._batch_size = batch_size
        self._pace = pace
        self._batch: list[DataItem | dict[str, Any]] = []
        self._batch_began_at = 0.0
        self._seen: set[str] = set()
        self._read = 0
        self._unusable: list[str] = []
        self._flush: Callable[[], Awaitable[None]] | None = None
        self.started_at = time.monotonic()
        self.seconds: dict[str, float] = {}

    async def all_steps(self) -> None:
        """Everything from authentication to the last stored item."""
        task = self._task
        await demand_new_session(self._active)
        adapter = self._toolbox.adapter(task)
        extractor = self._toolbox.extractor(task)
        storage = self._toolbox.storage(task, self._active.lease_id)
        adapter.context = self._context()
        stored = self._active.checkpoint.get("stored")
        if isinstance(stored, int) and 0 <= stored < MOST_STORED:
            self._active.result_count = stored
        try:
            with self._timed("authenticate"):
                await sign_in(adapter, self._task, self._toolbox.credentials(self._task))
            self._advance(STARTED)

            async def flush() -> None:
                await self._store(storage, await self._extract(extractor))

            self._flush = flush
            try:
                await self._read_all(adapter, flush)
            except (KeyboardInterrupt, GeneratorExit):
                raise
            except BaseException:
                # What was collected before a failure is as good as any other item.
                if self._active.verdict is None:
                    with anyio.move_on_after(collect.CLEAN_UP_S, shield=True):
                        await flush()
                raise
            self._advance(COLLECTED)
            items = await self._extract(extractor)
            self._advance(PROCESSED)
            await self._store(storage, items)
            self._advance(STORED)
            self._judge_yield()
        finally:
            try:
                with anyio.move_on_after(collect.CLEAN_UP_S, shield=True):
                    await storage.close()
            finally:
                with anyio.move_on_after(collect.CLEAN_UP_S, shield=True):
                    await adapter.close()

    def _context(self) -> RunContext:
        options = search_options(self._task)
        context = self._toolbox.context(self._task, options)
        context.checkpoint = {k: v for k, v in self._active.checkpoint.items() if k != "stored"}
        context.save_checkpoint = self._save_checkpoint
        context.pace = partial(self._pace, self._task.platform)
        return context

    async def _collect(
        self, adapter: PlatformAdapter
    ) -> AsyncGenerator[DataItem | dict[str, Any], None]:
        """The adapter's records, with the time spent waiting for them."""
        async with reading(adapter, self._task) as records:
            while True:
                with self._timed("collect"):
                    try:
                        record = await anext(records)
                    except StopAsyncIteration:
                        return
                yield record

    async def _read_all(
        self, adapter: PlatformAdapter, flush: Callable[[], Awaitable[None]]
    ) -> None:
        """Read records to the end or to the limit, storing them batch by batch."""
        async with aclosing(self._collect(adapter)) as records:
            async for record in records:
                self._take(record)
                if self._batch_is_full() or self._enough():
                    # Only now it is known which records are items, and new ones.
                    await flush()
                    if self._enough():
                        return

    def _take(self, record: DataItem | dict[str, Any]) -> None:
        if not self._batch:
            self._batch_began_at = time.monotonic()
        self._batch.append(record)
        self._read += 1
        if self._read % ITEMS_PER_HEARTBEAT == 0:
            wanted = self._task.limit
            if self._task.task_type == "monitor":
                wanted *= len(self._task.accounts)
            self._advance(STARTED + (COLLECTED - STARTED) * min(1.0, self._read / wanted))

    def _batch_is_full(self) -> bool:
        return len(self._batch) >= self._batch_size or (
            time.monotonic() - self._batch_began_at > LONGEST_GATHERING_S
        )

    def _enough(self) -> bool:
        """A search ends at exactly `limit` items, whatever the adapter would still give."""
        return (
            self._task.task_type == "search"
            and self._active.result_count + len(self._batch) >= self._task.limit
        )

    async def _extract(self, extractor: DataExtractor | None) -> list[DataItem]:
        batch, self._batch = self._batch, []
        items: list[DataItem] = []
        with self._timed("extract"):
            for record in batch:
                item = await self._item(extractor, record)
                if item is not None and item.id not in self._seen:
                    self._seen.add(item.id)
                    items.append(item)
        return items

    async def _item(
        self, extractor: DataExtractor | None, record: DataItem | dict[str, Any]
    ) -> DataItem | None:
        """One item, or None when the record cannot be one: the reason is kept."""
        try:
            return await make_item(record, extractor, self._task.platform)
        except UNUSABLE as error:
            reason = clean(f"{type(error).__name__}: {error}")
            self._unusable.append(reason)
            logger.bind(task_id=self._task.task_id).warning("record left out: {}", reason)
            return None

    async def _store(self, storage: StorageAdapter, items: list[DataItem]) -> None:
        if items and self._task.options.get("only_new") is True:
            known = await storage.known([item.id for item in items])
            items = [item for item in items if item.id not in known]
        if not items:
            return
        with self._timed("store"):
            if not await storage.save(items):
                raise StorageError(
                    f"storage {type(storage).__name__} did not store {len(items)} items"
                )
        self._active.result_count += len(items)
        self._advance(self._active.progress)

    async def _save_checkpoint(self, checkpoint: Mapping[str, Any]) -> None:
        """Store what was yielded so far, then let a retry continue from here."""
        if self._flush is not None:
            await self._flush()
        if len(repr(checkpoint)) > LARGEST_CHECKPOINT:
            raise PluginError(
                f"platform {self._task.platform!r} saved a checkpoint of more than "
                f"{LARGEST_CHECKPOINT} characters: keep a cursor in it, not the items"
            )
        self._active.checkpoint = {
            **storable(dict(checkpoint)),
            "stored": self._active.result_count,
        }
        self._advance(self._active.progress, checkpoint=self._active.checkpoint)

    def _advance(self, progress: float, checkpoint: dict[str, Any] | None = None) -> None:
        """Note progress, which never goes back, as a heartbeat."""
        active = self._active
        active.progress = round(max(active.progress, progress), 4)
        self._heartbeat.report(
            Progress(
                document_id=active.task.document_id,
                lease_id=active.lease_id,
                progress=active.progress,
                result_count=active.result_count,
                checkpoint=checkpoint,
            )
        )

    def _judge_yield(self) -> None:
        """Records that all turned out unusable are no success."""
        if self._unusable and not self._active.result_count:
            raise nothing_understood(self._unusable)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.monotonic() - began


def _cancelled_from_outside() -> bool:
    """Whether the surrounding scope is cancelled, in contrast to a plugin's own CancelledError."""
    return anyio.current_effective_deadline() == -math.inf
