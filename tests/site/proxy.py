"""Proxies on loopback through which every name leads to one site."""

from __future__ import annotations

import asyncio
import base64
from typing import Self

PASSWORD = "c4n4ry-pr0xy"


class TestProxy:
    """An HTTP and SOCKS5 proxy that leads everywhere to the port given.

    Args:
        target_port: of the site on loopback.
        refuses: the status it answers everything with; 0 for a good proxy.

    Attributes:
        asked: what it was asked for: ``CONNECT host:port``, ``GET http://…``, ``socks host:port``.
    """

    __test__ = False  # the name is for people, not for pytest

    def __init__(self, target_port: int, *, refuses: int = 0) -> None:
        self.target_port = target_port
        self.refuses = refuses
        self.asked: list[str] = []
        self._tasks: set[asyncio.Task[None] | None] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, self._tasks), return_exceptions=True)

    def address(self, scheme: str = "http", password: str = PASSWORD) -> str:
        return f"{scheme}://user:{password}@127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        try:
            first = await reader.readexactly(1)
            if first == b"\x05":
                await self._socks(reader, writer)
            else:
                await self._http(first, reader, writer)
        except (OSError, EOFError):
            return
        finally:
            self._tasks.discard(asyncio.current_task())
            writer.close()

    async def _http(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = first + await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        self.asked.append(f"{method} {target}")
        pair = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
        if self.refuses or f"basic {pair}".lower() not in head.decode().lower():
            status = self.refuses or 407
            writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            return
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await self._join(b"", reader, writer)
        else:
            path = "/" + target.split("://", 1)[1].partition("/")[2]
            lines = [f"{method} {path} HTTP/1.1", *head.decode().split("\r\n")[1:]]
            kept = [line for line in lines if not line.lower().startswith("proxy-")]
            await self._join("\r\n".join(kept).encode(), reader, writer)

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x05\x02")
        await reader.readexactly(1)
        user = await reader.readexactly((await reader.readexactly(1))[0])
        word = await reader.readexactly((await reader.readexactly(1))[0])
        is_right = (user, word) == (b"user", PASSWORD.encode())
        writer.write(b"\x01\x00" if is_right else b"\x01\x01")
        if not is_right:
            await writer.drain()
            return
        kind = (await reader.readexactly(4))[3]
        length = 4 if kind == 1 else (await reader.readexactly(1))[0]
        host = await reader.readexactly(length)
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.asked.append(f"socks {host.decode()}:{port}")
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await self._join(b"", reader, writer)

    async def _join(
        self, begin: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", self.target_port)
        ours.write(begin)

        async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while chunk := await source.read(65536):
                sink.write(chunk)
                await sink.drain()
            sink.close()

        try:
            await asyncio.gather(carry(reader, ours), carry(theirs, writer))
        finally:
            ours.close()
