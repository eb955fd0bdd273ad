"""Connections to a host and port, directly or through a proxy, as streams."""

from __future__ import annotations

import asyncio
import functools
import ssl
from typing import NamedTuple

from hotstream_reactive.fetch.proxies import Proxy
from hotstream_reactive.fetch.response import basic_header
from hotstream_reactive.fetch.wire import new_ssl_context

_LONGEST_HEAD_BYTES = 64 * 1024


class Line(NamedTuple):
    """Both directions of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class DialError(OSError):
    """The connection could not be made; `by_proxy` says whose fault it is."""

    def __init__(self, message: str, *, by_proxy: bool = False) -> None:
        super().__init__(message)
        self.by_proxy = by_proxy


@functools.cache
def _tls() -> ssl.SSLContext:
    # Not the one of the HTTP client, which offers protocols that we do not speak here.
    return new_ssl_context()


async def dial(host: str, port: int, proxy: Proxy | None) -> Line:
    """Connect.

    Raises:
        DialError: it does not answer, or the proxy refuses.
    """
    if proxy is None:
        try:
            return Line(*await asyncio.open_connection(host, port, limit=_LONGEST_HEAD_BYTES))
        except (OSError, UnicodeError) as error:
            raise DialError(f"{host}:{port}: {error}") from error
    line = await dial_proxy(proxy)
    try:
        if proxy.scheme == "socks5":
            await _through_socks(line, host, port, proxy)
        else:
            await _through_http(line, host, port, proxy)
    except BaseException as error:
        line.writer.close()
        if isinstance(error, DialError) or not isinstance(error, OSError | EOFError):
            raise
        raise DialError(f"{proxy.label}: {error}", by_proxy=True) from error
    return line


async def dial_proxy(proxy: Proxy) -> Line:
    """Connect to the proxy itself.

    Raises:
        DialError: it does not answer.
    """
    tls = _tls() if proxy.scheme == "https" else None
    try:
        streams = await asyncio.open_connection(
            proxy.host, proxy.port, ssl=tls, limit=_LONGEST_HEAD_BYTES
        )
    except (OSError, UnicodeError) as error:
        raise DialError(f"{proxy.label}: {error}", by_proxy=True) from error
    return Line(*streams)


async def _through_http(line: Line, host: str, port: int, proxy: Proxy) -> None:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    head = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"
    if pair := proxy.credentials():
        head += f"Proxy-Authorization: {basic_header(pair)}\r\n"
    line.writer.write(f"{head}\r\n".encode("latin-1"))
    await line.writer.drain()
    answer = await line.reader.readuntil(b"\r\n\r\n")
    status = answer.split(b" ", 2)[1:2]
    if status != [b"200"]:
        shown = status[0].decode("latin-1")[:3] if status else "no answer"
        # Any other status may be about the site behind it.
        raise DialError(f"{proxy.label}: CONNECT is answered {shown}", by_proxy=shown == "407")


async def _through_socks(line: Line, host: str, port: int, proxy: Proxy) -> None:
    from socksio import socks5

    session = socks5.SOCKS5Connection()
    pair = proxy.credentials()
    method = (
        socks5.SOCKS5AuthMethod.USERNAME_PASSWORD
        if pair
        else socks5.SOCKS5AuthMethod.NO_AUTH_REQUIRED
    )
    session.send(socks5.SOCKS5AuthMethodsRequest([method]))
    chosen = await _exchange(line, session)
    if getattr(chosen, "method", None) != method:
        raise DialError(f"{proxy.label}: it wants another way to sign in", by_proxy=True)
    if pair:
        user, password = (text.encode() for text in pair)
        session.send(socks5.SOCKS5UsernamePasswordRequest(user, password))
        if not getattr(await _exchange(line, session), "success", False):
            raise DialError(f"{proxy.label}: the password is refused", by_proxy=True)
    command = socks5.SOCKS5Command.CONNECT
    session.send(socks5.SOCKS5CommandRequest.from_address(command, (host, port)))
    reply = getattr(await _exchange(line, session), "reply_code", None)
    if reply != socks5.SOCKS5ReplyCode.SUCCEEDED:
        raise DialError(f"{proxy.label}: it cannot connect ({reply})")


async def _exchange(line: Line, session: object) -> object:
    line.writer.write(session.data_to_send())  # type: ignore[attr-defined]  # socksio is optional
    await line.writer.drain()
    received = await line.reader.read(1024)
    if not received:
        raise EOFError("it hung up")
    return session.receive_data(received)  # type: ignore[attr-defined]  # socksio is optional
