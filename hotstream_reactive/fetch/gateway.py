"""The way out of the browser: a proxy on loopback that lets only vetted connections through.

What a page asks for can be looked at before it is sent, but not where a redirect then leads, nor
what a name means by then. Here every connection is checked at the moment it is made.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import anyio

from hotstream_reactive.errors import ScrapeError, TransientError
from hotstream_reactive.fetch.dial import DialError, Line, dial, dial_proxy
from hotstream_reactive.fetch.guard import endpoint
from hotstream_reactive.fetch.proxies import Proxy
from hotstream_reactive.fetch.response import basic_header

_LONGEST_HEAD_BYTES = 64 * 1024
_HEAD_TIMEOUT_S = 30.0
_DIAL_TIMEOUT_S = 20.0
_CHUNK_BYTES = 64 * 1024
_UNAUTHORISED = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
    b'Proxy-Authenticate: Basic realm="browser"\r\nContent-Length: 0\r\n\r\n'
)
_HOP_BY_HOP = ("proxy-authorization", "proxy-connection", "connection", "keep-alive")


class Policy(NamedTuple):
    """What a page may reach.

    `vet` gives the IP address to connect to, None to take the name, or raises `ScrapeError`;
    `proxy_for` gives the proxy to go through; `limit_bytes` is the most that may come in, in all.
    """

    vet: Callable[[str], Awaitable[str | None]]
    proxy_for: Callable[[str], Awaitable[Proxy | None]]
    limit_bytes: int | None = None


class Pass:
    """Leave to use the gateway.

    Attributes:
        server, username, password: for the browser's proxy settings.
        refusals: what was not let through, latest last.
        received_bytes: what came in so far.
    """

    def __init__(self, server: str, username: str, policy: Policy) -> None:
        self.server = server
        self.username = username
        self.password = secrets.token_urlsafe(24)
        self.policy = policy
        self.refusals: list[ScrapeError] = []
        self.received_bytes = 0

    @property
    def is_exceeded(self) -> bool:
        """Whether more came in than may."""
        limit = self.policy.limit_bytes
        return limit is not None and self.received_bytes > limit

    def refuse(self, error: ScrapeError) -> None:
        """Note what was not let through."""
        self.refusals = [*self.refusals[-9:], error]


class Gateway:
    """The proxy; start it before pages are opened, close it after the browser."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._passes: dict[str, Pass] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0

    async def start(self) -> None:
        """Listen on a free port of loopback, unless it does so already."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, "127.0.0.1", 0, limit=_LONGEST_HEAD_BYTES
            )

    async def close(self) -> None:
        """Cut all connections."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextmanager
    def open(self, policy: Policy) -> Iterator[Pass]:
        """A pass for one browser context, valid until the end of the block."""
        assert self._server is not None, "start it first"
        self._count += 1
        name = f"page-{self._count}"
        port = self._server.sockets[0].getsockname()[1]
        ticket = Pass(f"http://127.0.0.1:{port}", name, policy)
        header = basic_header((name, ticket.password))
        self._passes[header] = ticket
        try:
            yield ticket
        finally:
            del self._passes[header]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._answer(Line(reader, writer))
        except (OSError, EOFError, asyncio.LimitOverrunError, ValueError, RuntimeError):
            return  # the browser or the site hung up, as they do
        except asyncio.CancelledError:
            if self._server is not None:
                raise
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, browser: Line) -> None:
        while True:
            with anyio.fail_after(_HEAD_TIMEOUT_S):
                head = await browser.reader.readuntil(b"\r\n\r\n")
            first, headers = _parsed(head)
            ticket = self._admitted(headers)
            if ticket is not None:
                break
            browser.writer.write(_UNAUTHORISED)
            await browser.writer.drain()
        method, target, _ = first.split(" ", 2)
        url = f"http://{target}/" if method == "CONNECT" else target
        try:
            line, spoken_to = await _connect(ticket, url, tunnel=method == "CONNECT")
        except ScrapeError as error:
            # No answer at all: a page of ours would look like one of the site.
            ticket.refuse(error)
            return
        try:
            if method == "CONNECT":
                browser.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await _join(browser, line, ticket)
            else:
                await _forward(browser, line, ticket, (method, url, headers), spoken_to)
        finally:
            line.writer.close()

    def _admitted(self, headers: list[tuple[str, str]]) -> Pass | None:
        given = next((value for name, value in headers if name == "proxy-authorization"), "")
        for header, ticket in self._passes.items():
            if hmac.compare_digest(header.encode(), given.encode("utf-8", "replace")):
                return ticket
        return None


