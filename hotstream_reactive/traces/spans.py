"""Events as spans: one for each run, below it one for each page.

No span holds what a task is about (keywords, accounts, options) nor the query of an address: traces
go to a system that more people read than the database. Error messages go out as they do to a log.
"""

from __future__ import annotations

import time
from typing import Any

import anyio
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from hotstream_reactive.engine.events import Event
from hotstream_reactive.text import clean, redact

_ENDS = frozenset({"completed", "retry", "failed", "cancelled", "lease_lost"})
_FAULTS = frozenset({"retry", "failed", "lease_lost"})
_LONGEST_MESSAGE = 500
_Key = tuple[str | None, Any]


class Spans:
    """Begins a span with a claim and ends it with the outcome, at the times they really had."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        #: Spans of runs that go on, with the time of their claim in nanoseconds.
        self._open: dict[_Key, tuple[Span, int]] = {}
        self._none_open = anyio.Event()

    async def wait_until_none_is_open(self) -> None:
        """Wait until the outcomes of all runs are known."""
        while self._open:
            self._none_open = anyio.Event()
            await self._none_open.wait()

    def take(self, event: Event) -> None:
        """Take one event in; a listener for `Events`."""
        if event.action == "claimed":
            self._begin(event, time.time_ns())
        elif event.action == "page":
            self._page(event)
        elif event.action in _ENDS:
            self._end(event)

    def _begin(self, event: Event, at_ns: int) -> tuple[Span, int]:
        details = event.details
        attributes = {
            "hotstream.task_id": clean(redact(event.task_id or "")),
            "hotstream.platform": clean(str(details["platform"])),
            "hotstream.run_number": details["run_number"],
        }
        for name in ("task_type", "priority", "immediate", "waited_s"):
            if details.get(name) is not None:
                attributes[f"hotstream.{name}"] = details[name]
        span = self._tracer.start_span(
            "run", kind=SpanKind.CONSUMER, attributes=attributes, start_time=at_ns
        )
        begun = self._open[_key(event)] = (span, at_ns)
        return begun

    def _end(self, event: Event) -> None:
        details = event.details
        elapsed_ns = int(details["elapsed_ms"] * 1e6)
        # A document that was refused after its claim had no run to begin.
        if (begun := self._open.pop(_key(event), None)) is None:
            begun = self._begin(event, time.time_ns() - elapsed_ns)
            del self._open[_key(event)]
        span, began_ns = begun
        span.set_attribute("hotstream.outcome", event.action)
        span.set_attribute("hotstream.items", details["new_items"])
        if details["cause"]:
            span.set_attribute("error.type", details["cause"])
        if event.action in _FAULTS:
            message = clean(redact(str(details.get("error", ""))), _LONGEST_MESSAGE)
            span.set_status(Status(StatusCode.ERROR, message))
        span.end(began_ns + elapsed_ns)
        if not self._open:
            self._none_open.set()

    def _page(self, event: Event) -> None:
        begun = self._open.get(_key(event))
        if begun is None:  # fetched by something that outlives its run
            return
        details = event.details
        host, slash, path = details["address"].partition("/")
        attributes: dict[str, Any] = {
            "server.address": clean(host),
            "url.path": clean(redact(slash + path)),
            "hotstream.way": details["way"],
        }
        status, error = details["status"], details["error"]
        if status is not None:
            attributes["http.response.status_code"] = status
        if error or status >= 400:
            attributes["error.type"] = error or str(status)
        now_ns = time.time_ns()
        span = self._tracer.start_span(
            "page",
            set_span_in_context(begun[0]),
            SpanKind.CLIENT,
            attributes,
            start_time=now_ns - int(details["seconds"] * 1e9),
        )
        if "error.type" in attributes:
            span.set_status(StatusCode.ERROR)
        span.end(now_ns)


def _key(event: Event) -> _Key:
    return event.task_id, event.details["run_number"]
