"""Figures of a worker for Prometheus: a listener of the engine's events, and a small server.

`figures` counts, `meter` measures the rest and serves both. What needs the extra `metrics` is
loaded only when `monitoring.metrics_address` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hotstream_reactive.engine.events import Events
from hotstream_reactive.errors import ConfigError
from hotstream_reactive.settings import Settings

if TYPE_CHECKING:
    from hotstream_reactive.metrics.meter import Meter


def open_meter(
    settings: Settings, events: Events, *, worker_id: str, platforms: Iterable[str]
) -> Meter | None:
    """What measures this worker; None when nobody asked for it.

    Raises:
        ConfigError: the extra `metrics` is not installed.
    """
    address = settings.monitoring.metrics_address
    if not address:
        return None
    try:
        from hotstream_reactive.metrics.figures import Figures
        from hotstream_reactive.metrics.meter import Meter
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        raise ConfigError(
            f"[monitoring] metrics_address = {address!r}: prometheus-client is not installed; "
            "pip install 'hotstream-reactive[metrics]', or set it to \"\""
        ) from None
    figures = Figures(worker_id, platforms, slots=settings.scheduler.max_concurrent_tasks)
    events.listen(figures.count)
    return Meter(figures, address)