def _parsed(head: bytes) -> tuple[str, list[tuple[str, str]]]:
    """First line and fields, names in lower case.

    Raises:
        ValueError: it is no request.
    """
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    if first.count(" ") != 2:
        raise ValueError("no request")
    fields = (line.partition(":") for line in lines)
    return first, [(name.strip().lower(), value.strip()) for name, _, value in fields]


async def _connect(ticket: Pass, url: str, *, tunnel: bool) -> tuple[Line, Proxy | None]:
    """Connect for a request; also the proxy that has to be told the whole address, if any.

    Raises:
        ScrapeError: the address may not be reached, or cannot be.
    """
    host, port = endpoint(url)
    pinned = await ticket.policy.vet(url)
    proxy = await ticket.policy.proxy_for(url)
    try:
        with anyio.fail_after(_DIAL_TIMEOUT_S):
            if proxy is not None and not tunnel and proxy.scheme != "socks5":
                return await dial_proxy(proxy), proxy
            name = host if proxy is not None else pinned or host
            return await dial(name, port or 80, proxy), None
    except DialError as error:
        kind = "proxy" if error.by_proxy else "connect"
        raise TransientError(f"{host}:{port}: {error}", kind=kind) from error
    except TimeoutError as error:
        raise TransientError(f"{host}:{port}: no connection in time", kind="timeout") from error


async def _forward(
    browser: Line,
    line: Line,
    ticket: Pass,
    request: tuple[str, str, list[tuple[str, str]]],
    proxy: Proxy | None,
) -> None:
    """Send one plain request on, and its answer back; then the connection ends."""
    method, url, headers = request
    if any(name == "transfer-encoding" for name, _ in headers):
        raise ValueError("a body of unknown length")
    kept = [(name, value) for name, value in headers if name not in _HOP_BY_HOP]
    kept.append(("connection", "close"))
    target = url
    if proxy is None:
        parts = urlsplit(url)
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    elif pair := proxy.credentials():
        kept.append(("proxy-authorization", basic_header(pair)))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in kept), "", ""]
    line.writer.write("\r\n".join(lines).encode("latin-1"))
    length = int(next((value for name, value in kept if name == "content-length"), "0"))
    while length > 0:
        chunk = await browser.reader.read(min(length, _CHUNK_BYTES))
        if not chunk:
            return
        length -= len(chunk)
        line.writer.write(chunk)
        await line.writer.drain()
    head = await line.reader.readuntil(b"\r\n\r\n")
    while (status := head.split(b" ", 2)[1:2]) and status[0].startswith(b"1"):
        browser.writer.write(head)
        head = await line.reader.readuntil(b"\r\n\r\n")
    # Else the browser would ask for something else over a line that leads to this host.
    browser.writer.write(_closing(head))
    await _join(browser, line, ticket)


def _closing(head: bytes) -> bytes:
    """The head of an answer, saying that the connection ends with it."""
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    kept = [line for line in lines if line.partition(":")[0].strip().lower() not in _HOP_BY_HOP]
    return "\r\n".join([first, *kept, "connection: close", "", ""]).encode("latin-1")


async def _join(browser: Line, line: Line, ticket: Pass) -> None:
    """Carry bytes both ways until one side ends."""
    async with anyio.create_task_group() as group:

        async def carry(source: Line, sink: Line, *, inwards: bool) -> None:
            # uvloop calls a closed connection a RuntimeError.
            with suppress(OSError, RuntimeError):
                while chunk := await source.reader.read(_CHUNK_BYTES):
                    if inwards:
                        ticket.received_bytes += len(chunk)
                    if ticket.is_exceeded:
                        break
                    sink.writer.write(chunk)
                    await sink.writer.drain()
            group.cancel_scope.cancel()

        group.start_soon(partial(carry, browser, line, inwards=False))
        group.start_soon(partial(carry, line, browser, inwards=True))
    with suppress(OSError):
        await browser.writer.drain()
