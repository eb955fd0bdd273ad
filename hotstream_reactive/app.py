"""The composition root: the only place where the engine meets adapters, storages and MongoDB."""

from __future__ import annotations

import difflib
import os
import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from loguru import logger

from hotstream_reactive.engine.events import Events
from hotstream_reactive.engine.worker import Worker
from hotstream_reactive.errors import InvalidTask
from hotstream_reactive.extractors.base import DataExtractor
from hotstream_reactive.fetch.traffic import Fetched, observer
from hotstream_reactive.metrics import open_meter
from hotstream_reactive.model.task import Task
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.client import connected as connected  # noqa: PLC0414 - also offered here
from hotstream_reactive.mongo.indexes import ensure_indexes
from hotstream_reactive.mongo.items import ItemStore
from hotstream_reactive.mongo.stores import MongoStores
from hotstream_reactive.mongo.sync_leases import SyncLeases
from hotstream_reactive.notify import open_outbox
from hotstream_reactive.platforms.base import PlatformAdapter, RunContext, SearchOptions
from hotstream_reactive.plugins import Registry, load_plugins
from hotstream_reactive.settings import Settings
from hotstream_reactive.storages.base import StorageAdapter, StorageContext
from hotstream_reactive.traces import open_traces


def new_worker_id(settings: Settings) -> str:
    """An id of this very process start: names of hosts and containers come back, this does not."""
    name = settings.framework.worker_id or f"{socket.gethostname()}-{os.getpid()}"
    return f"{name}-{uuid4().hex[:6]}"


def load_registry(settings: Settings) -> Registry:
    """All plugins of this installation; broken ones are named in the log and left out."""
    registry = load_plugins([Path(folder) for folder in settings.plugins.plugin_dirs])
    for broken in registry.broken:
        logger.warning("plugin left out: {}", broken)
    return registry


class PlatformTools:
    """Makes adapters and extractors for the runs of one process."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._settings = settings
        self._registry = registry
        self._output_dir = Path(settings.storage.output_dir)
        self._evidence_dirs = {
            name: self._output_dir / "evidence" / name for name in registry.platforms
        }

    def adapter(self, task: Task) -> PlatformAdapter:
        """A fresh adapter of the task's platform.

        Raises:
            InvalidTask: no such platform here, or it is switched off.
        """
        kind = self._registry.platforms.get(task.platform)
        if kind is None:
            raise _unknown("platform", task.platform, self._registry.platforms)
        if not self._settings.platform(task.platform).enabled:
            raise InvalidTask(
                f"invalid task: platform: {task.platform!r} is switched off; "
                f"set platforms.{task.platform}.enabled = true in config.toml"
            )
        return kind()

    def context(self, task: Task, options: SearchOptions) -> RunContext:
        """What the adapter gets for this run."""
        return RunContext(
            task_id=task.task_id,
            options=options,
            platform=self._settings.platform(task.platform),
            fetch=self._settings.fetch,
            log=logger.bind(task_id=task.task_id, platform=task.platform, run=task.run_number),
            evidence_dir=self._evidence_dirs[task.platform],
        )

    def credentials(self, task: Task) -> Mapping[str, Any]:
        """What the operator configured for signing in."""
        platform = self._settings.platform(task.platform)
        known = {"username": platform.username, "password": platform.password}
        return {**platform.config, **{name: value for name, value in known.items() if value}}

    def extractor(self, task: Task) -> DataExtractor | None:
        """The extractor of the task's platform, if it has one."""
        kind = self._registry.extractors.get(task.platform)
        return kind() if kind else None


