"""A collector that speaks OTLP over HTTP, and keeps what it is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Sent(NamedTuple):
    """A span with the attributes of its own and of the worker that sent it."""

    span: Span
    attributes: dict[str, Any]
    resource: dict[str, Any]

    @property
    def seconds(self) -> float:
        return float(self.span.end_time_unix_nano - self.span.start_time_unix_nano) / 1e9


class Collector:
    """What came in: spans, and the raw bodies. With `hang` no request is ever answered."""

    def __init__(self) -> None:
        self.spans: list[Sent] = []
        self.paths: list[str] = []
        self.bodies: list[bytes] = []
        self.authorizations: list[str | None] = []
        self.hang = False
        self.url = ""

    def of(self, task_id: str) -> list[Sent]:
        """The spans of runs of this task."""
        return [one for one in self.spans if one.attributes.get("hotstream.task_id") == task_id]

    def below(self, run: Sent) -> list[Sent]:
        """The spans whose parent is this one."""
        return [one for one in self.spans if one.span.parent_span_id == run.span.span_id]

    def take(self, path: str, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        self.paths.append(path)
        self.bodies.append(body)
        for resource in request.resource_spans:
            worker = _values(resource.resource.attributes)
            for scope in resource.scope_spans:
                self.spans += [Sent(span, _values(span.attributes), worker) for span in scope.spans]


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def collector(port: int = 0, *, hang: bool = False) -> Iterator[Collector]:
    """Run one until the end of the block."""
    kept = Collector()
    kept.hang = hang
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if kept.hang:
                over.wait()
                return
            kept.authorizations.append(self.headers["Authorization"])
            kept.take(self.path, body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield kept
        finally:
            over.set()
            server.shutdown()
            thread.join()
