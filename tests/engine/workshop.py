"""Real workers on a real server, with a platform whose behaviour each test writes itself."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import msgspec
from pymongo import AsyncMongoClient

from hotstream_reactive.app import make_worker, prepare
from hotstream_reactive.engine.events import Event, Events
from hotstream_reactive.engine.worker import Worker
from hotstream_reactive.extractors.base import DataExtractor
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.platforms.base import PlatformAdapter, SearchOptions
from hotstream_reactive.plugins import Registry
from hotstream_reactive.settings import SchedulerSettings, Settings
from hotstream_reactive.storages.mongodb import MongoStorage

Document = dict[str, Any]
PATIENCE_S = 20.0
T0 = datetime(2025, 5, 30, 12, 38, tzinfo=UTC)
#: Far from everything a test waits for: what happens, happens because of a hint.
SELDOM = {"check_interval": 600.0, "priority_check_interval": 600.0}


def task(task_id: str, **fields: Any) -> Document:
    """A pending task of platform `lab` with all its sort keys."""
    at = fields.pop("at", 0)
    return {
        "task_id": task_id,
        "platform": "lab",
        "keywords": ["x"],
        "status": 0,
        "priority": 5,
        "immediate": False,
        "created_at": T0 + timedelta(seconds=at),
        **fields,
    }


def item(task_id: str, number: int, **fields: Any) -> DataItem:
    return DataItem(
        **{"id": f"{task_id}_{number}", "platform": "lab", "content": f"text {number}", **fields}
    )


class Workshop:
    """Starts workers, and is the external application beside them.

    `plays[task_id]` is an async generator function `(adapter, options)` that stands in for the
    site; without one a run yields `options.n` items. `hooks[task_id, stage]` is called at a stage:
    construct, authenticate, search, extract, validate, save, saved, close or close_storage.
    """

    def __init__(self, settings: Settings, client: AsyncMongoClient[Document]) -> None:
        self.settings = settings
        self.database = client[settings.mongodb.database]
        self.tasks = self.database.tasks
        self.plays: dict[str, Callable[..., AsyncIterator[Any]]] = {}
        self.hooks: dict[tuple[str, str], Callable[[], Any]] = {}
        self.starts: dict[str, list[float]] = defaultdict(list)
        self.closed: dict[str, list[float]] = defaultdict(list)
        self.running: set[str] = set()
        self.most_running = 0
        self.events: list[tuple[float, Event]] = []
        self.gates: dict[str, anyio.Event] = defaultdict(anyio.Event)
        #: Whether a worker may end by an error.
        self.may_die = False

    # The external application

    async def insert(self, *documents: Document) -> float:
        """Insert, and give the monotonic time at which the server had acknowledged."""
        await self.tasks.insert_many(documents)
        return time.monotonic()

    async def get(self, task_id: str) -> Document:
        found = await self.tasks.find_one({"task_id": task_id})
        assert found is not None
        return found

    async def items(self, task_id: str) -> list[Document]:
        return await self.database.data_items.find({"task_ids": task_id}).to_list(None)

    # Waiting

    async def until(self, condition: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
        """Wait until the condition (which may be asynchronous) holds, and give what it gave."""
        deadline = time.monotonic() + patience_s
        while True:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
            if time.monotonic() > deadline:
                told = [(e.action, e.task_id, e.details) for _, e in self.events[-15:]]
                raise AssertionError(f"it did not happen within {patience_s:g} s; told: {told}")
            await anyio.sleep(0.002)

    async def reaches(self, task_id: str, status: int, patience_s: float = PATIENCE_S) -> Document:
        """Wait until the task has the status."""

        async def there() -> Document | None:
            return await self.tasks.find_one({"task_id": task_id, "status": status})

        document: Document = await self.until(there, patience_s)
        return document

    async def started(self, task_id: str, times: int = 1, patience_s: float = PATIENCE_S) -> float:
        """Wait until the adapter of the task was at work for the nth time; gives when."""
        await self.until(lambda: len(self.starts[task_id]) >= times, patience_s)
        return self.starts[task_id][times - 1]

    def told(self, action: str, task_id: str | None = None) -> list[Event]:
        """The events of that name so far."""
        return [
            event
            for _, event in self.events
            if event.action == action and task_id in (None, event.task_id)
        ]

    # Plays

    def hold(self, *task_ids: str) -> None:
        """Let these tasks run until `gates[task_id]` is set."""

        async def play(adapter: PlatformAdapter, options: SearchOptions) -> AsyncIterator[Any]:
            await self.gates[adapter.context.task_id].wait()
            yield item(adapter.context.task_id, 0)

        for task_id in task_ids:
            self.plays[task_id] = play

    # Workers

    @asynccontextmanager
    async def worker(
        self, name: str = "w1", *, unknown: Sequence[str] = (), **scheduler: Any
    ) -> AsyncIterator[Worker]:
        """A worker that is ready; at the end it is stopped at once, and must end.

        Platforms in `unknown` are not installed at it.
        """
        settings = msgspec.structs.replace(
            self.settings,
            scheduler=msgspec.structs.replace(self.settings.scheduler, **scheduler),
        )
        mongo = Mongo(settings.mongodb, app_name="hotstream/test")
        others = asyncio.all_tasks()
        try:
            await mongo.connect()
            await prepare(mongo, settings)
            events = Events()
            events.listen(lambda event: self.events.append((time.monotonic(), event)))
            registry = self._registry()
            for platform in unknown:
                del registry.platforms[platform]
            worker = make_worker(settings, mongo, registry, events, worker_id=name)
            run = asyncio.ensure_future(worker.run())
            try:
                await self.until(lambda: worker.ready.is_set() or run.done())
                yield worker
                assert self.may_die or not run.done() or not run.exception(), "the worker died"
            finally:
                worker.stop()
                worker.stop()
                await self._end(run, others)
        finally:
            await mongo.close()

    async def _end(self, run: asyncio.Future[None], others: set[asyncio.Task[Any]]) -> None:
        done, _ = await asyncio.wait([run], timeout=15)
        if not done:
            for left in asyncio.all_tasks() - others - {asyncio.current_task()}:
                left.cancel()
            await asyncio.wait([run], timeout=5)
            raise AssertionError("the worker neither works nor ends")
        if not self.may_die:
            run.result()

    def _registry(self) -> Registry:
        workshop = self

        async def stage(task_id: str, name: str) -> None:
            hook = workshop.hooks.get((task_id, name))
            if hook is not None and isinstance(result := hook(), Awaitable):
                await result

        class LabAdapter(PlatformAdapter):
            platform_name = "lab"

            async def authenticate(self, credentials: Mapping[str, Any]) -> bool:
                await stage(self.context.task_id, "authenticate")
                return True

            async def search(
                self, keywords: list[str], options: SearchOptions
            ) -> AsyncIterator[Any]:
                task_id = self.context.task_id
                workshop.starts[task_id].append(time.monotonic())
                workshop.running.add(task_id)
                workshop.most_running = max(workshop.most_running, len(workshop.running))
                try:
                    await stage(task_id, "search")
                    play = workshop.plays.get(task_id)
                    if play is None:
                        for number in range(int(options.get("n", 3))):
                            yield item(task_id, number)
                        return
                    async for record in play(self, options):
                        yield record
                finally:
                    workshop.running.discard(task_id)

            async def monitor_accounts(self, accounts: list[str], limit: int) -> AsyncIterator[Any]:
                async for record in self.search(accounts, self.context.options):
                    yield record

            async def close(self) -> None:
                workshop.closed[self.context.task_id].append(time.monotonic())
                await stage(self.context.task_id, "close")

        class LabStorage(MongoStorage):
            async def save(self, items: Sequence[DataItem]) -> bool:
                await stage(self.context.task_id, "save")
                stored = await super().save(items)
                await stage(self.context.task_id, "saved")
                return stored

            async def close(self) -> None:
                await stage(self.context.task_id, "close_storage")

        class RawAdapter(LabAdapter):
            """Yields raw records, for the extractor."""

            platform_name = "raw"

        class RawExtractor(DataExtractor):
            async def extract(self, raw_data: dict[str, Any]) -> DataItem:
                await stage(raw_data["task"], "extract")
                return item(raw_data["task"], raw_data["n"], platform="raw")

            def validate(self, data: DataItem) -> bool:
                hook = workshop.hooks.get((data.id.rpartition("_")[0], "validate"))
                return hook is None or bool(hook())

        class BrokenAdapter(LabAdapter):
            platform_name = "broken"

            def __init__(self) -> None:
                workshop.hooks["", "construct"]()

        return Registry(
            platforms={"lab": LabAdapter, "raw": RawAdapter, "broken": BrokenAdapter},
            extractors={"raw": RawExtractor},
            storages={"mongodb": LabStorage},
        )

    @asynccontextmanager
    async def workers(self, *names: str, **scheduler: Any) -> AsyncIterator[list[Worker]]:
        """Several workers."""
        async with AsyncExitStack() as stack:
            yield [await stack.enter_async_context(self.worker(n, **scheduler)) for n in names]


def scheduler() -> SchedulerSettings:
    """Everything but the hints is slow, retries are quick."""
    return SchedulerSettings(
        **SELDOM, retry_base_delay=0.05, retry_max_delay=0.1, shutdown_grace=10.0
    )
