"""A small HTTP server on loopback for sites that the tests invent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

CLOUDFLARE = """<!DOCTYPE html><html><head><title>Just a moment...</title></head>
<body><p>Checking.</p><script>window._cf_chl_opt = {};</script></body></html>"""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client asked for; header names are in lower case."""

    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a site answers; with `cut` the connection ends in the middle of it."""

    status: int = 200
    body: str = ""
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class _Rule:
    path: str
    times: int | None
    reply: Reply

    def applies(self, request: Request) -> bool:
        if self.times == 0 or self.path not in request.target:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class LoopbackSite:
    """A site; an asynchronous context manager. Subclasses answer.

    Attributes:
        requests: all that was asked for.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._rules: list[_Rule] = []
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def url(self) -> str:
        """Its base address, without a slash at the end."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def paths(self) -> list[str]:
        """The paths asked for so far."""
        return [request.path for request in self.requests]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._closing = True
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    def misbehave(self, path: str, reply: Reply, *, times: int | None = None) -> None:
        """Answer otherwise, from now on or so often, where the target holds `path`."""
        self._rules.insert(0, _Rule(path, times, reply))

    def behave(self) -> None:
        """Be well again."""
        self._rules.clear()
        self.requests.clear()

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        raise NotImplementedError

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                rule = next((rule for rule in self._rules if rule.applies(request)), None)
                _write(writer, rule.reply if rule else self.answer(request))
                await writer.drain()
                if rule and rule.reply.cut:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client went away, as clients do
        except asyncio.CancelledError:
            if not self._closing:
                raise
        finally:
            self._connections.discard(task)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    parts = urlsplit(target)
    return Request(
        method=method,
        target=target,
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
        body=await reader.readexactly(int(headers.get("content-length", "0"))),
    )


def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    body = reply.body.encode()
    fields = {"Content-Type": reply.content_type, **reply.headers}
    fields["Content-Length"] = str(len(body) + 1000 * reply.cut)
    head = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"{head}\r\n".encode("latin-1") + (b"" if reply.status == 304 else body))


def refusals() -> dict[str, Callable[[], Reply]]:
    """Ways in which any site refuses."""
    return {
        "challenge": lambda: Reply(status=403, body=CLOUDFLARE),
        "limited": lambda: Reply(status=429, body="slow down", headers={"Retry-After": "90"}),
        "gone": lambda: Reply(status=410, body="<html><body>gone</body></html>"),
        "broken": lambda: Reply(status=502, body="<html><body>bad gateway</body></html>"),
        "cut": lambda: Reply(body="<html>", cut=True),
        "forbidden": lambda: Reply(status=403, body="<html><body>no</body></html>"),
        "empty": lambda: Reply(body=""),
    }
