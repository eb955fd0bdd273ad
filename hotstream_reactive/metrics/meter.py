"""The meter: measures what no event tells, and serves all figures to Prometheus.

The server has a thread of its own, so it answers also while an adapter blocks the event loop: that
is when somebody looks.
"""

from __future__ import annotations

import math
import time

import anyio
import anyio.to_thread
from loguru import logger
from prometheus_client import start_http_server

from hotstream_reactive.engine.worker import Worker
from hotstream_reactive.metrics.figures import Figures

TICK_S = 0.5


class Meter:
    """Serves the figures of one worker at `http://<address>/metrics`."""

    def __init__(self, figures: Figures, address: str) -> None:
        self._figures = figures
        self._address = address

    def follow(self, worker: Worker) -> None:
        """Ask this worker, whenever somebody looks, what it does."""
        self._figures.running.set_function(lambda: len(worker.active))
        self._figures.stream_silence.set_function(lambda: _silence_s(worker))

    async def run(self) -> None:
        """Serve and measure until cancelled; a worker works on also where it cannot be measured."""
        host, _, port = self._address.rpartition(":")
        try:
            server, thread = start_http_server(
                int(port), addr=host.strip("[]"), registry=self._figures.registry
            )
        except (OSError, OverflowError) as error:
            logger.warning(
                "monitoring.metrics_address = {!r}: {}; this worker shows no figures; "
                "give each worker of a machine a port of its own",
                self._address,
                error,
            )
            return
        logger.info("figures at http://{}/metrics", self._address)
        try:
            while True:
                due = time.monotonic() + TICK_S
                await anyio.sleep(TICK_S)
                self._figures.lag.observe(max(0.0, time.monotonic() - due))
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(server.shutdown)
            server.server_close()
            thread.join()


def _silence_s(worker: Worker) -> float:
    changed_at = worker.watcher.changed_at if worker.watcher else None
    return math.nan if changed_at is None else time.monotonic() - changed_at
