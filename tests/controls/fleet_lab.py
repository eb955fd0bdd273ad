"""A fleet in one process: real workers on a real server, with a platform that tests steer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import anyio
import msgspec
from pymongo.database import Database

from hotstream_reactive.app import make_worker, prepare
from hotstream_reactive.engine.events import Event, Events
from hotstream_reactive.engine.worker import Worker
from hotstream_reactive.errors import TransientError
from hotstream_reactive.model.holds import Hold, holds
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.situation import gather
from hotstream_reactive.platforms.base import PlatformAdapter, SearchOptions
from hotstream_reactive.plugins import Registry
from hotstream_reactive.settings import PlatformSettings, SchedulerSettings, Settings
from hotstream_reactive.storages.mongodb import MongoStorage

Document = dict[str, Any]
PATIENCE_S = 20.0


class Seen(NamedTuple):
    """An event with the worker it happened in and its monotonic time."""

    at: float
    worker: str
    event: Event


class Lab:
    """Starts workers, writes tasks as an external program, and watches what happens."""

    def __init__(self, settings: Settings, database: Database[Document]) -> None:
        self.settings = settings
        self.database = database
        self.seen: list[Seen] = []
        self.running: dict[str, str] = {}
        self.most: Counter[str] = Counter()
        self._released: dict[str, anyio.Event] = {}
        self._news = anyio.Event()
        self._written = 0

    # What a test writes

    def insert(self, task_id: str, **fields: Any) -> None:
        """An orderly pending task of platform `lab`, each behind the ones before."""
        self._written += 1
        created = datetime.fromtimestamp(1_750_000_000 + self._written, UTC)
        document = {
            "task_id": task_id,
            "platform": "lab",
            "keywords": ["x"],
            "status": 0,
            "priority": 5,
            "immediate": False,
            "created_at": created,
            **fields,
        }
        self.database.tasks.insert_one({k: v for k, v in document.items() if v is not ...})

    def held(self, task_id: str, **fields: Any) -> None:
        """A task that runs until `release`."""
        self.insert(task_id, options={"hold": True}, **fields)

    def release(self, *task_ids: str) -> None:
        """Let runs end."""
        for task_id in task_ids:
            self._released.setdefault(task_id, anyio.Event()).set()

    def control(self, control_id: str, **fields: Any) -> None:
        """Write a control with a plain update; None removes the field."""
        update: Document = {}
        for name, value in fields.items():
            update.setdefault("$unset" if value is None else "$set", {})[name] = value
        self.database.controls.update_one({"_id": control_id}, update, upsert=True)

    def task(self, task_id: str) -> Document:
        """The document as it stands."""
        found = self.database.tasks.find_one({"task_id": task_id})
        assert found is not None
        return found

    # What happens

    def listener(self, worker: str) -> Callable[[Event], None]:
        def listen(event: Event) -> None:
            self.seen.append(Seen(time.monotonic(), worker, event))
            self.tell()

        return listen

    def tell(self) -> None:
        """Something has happened: conditions are looked at again."""
        self._news.set()
        self._news = anyio.Event()

    def of(self, action: str, task_id: str | None = None, **details: Any) -> list[Seen]:
        """The events of this kind, in order."""
        return [
            seen
            for seen in self.seen
            if seen.event.action == action
            and task_id in (None, seen.event.task_id)
            and all(seen.event.details.get(name) == value for name, value in details.items())
        ]

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until the condition holds after an event, and give what it gave."""
        with anyio.move_on_after(PATIENCE_S):
            while not (value := condition()):
                await self._news.wait()
            return value
        raise AssertionError(f"it did not happen; seen: {[s.event for s in self.seen[-20:]]}")

    async def event(self, action: str, task_id: str | None = None, **details: Any) -> Seen:
        """The first event of this kind, also one that was seen before."""
        return (await self.until(lambda: self.of(action, task_id, **details)))[0]

    async def runs(self, *task_ids: str) -> None:
        """Wait until the adapters of these tasks run."""
        await self.until(lambda: set(task_ids) <= set(self.running))

    async def explain(self, task_id: str) -> dict[str, Hold]:
        """What `explain` says, by name of the hold."""
        async with self.connected() as mongo:
            zombie_timeout_s = self.settings.scheduler.zombie_timeout
            found = holds(*await gather(mongo, task_id, zombie_timeout_s=zombie_timeout_s))
        assert len({hold.name for hold in found}) == len(found)
        return {hold.name: hold for hold in found}

    # Workers

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Mongo]:
        mongo = Mongo(self.settings.mongodb, app_name="hotstream/test")
        try:
            await mongo.connect()
            yield mongo
        finally:
            with anyio.CancelScope(shield=True):
                await mongo.close()

    @asynccontextmanager
    async def worker(
        self, name: str = "w1", *, platforms: dict[str, Any] | None = None, **scheduler: Any
    ) -> AsyncIterator[Worker]:
        """A worker that is ready; at the end it is stopped at once."""
        settings = msgspec.structs.replace(
            self.settings,
            scheduler=msgspec.structs.replace(self.settings.scheduler, **scheduler),
            platforms={n: PlatformSettings(**p) for n, p in (platforms or {}).items()},
        )
        async with self.connected() as mongo, anyio.create_task_group() as group:
            assert await prepare(mongo, settings) == []
            events = Events()
            events.listen(self.listener(name))
            worker = make_worker(settings, mongo, self._registry(), events, worker_id=name)
            ended = anyio.Event()

            async def run() -> None:
                await worker.run()
                ended.set()

            group.start_soon(run)
            await worker.ready.wait()
            await worker._fleet.beat_once()  # its entry stands, for `explain`
            try:
                yield worker
            finally:
                worker.stop()
                worker.stop()
                with anyio.move_on_after(PATIENCE_S, shield=True):
                    await ended.wait()

    @asynccontextmanager
    async def workers(self, *names: str, **scheduler: Any) -> AsyncIterator[None]:
        """Several workers that know of each other."""
        async with AsyncExitStack() as stack:
            for name in names:
                await stack.enter_async_context(self.worker(name, **scheduler))
            yield

    def _registry(self) -> Registry:
        lab = self

        class LabPlatform(PlatformAdapter):
            platform_name = "lab"

            async def search(
                self, keywords: list[str], options: SearchOptions
            ) -> AsyncIterator[Any]:
                task_id, platform = self.context.task_id, self.platform_name
                lab.running[task_id] = platform
                lab.most[platform] = max(
                    lab.most[platform], list(lab.running.values()).count(platform)
                )
                lab.tell()
                try:
                    if options.get("fail"):
                        raise TransientError("the site is away")
                    for _ in range(int(options.get("requests", 0))):
                        await self.context.pace()
                        lab.listener("lab")(Event(action="request", task_id=task_id))
                    if options.get("hold"):
                        await lab._released.setdefault(task_id, anyio.Event()).wait()
                    await anyio.sleep(float(options.get("seconds", 0)))
                finally:
                    del lab.running[task_id]
                return
                yield {}

        class OtherPlatform(LabPlatform):
            platform_name = "other"

        return Registry(
            platforms={"lab": LabPlatform, "other": OtherPlatform},
            storages={"mongodb": MongoStorage},
        )


def scheduler_settings() -> SchedulerSettings:
    """Slow loops, so that what is seen is no chance of a sweep."""
    return SchedulerSettings(
        check_interval=3600.0,
        priority_check_interval=3600.0,
        max_concurrent_tasks=5,
        express_slots=0,
        heartbeat_interval=1.0,
        zombie_timeout=30.0,
        retry_base_delay=600.0,
        retry_max_delay=600.0,
    )
