"""`start-daemon`: a worker that runs until it is told to stop."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TextIO, cast

import anyio
import click
from loguru import logger

from hotstream_reactive import logs
from hotstream_reactive.app import load_registry, make_worker, new_worker_id, prepare, warm_up
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.engine.backoff import full_jitter
from hotstream_reactive.engine.events import Events
from hotstream_reactive.engine.log import event_log
from hotstream_reactive.engine.pulse import Pulse
from hotstream_reactive.engine.worker import Worker
from hotstream_reactive.errors import DatabaseUnavailable
from hotstream_reactive.mongo.client import Mongo, work_app_name
from hotstream_reactive.settings import Settings

_LONGEST_WAIT_S = 15.0
#: New objects, less those freed, after which the garbage collector looks at them; and after how
#: many looks at the young it looks at the older ones, and after how many of these at all.
_COLLECT_AFTER = (10_000, 5, 2)
#: Shows what goes on while its block runs.
Show = Callable[[Settings, Events], AbstractAsyncContextManager[None]]


@click.command()
@click.option(
    "--embedded",
    is_flag=True,
    help="Start an embedded MongoDB replica set and use it (the default without mongodb.uri).",
)
@click.option(
    "-w", "--max-concurrent-tasks", type=int, help="Slots (scheduler.max_concurrent_tasks)."
)
@click.option(
    "--reactive/--no-reactive",
    default=None,
    help="Use the change stream (scheduler.reactive); without it the polling loops do all.",
)
@click.option("--worker-id", help="Name of this worker (framework.worker_id).")
@click.option(
    "--driver",
    type=click.Choice(["motor", "pymongo"]),
    help="MongoDB driver (mongodb.driver).",
)
@click.option(
    "--dashboard/--no-dashboard",
    "with_dashboard",
    default=False,
    help="Show the dashboard on this terminal; the log goes to monitoring.log_file and to key l.",
)
@click.pass_obj
def start_daemon(
    session: Session,
    *,
    embedded: bool,
    max_concurrent_tasks: int | None,
    reactive: bool | None,
    worker_id: str | None,
    driver: str | None,
    with_dashboard: bool,
) -> int:
    """Run tasks until stopped: SIGTERM or Ctrl-C drains, a second one stops at once.

    \b
    Examples:
      hotstream start-daemon
      hotstream start-daemon --embedded -w 20 --dashboard
      MONGODB_URI='mongodb://127.0.0.1:27017/?replicaSet=rs0' hotstream start-daemon
    """
    session.override("scheduler.max_concurrent_tasks", max_concurrent_tasks)
    session.override("scheduler.reactive", reactive)
    session.override("framework.worker_id", worker_id)
    session.override("mongodb.driver", driver)
    name = new_worker_id(session.settings)
    session.log(worker_id=name)
    show = _screen(session, name) if with_dashboard else _no_screen
    return run_async(lambda: _serve(session, name, show, embedded=embedded))


def _screen(session: Session, worker_id: str) -> Show:
    """How the dashboard is shown beside the worker; where no screen is, the log tells all."""
    from hotstream_reactive.cli.dashboard import beside_worker, has_screen
    from hotstream_reactive.dashboard.beside import LogAside

    if not has_screen(sys.stdout):
        return _no_screen
    aside = LogAside()

    @asynccontextmanager
    async def show(settings: Settings, events: Events) -> AsyncIterator[None]:
        logs.configure(settings, stream=cast("TextIO", aside), worker_id=worker_id)
        async with beside_worker(settings, events, aside, worker_id=worker_id):
            yield

    return show


@asynccontextmanager
async def _no_screen(settings: Settings, events: Events) -> AsyncIterator[None]:
    yield


async def _serve(session: Session, worker_id: str, show: Show, *, embedded: bool) -> int:
    pulse = Pulse(session.settings, worker_id)
    signals = _Signals(pulse)
    async with (
        session.settings_with_database(embedded=embedded, keep=True, say=logger.info) as settings,
        anyio.create_task_group() as group,
    ):
        group.start_soon(signals.listen)
        group.start_soon(pulse.run)
        async with _open(settings, worker_id, signals) as mongo:
            if mongo is not None:
                await _work(settings, mongo, worker_id, signals, show)
        group.cancel_scope.cancel()
    return signals.exit_code


async def _work(
    settings: Settings, mongo: Mongo, worker_id: str, signals: _Signals, show: Show
) -> None:
    assert mongo.server is not None
    logger.info("MongoDB {}, {}", mongo.server.version, mongo.server.topology)
    events = Events()
    events.listen(event_log(settings.framework.log_level))
    registry = load_registry(settings)
    logger.info(
        "worker {}: platforms {}", worker_id, ", ".join(sorted(registry.platforms)) or "none"
    )
    await anyio.to_thread.run_sync(warm_up, settings, registry)
    worker = make_worker(
        settings, mongo, registry, events, worker_id=worker_id, leave=signals.leave
    )
    _spare_collector()
    async with show(settings, events):
        signals.tell(worker)
        await worker.run()


def _spare_collector() -> None:
    """Let the garbage collector pass over what stays for ever, and look at the rest less often.

    A run makes no reference cycles, but some hundred objects; by its default the collector looks
    after every seventh run, which takes a sixth of a busy worker's processor. What plugins leave in
    cycles is found as soon as by default: everything is gone through after 100,000 objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


@asynccontextmanager
async def _open(
    settings: Settings, worker_id: str, signals: _Signals
) -> AsyncIterator[Mongo | None]:
    """A connection, waited for as long as it takes; None when told to stop meanwhile.

    Raises:
        DatabaseRefused: waiting would not help.
    """
    mongo = Mongo(settings.mongodb, app_name=work_app_name(worker_id))
    failures = 0
    began = time.monotonic()
    try:
        while not signals.stopping.is_set():
            try:
                await mongo.connect()
                await prepare(mongo, settings)
            except DatabaseUnavailable as error:
                failures += 1
                wait_s = 0.5 + full_jitter(failures, 1.0, _LONGEST_WAIT_S)
                logger.warning(
                    "waiting for MongoDB since {:.0f} s, next try in {:.1f} s: {}",
                    time.monotonic() - began,
                    wait_s,
                    error,
                )
                with anyio.move_on_after(wait_s):
                    await signals.stopping.wait()
            else:
                yield mongo
                return
        yield None
    finally:
        await mongo.close()


class _Signals:
    """SIGTERM and SIGINT: the first drains, the second stops at once."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self.stopping = anyio.Event()
        self.exit_code = 0
        self._worker: Worker | None = None

    def tell(self, worker: Worker) -> None:
        """Let this worker be stopped; at once when a signal came before."""
        self._worker = worker
        self._pulse.follow(worker)
        if self.stopping.is_set():
            worker.stop()

    def leave(self) -> None:
        """End the process as it is: a plugin that cannot be stopped must not keep it alive."""
        logger.complete()
        self._pulse.end()
        os._exit(self.exit_code)

    async def listen(self) -> None:
        """Pass signals on until cancelled."""
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as received:
            async for number in received:
                name = signal.Signals(number).name
                if self.stopping.is_set():
                    logger.warning("{} again: handing running tasks back now", name)
                    self.exit_code = 128 + number
                else:
                    logger.info("{}: draining, once more to stop at once", name)
                self.stopping.set()
                if self._worker is not None:
                    self._worker.stop()
