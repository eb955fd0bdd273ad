"""A TCP proxy before a MongoDB server, which delays, swallows and cuts what passes."""

from __future__ import annotations

import asyncio
import random
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

HOST = "127.0.0.1"


class Proxy:
    """Forwards to a port of this machine; what it does to the bytes may be changed at any time.

    `delay` gives the seconds by which the next piece of data is late. While `swallows` is set,
    connections stay open and new ones are taken, but nothing passes: as in a partition.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self.port = 0
        self.delay: Callable[[], float] = lambda: 0.0
        self.swallows = False
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    def reset_all(self) -> int:
        """Cut every connection with a reset; gives how many there were."""
        return asyncio.run_coroutine_threadsafe(self._reset_all(), self._loop).result(5)

    async def _reset_all(self) -> int:
        cut = list(self._open)
        for writer in cut:
            with suppress(OSError):
                # Lingering for no time turns the close into a reset.
                writer.get_extra_info("socket").setsockopt(
                    SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0)
                )
            writer.transport.abort()
        return len(cut)

    async def _run(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        await self._reset_all()
        jobs = asyncio.all_tasks() - {asyncio.current_task()}
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, forth = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.close()
            return
        self._open |= {writer, forth}
        ways: list[Coroutine[Any, Any, None]] = [
            self._pass(reader, forth),
            self._pass(back, writer),
        ]
        with suppress(asyncio.CancelledError):  # the proxy ends: nobody waits for this
            await asyncio.gather(*ways, return_exceptions=True)
        for side in (writer, forth):
            self._open.discard(side)
            side.close()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if late := self.delay():
                    await asyncio.sleep(late)
                while self.swallows:  # noqa: ASYNC110 - set by another thread
                    await asyncio.sleep(0.02)
                target.write(data)
                await target.drain()
        target.close()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(5)

    def stop(self) -> None:
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()


@contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """A proxy before this port."""
    one = Proxy(target)
    one.start()
    try:
        yield one
    finally:
        one.stop()


def slow_and_jerky() -> float:
    """100 to 300 ms, and half a second now and then."""
    return 0.5 if random.random() < 0.01 else random.uniform(0.05, 0.15)
