"""A dashboard beside a worker in the same process, in a thread and event loop of its own.

Drawing takes milliseconds, and a terminal may stall altogether; neither may delay a heartbeat.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TextIO

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from hotstream_reactive.dashboard.live import Desk, Live
from hotstream_reactive.dashboard.look import Look
from hotstream_reactive.dashboard.signals import suspend
from hotstream_reactive.dashboard.snapshot import Snapshot
from hotstream_reactive.dashboard.terminal import Terminal
from hotstream_reactive.text import clean, redact

OpenDesk = Callable[[], AbstractAsyncContextManager[tuple[Desk, Snapshot]]]
_KEPT_LINES = 500
#: So many lines of the log stay on the normal screen in the end.
_LAST_LINES = 10


class LogAside:
    """A stream for the log that keeps its last lines instead of writing into the screen."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._through: TextIO | None = None

    def write(self, text: str) -> int:
        """Keep the lines of a text."""
        self.lines.extend(text.splitlines())
        if self._through is not None:
            self._through.write(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """No terminal, so no colours."""
        return False

    def give_back(self, stream: TextIO, last: int = _LAST_LINES) -> None:
        """There is no screen any more: write the last lines, and from now on every line."""
        for text in list(self.lines)[-last:]:
            stream.write(f"{text}\n")
        self._through = stream


class Beside:
    """The dashboard in its own thread, as the worker's thread may touch it.

    Args:
        open_desk: opens a connection of its own, in the dashboard's loop.
        worker_id: the worker of this process.
    """

    def __init__(
        self,
        open_desk: OpenDesk,
        look: Look,
        log: LogAside,
        *,
        zombie_timeout_s: float,
        worker_id: str,
    ) -> None:
        self._open_desk = open_desk
        self._look = look
        self._log = log
        self._zombie_timeout_s = zombie_timeout_s
        self._worker_id = worker_id
        self._terminal = Terminal(sys.stdout, sys.stdin)
        self._ready = threading.Event()
        self._live: Live | None = None
        self._portal: BlockingPortal | None = None

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Show it while the block runs; ``q`` asks this process to drain, as Ctrl-C does.

        A dashboard that fails ends by itself, and the log goes to stderr again: the worker goes on.
        """
        with start_blocking_portal("asyncio") as portal:
            self._portal = portal
            done = portal.start_task_soon(self._show)
            try:
                await anyio.to_thread.run_sync(self._ready.wait)
                yield
            finally:
                with anyio.CancelScope(shield=True):
                    self._ask(Live.stop)
                    await anyio.to_thread.run_sync(done.exception)

    def draining(self, grace_s: float) -> None:
        """Show that the worker finishes its tasks, with a countdown."""
        self._ask(Live.draining, grace_s)

    async def obey_signals(self) -> None:
        """Redraw on another size and stop on Ctrl-Z, until cancelled; for the main thread."""
        with anyio.open_signal_receiver(signal.SIGWINCH, signal.SIGTSTP) as received:
            async for number in received:
                if number == signal.SIGTSTP:
                    suspend(self._terminal)
                self._ask(Live.redraw)

    def _ask(self, what: Callable[..., None], *arguments: object) -> None:
        if self._live is not None and self._portal is not None:
            self._portal.start_task_soon(what, self._live, *arguments)

    async def _show(self) -> None:
        """Runs in the dashboard's thread."""
        said: list[str] = []
        try:
            async with self._open_desk() as (desk, snapshot):
                live = self._live = self._new(desk, snapshot)
                self._ready.set()
                await live.run()
                said = live.last_words()
        except Exception as error:  # whatever it is, the worker has nothing to do with it
            self._log.write(f"the dashboard failed: {clean(redact(str(error)))}\n")
        finally:
            self._live = None
            self._ready.set()
            self._terminal.leave()
            self._log.give_back(sys.stderr)
            for text in said:
                print(text, file=sys.stderr)

    def _new(self, desk: Desk, snapshot: Snapshot) -> Live:
        return Live(
            desk,
            snapshot,
            self._terminal,
            self._look,
            zombie_timeout_s=self._zombie_timeout_s,
            worker_id=self._worker_id,
            log=lambda: list(self._log.lines),
            quit_asked=lambda: os.kill(os.getpid(), signal.SIGINT),
        )
