"""The worker: starts everything in order, and stops it in reverse.

Start: stream open, then sweeps and timer, then claims. Stop (drain): no claim any more, running
tasks finish within the grace, the rest is handed back, the last outcome is written, then all ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup

from hotstream_reactive.engine.attempt import Toolbox
from hotstream_reactive.engine.claimer import Claimer, ClaimStore
from hotstream_reactive.engine.completer import Completer, OutcomeStore, RunHistory
from hotstream_reactive.engine.containment import contain_children_of_runs
from hotstream_reactive.engine.controls import ControlBoard, ControlSource
from hotstream_reactive.engine.dispatcher import Dispatcher
from hotstream_reactive.engine.events import Events
from hotstream_reactive.engine.facts import beat_interval_s, lasting_facts, memory_bytes
from hotstream_reactive.engine.fleet import Fleet, WorkerRegister
from hotstream_reactive.engine.gate import Gate, LimitStore
from hotstream_reactive.engine.heartbeat import Heartbeat, LeaseStore
from hotstream_reactive.engine.intake import AdmissionStore, Intake
from hotstream_reactive.engine.launcher import Launcher
from hotstream_reactive.engine.lifeline import Lifeline, ThreadLeases
from hotstream_reactive.engine.maintenance import Chore, Rescue, RescueStore
from hotstream_reactive.engine.pace import Pacer, TokenStore
from hotstream_reactive.engine.runlog import RunLog
from hotstream_reactive.engine.runner import Runner
from hotstream_reactive.engine.running import ActiveRuns
from hotstream_reactive.engine.stuck import StuckWatch
from hotstream_reactive.engine.sweeps import every
from hotstream_reactive.engine.timer import Timer
from hotstream_reactive.engine.watcher import OpenFeed, StreamState, Watcher
from hotstream_reactive.model.outcome import Retry
from hotstream_reactive.model.run import FinishedRun
from hotstream_reactive.settings import Settings

Service = Callable[[], Coroutine[Any, Any, None]]


class LeaseKeeper(LeaseStore, OutcomeStore, RescueStore, Protocol):
    """Everything that is done with a running task's document."""


class Stores(Protocol):
    """The database as the engine sees it."""

    @property
    def claims(self) -> ClaimStore: ...
    @property
    def leases(self) -> LeaseKeeper: ...
    @property
    def admission(self) -> AdmissionStore: ...
    @property
    def history(self) -> RunHistory: ...
    @property
    def workers(self) -> WorkerRegister: ...
    @property
    def controls(self) -> ControlSource: ...
    @property
    def limits(self) -> LimitStore: ...
    @property
    def pace(self) -> TokenStore: ...


