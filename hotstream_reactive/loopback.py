"""A small HTTP server on loopback, for sites that are invented or recorded: the demo and tests.

It is no web server: it takes what well-behaved clients send, and gives exactly what it is told to,
also answers that no web server would give.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

_MAX_HEAD_BYTES = 64 * 1024
_IDLE_TIMEOUT_S = 75.0
# A `cut` answer promises so many more bytes than come.
_MISSING_BYTES = 1000


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client asked for.

    `target` is path and query as they came; `path` is decoded; header names are in lower case.
    """

    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a site answers; a header whose value is empty is not sent.

    With `chunks` the body comes piece by piece, as they are made, without its length; with `cut`
    the connection ends before the body does.
    """

    status: int = 200
    body: str | bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: AsyncIterator[bytes] | None = None
    cut: bool = False


class LoopbackServer(ABC):
    """A site; an asynchronous context manager. Subclasses answer.

    Args:
        delay_s: how long every answer takes, in seconds.
        port: 0 takes a free one.

    Attributes:
        received: all that was asked for.
    """

    def __init__(self, *, delay_s: float = 0.0, port: int = 0) -> None:
        self.delay_s = delay_s
        self.received: list[Request] = []
        self._asked_port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise RuntimeError("the site is not running: use `async with`")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Its base address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        """The paths asked for so far, without their queries."""
        return [request.path for request in self.received]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self._asked_port, limit=_MAX_HEAD_BYTES
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._closing = True
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    @abstractmethod
    async def answer(self, request: Request) -> Reply:
        """Answer one request."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while (request := await _read(reader)) is not None:
                self.received.append(request)
                if self.delay_s > 0:
                    await asyncio.sleep(self.delay_s)
                await _write(writer, await self.answer(request), request)
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            return  # the client went away, as clients do
        except asyncio.CancelledError:
            if not self._closing:
                raise
        finally:
            self._connections.discard(task)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _IDLE_TIMEOUT_S)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        return None
    pairs = (line.partition(":") for line in lines if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    parts = urlsplit(words[1])
    return Request(
        method=words[0],
        target=words[1],
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
        body=await reader.readexactly(int(headers.get("content-length", "0"))),
    )


async def _write(writer: asyncio.StreamWriter, reply: Reply, request: Request) -> None:
    body = reply.body.encode() if isinstance(reply.body, str) else reply.body
    lasts = reply.chunks is None and not reply.cut
    fields = {"Content-Type": reply.content_type, **reply.headers}
    fields.setdefault("Connection", "keep-alive" if lasts else "close")
    if reply.chunks is None:
        fields.setdefault("Content-Length", str(len(body) + _MISSING_BYTES * reply.cut))
    head = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    writer.write(f"{head}\r\n".encode("latin-1"))
    if request.method != "HEAD" and reply.status not in (204, 304):
        writer.write(body)
    await writer.drain()
    if reply.chunks is not None:
        async for chunk in reply.chunks:
            writer.write(chunk)
            await writer.drain()
    if fields["Connection"] == "close":
        raise ConnectionResetError("the end of the body is the end of the connection")
