"""The sender: hands spans over to a collector, in a thread of its own, as well as it can.

No run waits for it. What waits is bounded (2,048 spans, `OTEL_BSP_MAX_QUEUE_SIZE`); a collector
that is down costs the oldest of them, and one line in the log when it goes and one when it is back.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
from loguru import logger
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from hotstream_reactive.text import clean, redact
from hotstream_reactive.traces.spans import Spans
from hotstream_reactive.version import __version__

#: Seconds for one batch, with all attempts.
_TIMEOUT_S = 3.0
#: At the end of a worker, so long for the last outcomes to be told.
_FAREWELL_S = 5.0
_PATH = "/v1/traces"


class Sender:
    """Sends the spans of one worker to an OTLP/HTTP endpoint.

    Args:
        endpoint: an address; without a path the usual one is taken.
    """

    def __init__(self, endpoint: str, worker_id: str) -> None:
        resource = Resource.create(
            {
                "service.name": "hotstream",
                "service.version": __version__,
                "service.instance.id": worker_id,
            }
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._exporter = _Calm(endpoint)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self.spans = Spans(self._provider.get_tracer("hotstream_reactive", __version__))

    async def run(self) -> None:
        """Send until cancelled, then what still waits, each batch once."""
        logger.info("traces to {}", self._exporter.shown)
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                with anyio.move_on_after(_FAREWELL_S):
                    await self.spans.wait_until_none_is_open()
                self._exporter.is_last = True
                await anyio.to_thread.run_sync(self._provider.shutdown)


class _Calm(SpanExporter):
    """An exporter that tells once of a collector that is down, and once of its return."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        #: The collector as the log calls it, without what may be secret.
        self.shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        if parts.path in ("", "/"):
            parts = parts._replace(path=_PATH)
        self._exporter = OTLPSpanExporter(parts.geturl(), timeout=_TIMEOUT_S)
        self._said = _LastWord()
        self._lost = 0
        #: Nothing is tried any more after the next failure: the worker ends.
        self.is_last = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch, from the thread of the processor."""
        if self.is_last and self._lost:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            if not self._lost:
                logger.warning(
                    "traces: {} does not take them (monitoring.traces_endpoint): {}; they are "
                    "dropped until it does, and tasks run on",
                    self.shown,
                    self._said.text,
                )
            self._lost += len(spans)
        elif self._lost:
            logger.info("traces: {} takes them again; {} spans were lost", self.shown, self._lost)
            self._lost = 0
        return result

    def shutdown(self) -> None:
        """Close connections."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call] # it has no annotations


class _LastWord(logging.Handler):
    """Keeps what the library says last: a line for each attempt that fails would be too many."""

    def __init__(self) -> None:
        super().__init__()
        self.text = "no reason given"
        for name in ("opentelemetry.exporter", "opentelemetry.sdk"):
            library = logging.getLogger(name)
            library.propagate = False
            library.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take the place of the line before."""
        self.text = clean(redact(record.getMessage()), 300)