class Worker:
    """One worker process: watches, claims, runs and completes tasks.

    Args:
        platforms: names of the platforms this worker runs, for its entry in the register.
        open_feed: opens the change stream; None switches the stream off.
        tend: creates indexes that are missing; done at times and after a gap in the stream.
        thread_leases: how the lifeline renews leases; None does without the lifeline.
        besides: what else runs as long as the worker works.
        leave: ends the process, when at the end there are runs that cannot be stopped.
    """

    def __init__(
        self,
        stores: Stores,
        toolbox: Toolbox,
        settings: Settings,
        events: Events,
        *,
        worker_id: str,
        platforms: Collection[str],
        open_feed: OpenFeed | None,
        tend: Callable[[], Awaitable[None]],
        thread_leases: ThreadLeases | None = None,
        besides: Iterable[Service] = (),
        leave: Callable[[], None] | None = None,
    ) -> None:
        scheduler = settings.scheduler
        self.worker_id = worker_id
        self._scheduler = scheduler
        self._events = events
        self._lasting_facts = lasting_facts(settings, platforms)
        self.active = ActiveRuns()
        self._board = ControlBoard(stores.controls, settings, events, changed=self._sweep)
        self._gate = Gate(
            stores.limits, self._board, events, elsewhere=lambda: self._fleet.elsewhere
        )
        self._heartbeat = Heartbeat(
            stores.leases,
            events,
            interval_s=scheduler.heartbeat_interval,
            zombie_timeout_s=scheduler.zombie_timeout,
        )
        self._leave = leave
        self._run_log = RunLog()
        self._log_level = settings.framework.log_level
        self._completer = Completer(
            stores.leases,
            stores.history,
            events,
            worker_id=worker_id,
            done=self._done,
            give_up_after_s=scheduler.zombie_timeout * 2,
        )
        self._intake = Intake(stores.admission, events, admitted=self._sweep)
        self._doubt = anyio.Event()
        self._fleet = Fleet(
            stores.workers,
            events,
            worker_id=worker_id,
            interval_s=beat_interval_s(settings),
            platforms=platforms,
            facts=self._facts,
        )
        pacer = Pacer(
            stores.pace,
            events,
            rate=self._board.rate,
            workers=lambda: self._fleet.size,
            wait_for_edit=self._board.wait_for_edit,
        )
        runner = Runner(
            toolbox,
            self._heartbeat,
            scheduler,
            batch_size=settings.storage.batch_size,
            pace=pacer.turn,
        )
        self._launcher = Launcher(
            self.active,
            self._heartbeat,
            runner,
            self._completer,
            self._run_log,
            events,
            scheduler,
        )
        self._stuck = StuckWatch(self.active, scheduler, events, submit=self._launcher.submit)
        self._besides = [*besides, self._stuck.run]
        if thread_leases is not None:
            lifeline = Lifeline(
                self._heartbeat,
                self.active,
                events,
                thread_leases,
                scheduler,
                came_back=self._in_doubt,
            )
            self._besides.append(lifeline.run)
        self._timer = Timer(stores.claims, events, looked=self._beat, due=self._sweep)
        self._dispatcher = Dispatcher(
            self.active,
            events,
            slots=scheduler.max_concurrent_tasks,
            express_slots=scheduler.express_slots,
            gate=self._gate,
            claimer=Claimer(stores.claims, self._gate, start=self._launcher.start),
            rank=self._fleet.rank,
            disorderly=self._intake.want,
            doubtful=self._in_doubt,
            retimed=self._timer.recheck,
        )
        rescue = Rescue(
            stores.leases,
            stores.history,
            events,
            zombie_timeout_s=scheduler.zombie_timeout,
            max_rescues=scheduler.max_rescues,
        )
        # A dead worker's tasks shall not wait for the slow maintenance beat as well.
        rescue_s = min(scheduler.heartbeat_interval, scheduler.maintenance_interval)
        self._rescue = Chore("rescue", rescue_s, rescue.run_once, events)
        self._tend = Chore("tend", scheduler.maintenance_interval, tend, events)
        self.watcher = (
            Watcher(open_feed, self._dispatcher, events, gap=self._tend.soon) if open_feed else None
        )
        self._stop = anyio.Event()
        self._stop_now = anyio.Event()
        self.ready = anyio.Event()

    @property
    def stream_state(self) -> StreamState:
        """Whether the change stream works."""
        return self.watcher.state if self.watcher else StreamState.OFF

    @property
    def answered_at(self) -> tuple[float, float]:
        """Monotonic times of the last hint dealt with and of MongoDB's last answer; 0 for none."""
        return self._dispatcher.answered_at, self._fleet.answered_at

    def stop(self) -> None:
        """Drain and end; called once more: hand the running tasks back at once."""
        if self._stop.is_set():
            self._stop_now.set()
        self._stop.set()

    async def run(self) -> None:
        """Work until stopped."""
        contain_children_of_runs()
        async with anyio.create_task_group() as services, anyio.create_task_group() as completing:
            completing.start_soon(self._completer.run)
            try:
                await self._work(services)
            finally:
                # Writing outcomes is shielded and ends by itself, also when a service has failed;
                # everything else ends now.
                self._completer.stop()
                if self.watcher is not None:
                    self.watcher.stop()
                services.cancel_scope.cancel()
        self._events.emit("stopped")

    async def _work(self, services: TaskGroup) -> None:
        services.start_soon(self._run_log.listen, self._log_level)
        services.start_soon(self._heartbeat.renew_for_ever)
        services.start_soon(self._heartbeat.write_reports)
        services.start_soon(self._renew_when_in_doubt)
        if self.watcher is None:
            self._events.emit("stream_off", reason="scheduler.reactive is false")
        else:
            services.start_soon(self.watcher.run)
            await self.watcher.ready()
        await self._board.poll()
        self._start_services(services)
        async with asyncio.TaskGroup() as runs:
            self._launcher.group = runs
            self._sweep()
            self._intake.want()
            self._events.emit("ready", slots=self._scheduler.max_concurrent_tasks)
            self.ready.set()
            await self._stop.wait()
            await self._drain()

    def _start_services(self, services: TaskGroup) -> None:
        scheduler = self._scheduler
        for loop in (
            self._board.run,
            self._dispatcher.run,
            self._timer.run,
            self._dispatcher.try_late,
            self._fleet.run,
            self._intake.run,
            self._rescue.run,
            self._tend.run,
            *self._besides,
        ):
            services.start_soon(loop)
        services.start_soon(every, scheduler.check_interval, self._main_beat)
        services.start_soon(every, scheduler.priority_check_interval, self._priority_beat)

    def _main_beat(self) -> None:
        self._intake.want(hinted=False)
        self._beat()
        self._timer.recheck()

    def _priority_beat(self) -> None:
        self._dispatcher.beat(urgent_only=True)
        # A place below a limit that another worker's run has left is no change anybody hears of.
        self._dispatcher.places_freed(self._gate.limited)

    def _beat(self) -> None:
        self._dispatcher.beat()

    def _sweep(self) -> None:
        self._dispatcher.sweep()

    def _in_doubt(self) -> None:
        self._doubt.set()

    async def _renew_when_in_doubt(self) -> None:
        """Ask at once whether the leases still stand when somebody edited a running task."""
        while True:
            await self._doubt.wait()
            self._doubt = anyio.Event()
            await self._heartbeat.renew_once()

    def _facts(self) -> dict[str, Any]:
        """What this worker's entry in the register says of it."""
        return {
            **self._lasting_facts,
            "running": [run.task.task_id for run in self.active][:100],
            "stream": str(self.stream_state),
            "draining": self._stop.is_set(),
            "memory_bytes": memory_bytes(),
        }

    def _done(self, run: FinishedRun) -> None:
        """An outcome is durable: the slot is free."""
        self._heartbeat.release(run.lease_id)
        self.active.remove(run.lease_id)
        if isinstance(run.outcome, Retry):
            self._timer.recheck()
        self._dispatcher.slot_freed(run.task.platform)

    # End

    async def _drain(self) -> None:
        """Let the running tasks finish within the grace, then hand the rest back."""
        await self._dispatcher.drain()
        grace_s = self._scheduler.shutdown_grace
        if len(self.active):
            self._events.emit("draining", running=len(self.active), grace_s=grace_s)
        async with anyio.create_task_group() as waiting:
            waiting.start_soon(self._cut_short, waiting.cancel_scope)
            with anyio.move_on_after(grace_s):
                await self.active.wait_until_empty()
            waiting.cancel_scope.cancel()
        for run in self.active:
            run.hand_back()
        await self.active.wait_until_empty()
        stuck = self._stuck.still_at_work()
        if stuck and self._leave is not None:
            # What cannot be stopped ends with the process; every outcome is written.
            self._events.emit("stopped", stuck=len(stuck))
            self._leave()

    async def _cut_short(self, scope: anyio.CancelScope) -> None:
        await self._stop_now.wait()
        scope.cancel()
