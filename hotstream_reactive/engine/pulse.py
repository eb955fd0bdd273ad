"""The pulse: signs of life of this process, for `hotstream health`.

It beats in the event loop and from the very start, before there is a database: a loop that hangs
and a server that never answers are what it is to tell.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import anyio
from loguru import logger

from hotstream_reactive import vitals
from hotstream_reactive.engine.facts import beat_interval_s
from hotstream_reactive.engine.worker import Worker
from hotstream_reactive.settings import Settings
from hotstream_reactive.vitals import Vitals

#: Intervals are configurable: only several that were missed are a sign.
MISSED = 3


class Pulse:
    """Writes the vitals of this process into `monitoring.health_dir`, if that is wanted."""

    def __init__(self, settings: Settings, worker_id: str) -> None:
        scheduler = settings.scheduler
        self._folder = Path(settings.monitoring.health_dir)
        self._wanted = bool(settings.monitoring.health_dir)
        self._worker_id = worker_id
        self._sweep_patience_s = max(
            vitals.LONGEST_SWEEP_GAP_S, MISSED * scheduler.priority_check_interval
        )
        self._database_patience_s = max(
            vitals.LONGEST_DATABASE_GAP_S, MISSED * beat_interval_s(settings)
        )
        self._began_at = time.monotonic()
        self._process_began = vitals.process_began(os.getpid())
        self._worker: Worker | None = None
        self._stream = "waiting"
        self._stream_since = self._began_at

    def follow(self, worker: Worker) -> None:
        """Tell of this worker from now on."""
        self._worker = worker

    async def run(self) -> None:
        """Beat until cancelled."""
        if not self._wanted:
            return
        try:
            vitals.forget_the_dead(self._folder)
            while True:
                vitals.write(self._folder, self._vitals())
                await anyio.sleep(vitals.BEAT_S)
        except OSError as error:
            logger.warning(
                "monitoring.health_dir = {!r}: {}; `hotstream health` knows nothing of this worker",
                str(self._folder),
                error.strerror or error,
            )
        finally:
            self.end()

    def end(self) -> None:
        """Say farewell: the process ends on purpose."""
        if self._wanted:
            vitals.remove(self._folder, os.getpid())

    def _vitals(self) -> Vitals:
        now, worker = time.monotonic(), self._worker
        swept_at, database_at = worker.answered_at if worker else (0.0, 0.0)
        stream = str(worker.stream_state) if worker else self._stream
        if stream != self._stream:
            self._stream, self._stream_since = stream, now
        return Vitals(
            worker_id=self._worker_id,
            pid=os.getpid(),
            process_began=self._process_began,
            beat_at=now,
            stream=stream,
            stream_since=self._stream_since,
            swept_at=max(self._began_at, swept_at),
            sweep_patience_s=self._sweep_patience_s,
            database_at=max(self._began_at, database_at),
            database_patience_s=self._database_patience_s,
        )
