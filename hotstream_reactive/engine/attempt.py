"""One attempt at a task, as a straight list of steps.

authenticate → collect → extract and validate → store → complete. Records stream through in batches:
memory is bounded by the batch, and what was stored before a failure stays stored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Protocol

import anyio

from hotstream_reactive.engine import collect
from hotstream_reactive.engine.extraction import Extraction, Record
from hotstream_reactive.engine.heartbeat import Heartbeat
from hotstream_reactive.engine.parking import demand_new_session
from hotstream_reactive.engine.running import ActiveRun
from hotstream_reactive.errors import PluginError, StorageError
from hotstream_reactive.extractors.base import DataExtractor
from hotstream_reactive.model.item import DataItem, storable
from hotstream_reactive.model.task import Task
from hotstream_reactive.platforms.base import PlatformAdapter, RunContext, SearchOptions
from hotstream_reactive.storages.base import StorageAdapter

STARTED, COLLECTED, PROCESSED, STORED = 0.2, 0.6, 0.8, 0.9
ITEMS_PER_HEARTBEAT = 10
#: Items do not wait longer than this for their batch to fill, so that readers see them early.
LONGEST_GATHERING_S = 2.0
#: Characters of a checkpoint: it is written with every page.
LARGEST_CHECKPOINT = 200_000
MOST_STORED = 2**31
#: A batch being stored when its run is stopped gets so many seconds, of the one a cancel may take:
#: before that nobody knows whether its items are there.
COMMIT_S = 0.5


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


class Attempt:
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
        self._batch: list[Record] = []
        self._batch_began_at = 0.0
        self._read = 0
        self._to_close: list[Callable[[], Awaitable[None]]] = []
        self._extraction: Extraction
        self._storage: StorageAdapter
        self.started_at = time.monotonic()
        self.seconds: dict[str, float] = {}

    async def all_steps(self) -> None:
        """Everything from authentication to the last stored item."""
        task = self._task
        await demand_new_session(self._active)
        try:
            adapter = self._toolbox.adapter(task)
            adapter.context = self._context()
            self._close_at_end(adapter, PlatformAdapter)
            self._extraction = Extraction(task, self._toolbox.extractor(task))
            self._storage = self._toolbox.storage(task, self._active.lease_id)
            self._close_at_end(self._storage, StorageAdapter)
            stored = self._active.checkpoint.get("stored")
            if isinstance(stored, int) and 0 <= stored < MOST_STORED:
                self._active.result_count = stored
            with self._timed("authenticate"):
                await collect.sign_in(adapter, task, self._toolbox.credentials(task))
            self._advance(STARTED)
            try:
                await self._read_all(adapter)
            except BaseException:
                # What was collected before a failure is as good as any other item.
                if self._active.verdict is None:
                    with anyio.move_on_after(collect.CLEAN_UP_S, shield=True):
                        await self._flush()
                raise
            self._advance(COLLECTED)
            items = await self._extract()
            self._advance(PROCESSED)
            await self._store(items)
            self._advance(STORED)
            self._judge_yield()
        finally:
            if self._to_close:
                await _close_all(self._to_close)

    def _context(self) -> RunContext:
        options = collect.search_options(self._task)
        context = self._toolbox.context(self._task, options)
        context.checkpoint = {k: v for k, v in self._active.checkpoint.items() if k != "stored"}
        context.save_checkpoint = self._save_checkpoint
        context.pace = partial(self._pace, self._task.platform)
        return context

    async def _read_all(self, adapter: PlatformAdapter) -> None:
        """Read records to the end or to the limit, storing them batch by batch."""
        async with collect.Reading(adapter, self._task) as records:
            while True:
                with self._timed("collect"):
                    try:
                        record = await anext(records)
                    except StopAsyncIteration:
                        return
                self._take(record)
                if self._batch_is_full() or self._enough():
                    # Only now it is known which records are items, and new ones.
                    await self._flush()
                    if self._enough():
                        return

    def _take(self, record: Record) -> None:
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

    async def _flush(self) -> None:
        """Store what was read so far."""
        await self._store(await self._extract())

    async def _extract(self) -> list[DataItem]:
        if not self._batch:
            return []
        batch, self._batch = self._batch, []
        with self._timed("extract"):
            return await self._extraction.items(batch)

    async def _store(self, items: list[DataItem]) -> None:
        storage = self._storage
        if items and self._task.options.get("only_new") is True:
            known = await storage.known([item.id for item in items])
            items = [item for item in items if item.id not in known]
        if not items:
            return
        with self._timed("store"):
            saving = asyncio.ensure_future(_result(storage.save(items)))
            try:
                stored = await asyncio.shield(saving)
            except asyncio.CancelledError:
                if await _comes_to_its_end(saving):
                    self._active.result_count += len(items)
                raise
        if isinstance(stored, BaseException):
            raise stored
        if not stored:
            raise StorageError(f"storage {type(storage).__name__} did not store {len(items)} items")
        self._active.result_count += len(items)
        self._advance(self._active.progress)

    async def _save_checkpoint(self, checkpoint: Mapping[str, Any]) -> None:
        """Store what was yielded so far, then let a retry continue from here."""
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
        self._advance(self._active.progress, checkpoint=True)

    def _advance(self, progress: float, *, checkpoint: bool = False) -> None:
        """Note progress, which never goes back, as a heartbeat."""
        active = self._active
        active.progress = round(max(active.progress, progress), 4)
        self._heartbeat.report(active, checkpoint=checkpoint)

    def _judge_yield(self) -> None:
        """Records that all turned out unusable are no success."""
        unusable = self._extraction.unusable
        if unusable and not self._active.result_count:
            raise collect.nothing_understood(unusable)

    def _close_at_end(
        self, plugin: StorageAdapter | PlatformAdapter, base: type[StorageAdapter | PlatformAdapter]
    ) -> None:
        # The close of the base class does nothing, and a run of it costs as much as a small task.
        if getattr(plugin.close, "__func__", None) is not base.close:
            self._to_close.append(plugin.close)

    def _timed(self, step: str) -> _Timed:
        return _Timed(self.seconds, step)


class _Timed:
    """Adds the seconds of its block to those of a step; one may be inside another."""

    __slots__ = ("_began_at", "_seconds", "_step")

    def __init__(self, seconds: dict[str, float], step: str) -> None:
        self._seconds = seconds
        self._step = step

    def __enter__(self) -> None:
        self._began_at = time.monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        spent_s = time.monotonic() - self._began_at
        self._seconds[self._step] = self._seconds.get(self._step, 0.0) + spent_s


async def _result(saving: Awaitable[bool]) -> bool | BaseException:
    """What a storage says or raises; as a value, as not every exception can pass between tasks."""
    try:
        return await saving
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        return error


async def _comes_to_its_end(saving: asyncio.Future[bool | BaseException]) -> bool:
    """Whether a batch is stored after all, although its run has been stopped."""
    with anyio.move_on_after(COMMIT_S, shield=True):
        await asyncio.wait([saving])
    saving.cancel()
    with anyio.move_on_after(collect.CLEAN_UP_S, shield=True):
        await asyncio.wait([saving])
    if not saving.done() or saving.cancelled():
        return False
    stored = saving.result()
    return bool(stored) and not isinstance(stored, BaseException)


async def _close_all(closes: list[Callable[[], Awaitable[None]]]) -> None:
    """Close all, the last first, whatever one of them raises."""
    async with AsyncExitStack() as closing:
        for close in closes:
            closing.push_async_callback(_in_time, close)


async def _in_time(close: Callable[[], Awaitable[None]]) -> None:
    """Close, also after a cancellation, but not for ever."""
    with anyio.move_on_after(collect.CLEAN_UP_S, shield=True):
        await close()
