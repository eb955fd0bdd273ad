"""The lifeline: what goes on while an adapter blocks the event loop.

Everything else of a worker lives in the event loop, so an adapter that calls `time.sleep` or runs
into a hopeless regular expression stops all of it: heartbeats end, and other workers would take
this one's tasks back and run them twice. A thread beside the loop notices that the loop has not
ticked, renews the leases itself, and names the place. But a hung task must not be kept alive for
ever: what is beyond its own timeout is renewed no longer, and a loop that does not come back ends
the process, so that its supervisor starts a new one and others take its tasks.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import anyio
import anyio.to_thread
import msgspec
from loguru import logger

from hotstream_reactive.engine import frames
from hotstream_reactive.engine.alarm import Alarm
from hotstream_reactive.engine.events import Event, Events
from hotstream_reactive.engine.heartbeat import Heartbeat
from hotstream_reactive.engine.log import log_event
from hotstream_reactive.engine.running import ActiveRun, ActiveRuns, current_run
from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.settings import SchedulerSettings

TICK_S = 0.5
#: The loop counts as blocked when it has not ticked for so long.
BLOCKED_AFTER_S = 2.0
#: A look of the thread that comes later than this says that the process itself stood still.
LATE_LOOK_S = TICK_S + 1.0
#: Past its timeout a run may clean up for so long before it counts as hung.
CLEAN_UP_S = 10.0
#: Longest wait for the log, which may be the very thing that blocks the loop.
TELL_S = 1.0
#: The exit code of a process whose loop does not come back (EX_SOFTWARE).
EXIT_STUCK = 70
MOST_NAMED = 10


class ThreadLeases(Protocol):
    """Where a thread renews leases, on a connection of its own that is made at the first use."""

    def renew(self, leases: Mapping[str, Any], *, timeout_s: float) -> set[str]: ...
    def close(self) -> None: ...


class _Blockage(msgspec.Struct, kw_only=True):
    """One time during which the loop did not tick; times are monotonic."""

    since: float
    where: str
    task_id: str | None
    #: The runs one of which it may be, when it is not known which.
    one_of: list[str]
    renew_at: float = 0.0
    renewals: int = 0


class Lifeline:
    """Watches the loop from a thread.

    Listeners of events are not thread-safe, and while the loop is blocked none of them could act:
    so the thread tells the log at once, and the loop itself emits ``loop_unblocked``, with all that
    is known, when it is back.

    Args:
        came_back: called in the loop after a blockage: leases may have been lost meanwhile.
        end_process: called with the exit code when the loop does not come back.
    """

    def __init__(
        self,
        heartbeat: Heartbeat,
        active: ActiveRuns,
        events: Events,
        leases: ThreadLeases,
        settings: SchedulerSettings,
        *,
        came_back: Callable[[], None],
        end_process: Callable[[int], Any] = os._exit,
    ) -> None:
        self._heartbeat = heartbeat
        self._active = active
        self._events = events
        self._leases = leases
        self._interval_s = settings.heartbeat_interval
        self._stuck_after_s = settings.stuck_after
        self._grace_s = min(CLEAN_UP_S, settings.zombie_timeout)
        self._came_back = came_back
        self._end_process = end_process
        self._stop = threading.Event()
        self._alarm = Alarm(rung=self._note_run, busy=lambda: self._looking)
        self._loop_thread = 0
        # Written by the loop, read by the thread; each a single word, so no lock is needed.
        self._ticks = 0
        self._ticked_at = 0.0
        self._ticked_cpu_s = 0.0
        self._noted: ActiveRun | None = None
        # Written by the thread; taken by the loop when it is back.
        self._blockage: _Blockage | None = None
        self._looking = False
        # The thread's own.
        self._noticed: _Blockage | None = None
        self._stood_still_at = 0.0

    # In the loop

    async def run(self) -> None:
        """Tick until cancelled."""
        self._loop_thread = threading.get_ident()
        self._ticked_at, self._ticked_cpu_s = time.monotonic(), time.thread_time()
        thread = threading.Thread(target=self._watch, name="lifeline", daemon=True)
        self._alarm.install()
        try:
            thread.start()
            while True:
                self._tick()
                await anyio.sleep(TICK_S)
        finally:
            self._alarm.remove()
            self._stop.set()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(thread.join, TELL_S)

    def _tick(self) -> None:
        silent_s = time.monotonic() - self._ticked_at
        cpu_s = time.thread_time() - self._ticked_cpu_s
        self._ticks += 1
        self._ticked_at += silent_s
        self._ticked_cpu_s += cpu_s
        self._noted = None
        self._alarm.put_off(2 * TICK_S)
        blockage, self._blockage = self._blockage, None
        if blockage is not None:
            self._events.emit(
                "loop_unblocked",
                blockage.task_id,
                blocked_s=round(self._ticked_at - blockage.since, 1),
                where=blockage.where,
                one_of=", ".join(blockage.one_of),
                renewals=blockage.renewals,
            )
            self._came_back()
        elif cpu_s > BLOCKED_AFTER_S:
            # Not even the thread could run. A process that was merely stopped uses no CPU.
            self._events.emit(
                "loop_unblocked",
                blocked_s=round(silent_s, 1),
                where="not known: it held the interpreter's lock all the time",
                renewals=0,
            )
            self._came_back()

    def _note_run(self) -> None:
        self._noted = current_run.get()

    # In the thread

    def _watch(self) -> None:
        """Look at the loop's ticks until stopped.

        Time counts only while this thread itself runs: after SIGSTOP and SIGCONT, or on a machine
        that was suspended, the loop first gets the time to tick.
        """
        seen, silent_s = -1, 0.0
        looked_at = time.monotonic()
        while not self._stop.wait(TICK_S):
            self._looking = True
            began = time.monotonic()
            step_s = began - looked_at
            try:
                if self._ticks != seen:
                    seen, silent_s = self._ticks, 0.0
                    self._forget()
                elif step_s <= LATE_LOOK_S:
                    silent_s += step_s
                else:
                    self._stood_still_at = began
                    silent_s = silent_s if self._noticed else 0.0
                if silent_s > BLOCKED_AFTER_S:
                    self._act(silent_s)
            except Exception as error:
                # The last one awake must not fall asleep.
                self._log(Event(action="lifeline_failed", details={"reason": repr(error)}))
            looked_at = time.monotonic()
            silent_s += min(looked_at - began, self._interval_s) if self._noticed else 0.0
            self._looking = False
        self._leases.close()

    def _act(self, silent_s: float) -> None:
        """Do what must go on although the loop does not tick."""
        if self._noticed is None:
            self._noticed = self._blockage = self._notice()
            self._keep_leases(self._noticed)
            self._tell("loop_blocked", self._noticed, silent_s)
        self._keep_leases(self._noticed)
        if time.monotonic() - self._stood_still_at > BLOCKED_AFTER_S:
            self._end_if_stuck(self._noticed, silent_s)

    def _forget(self) -> None:
        """The loop has ticked."""
        if self._noticed is not None:
            self._noticed = None
            self._leases.close()

    def _notice(self) -> _Blockage:
        frame = sys._current_frames().get(self._loop_thread)
        # The alarm may be ringing: what it interrupted is what blocks.
        while frame is not None and frame.f_code.co_filename == _ALARM_FILE:
            frame = frame.f_back
        run, one_of = self._noted, list[ActiveRun]()
        if run is None and frames.in_a_run(frame):
            one_of = list(self._active)
            run = one_of[0] if len(one_of) == 1 else None
        return _Blockage(
            since=self._ticked_at,
            where=" < ".join(frames.blocking(frame)) or "not known",
            task_id=run.task.task_id if run else None,
            one_of=[] if run else [other.task.task_id for other in one_of[:MOST_NAMED]],
        )

    def _keep_leases(self, blockage: _Blockage) -> None:
        """Renew the leases of all runs that are within their timeout, every heartbeat interval."""
        asked_at = time.monotonic()
        if asked_at < blockage.renew_at:
            return
        blockage.renew_at = asked_at + self._interval_s
        asked = {
            run.lease_id: run.task.document_id for run in self._active if asked_at < run.timeout_at
        }
        if not asked:
            return
        try:
            renewed = self._leases.renew(asked, timeout_s=self._interval_s)
        except DatabaseError as error:
            blockage.renew_at = asked_at + TICK_S
            if not blockage.renewals:
                self._log(Event(action="renewal_failed", details={"reason": str(error)}))
            return
        blockage.renewals += 1
        self._heartbeat.renewed(renewed, asked_at)

    def _end_if_stuck(self, blockage: _Blockage, silent_s: float) -> None:
        hung_since = time.monotonic() - self._grace_s
        runs = list(self._active)
        if silent_s > self._stuck_after_s:
            reason = f"blocked for more than scheduler.stuck_after = {self._stuck_after_s:g} s"
        elif runs and all(run.timeout_at < hung_since for run in runs):
            reason = "every running task is beyond its timeout"
        else:
            return
        self._tell("loop_stuck", blockage, silent_s, reason=reason, exit_code=EXIT_STUCK)
        teller = threading.Thread(target=self._log_stacks, daemon=True)
        teller.start()
        teller.join(TELL_S)
        self._end_process(EXIT_STUCK)

    def _tell(self, action: str, blockage: _Blockage, silent_s: float, **more: Any) -> None:
        details = {
            "where": blockage.where,
            "one_of": ", ".join(blockage.one_of),
            "silent_s": round(silent_s, 1),
        }
        self._log(Event(action=action, task_id=blockage.task_id, details=details | more))

    def _log(self, event: Event) -> None:
        """Log in a thread of its own: the loop may be blocked inside the log, holding its lock."""
        teller = threading.Thread(target=log_event, args=(event,), daemon=True)
        teller.start()
        teller.join(TELL_S)

    def _log_stacks(self) -> None:
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():
            stack = frames.stack(frame)
            if ident == self._loop_thread:
                for place in stack:
                    logger.error("stack of the event loop: {}", place)
            elif ident != threading.get_ident():
                name = names.get(ident, ident)
                logger.error("stack of thread {}: {}", name, " < ".join(stack[:3]))


_ALARM_FILE = Alarm.install.__code__.co_filename
