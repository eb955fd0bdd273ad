"""Traces of runs for OpenTelemetry: a listener of the engine's events, and a way out.

`spans` makes a span of every run and every page, `sender` hands them over. What needs the extra
`otel` is loaded only when `monitoring.traces_endpoint` asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotstream_reactive.engine.events import Events
from hotstream_reactive.errors import ConfigError
from hotstream_reactive.settings import Settings
from hotstream_reactive.text import redact

if TYPE_CHECKING:
    from hotstream_reactive.traces.sender import Sender


def open_traces(settings: Settings, events: Events, *, worker_id: str) -> Sender | None:
    """What sends the traces of this worker; None when nobody asked for it.

    Raises:
        ConfigError: the extra `otel` is not installed.
    """
    endpoint = settings.monitoring.traces_endpoint
    if not endpoint:
        return None
    try:
        from hotstream_reactive.traces.sender import Sender
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise ConfigError(
            f"[monitoring] traces_endpoint = {redact(endpoint)!r}: OpenTelemetry is not installed; "
            "pip install 'hotstream-reactive[otel]', or set it to \"\""
        ) from None
    sender = Sender(endpoint, worker_id)
    events.listen(sender.spans.take)
    return sender