class AppToolbox(PlatformTools):
    """Makes storages too, for the runs of one worker."""

    def __init__(
        self, settings: Settings, registry: Registry, items: ItemStore, events: Events
    ) -> None:
        super().__init__(settings, registry)
        self._items = items
        self._events = events

    def context(self, task: Task, options: SearchOptions) -> RunContext:
        """As without a worker; also, the pages of the run become events."""
        known = {"platform": task.platform, "run_number": task.run_number}

        def tell(page: Fetched) -> None:
            self._events.emit("page", task.task_id, **known, **page._asdict())

        observer.set(tell)
        return super().context(task, options)

    def storage(self, task: Task, lease_id: str) -> StorageAdapter:
        """The storage the task asks for, or the default one.

        Raises:
            InvalidTask: no such storage here.
        """
        name = task.storage_config.get("type", self._settings.storage.default_type)
        kind = self._registry.storages.get(name) if isinstance(name, str) else None
        if kind is None:
            raise _unknown("storage_config.type", name, self._registry.storages)
        storage = kind()
        storage.context = StorageContext(
            task_id=task.task_id,
            output_dir=self._output_dir,
            config=task.storage_config,
            lease=(task.document_id, lease_id),
            database=self._items,
        )
        return storage


def warm_up(settings: Settings, registry: Registry) -> None:
    """Let the platforms load what their first run would otherwise wait for; blocks."""
    for name, platform in registry.platforms.items():
        if settings.platform(name).enabled:
            try:
                platform.warm_up()
            except BaseException as error:  # a plugin may call sys.exit
                # A plugin that cannot warm up tells so again, and better, when it runs.
                logger.warning("platform {!r} could not warm up: {!r}", name, error)


def make_worker(
    settings: Settings,
    mongo: Mongo,
    registry: Registry,
    events: Events,
    *,
    worker_id: str,
    leave: Callable[[], None] | None = None,
) -> Worker:
    """Put a worker together on an open connection.

    `leave` ends the process; it is called when the worker was stopped and plugins of it were not.
    """
    stores = MongoStores(
        mongo, worker_id=worker_id, default_timeout_s=settings.scheduler.task_timeout
    )

    async def tend() -> None:
        await prepare(mongo, settings)

    platforms = [name for name in registry.platforms if settings.platform(name).enabled]
    meter = open_meter(settings, events, worker_id=worker_id, platforms=platforms)
    outbox = open_outbox(settings, events, worker_id=worker_id)
    traces = open_traces(settings, events, worker_id=worker_id)
    services = [one.run for one in (meter, outbox, traces) if one is not None]
    worker = Worker(
        stores,
        AppToolbox(settings, registry, stores.items, events),
        settings,
        events,
        worker_id=worker_id,
        platforms=platforms,
        open_feed=stores.open_feed if settings.scheduler.reactive else None,
        tend=tend,
        besides=[*_recorder(settings, mongo, events, worker_id), *services],
        leave=leave,
        thread_leases=SyncLeases(mongo.blocking_client, settings.mongodb.database),
    )
    if meter is not None:
        meter.follow(worker)
    return worker


def _recorder(
    settings: Settings, mongo: Mongo, events: Events, worker_id: str
) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """The service that records the history of tasks, if it is wanted."""
    if not settings.history.enabled:
        return []
    from hotstream_reactive.engine.recorder import Recorder
    from hotstream_reactive.mongo.history import HistoryKeeper

    keeper = HistoryKeeper(mongo, retention_days=settings.history.retention_days)
    zombie_timeout_s = settings.scheduler.zombie_timeout
    return [Recorder(keeper, events, worker_id=worker_id, zombie_timeout_s=zombie_timeout_s).run]


async def prepare(mongo: Mongo, settings: Settings) -> list[str]:
    """Create what is missing in the database; gives a line for each thing that could not be made.

    Raises:
        DatabaseUnavailable: the server cannot be reached.
    """
    complaints = await ensure_indexes(
        mongo, runs_retention_days=settings.monitoring.runs_retention_days
    )
    for complaint in complaints:
        logger.warning("{}", complaint)
    return complaints


def _unknown(field: str, name: object, known: Iterable[str]) -> InvalidTask:
    names = sorted(known)
    close = difflib.get_close_matches(str(name), names, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    message = f"invalid task: {field}: {name!r}, expected one of {', '.join(names) or 'none'}"
    return InvalidTask(message + hint)
