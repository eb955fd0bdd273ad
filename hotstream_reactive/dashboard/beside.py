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
    """The running dashboard, as the worker's thread may touch it."""

    def __init__(self, portal: BlockingPortal, terminal: Terminal) -> None:
        self._portal = portal
        self._terminal = terminal
        self.live: Live | None = None

    def draining(self, grace_s: float) -> None:
        """Show that the worker finishes its tasks, with a countdown."""
        if self.live is not None:
            self._portal.start_task_soon(self.live.draining, grace_s)

    def stop(self) -> None:
        """End the dashboard."""
        if self.live is not None:
            self._portal.start_task_soon(self.live.stop)

    async def obey_signals(self) -> None:
        """Redraw on another size and stop on Ctrl-Z, until cancelled; for the main thread."""
        with anyio.open_signal_receiver(signal.SIGWINCH, signal.SIGTSTP) as received:
            async for number in received:
                if number == signal.SIGTSTP:
                    suspend(self._terminal)
                if self.live is not None:
                    self._portal.start_task_soon(self.live.redraw)


@asynccontextmanager
async def beside(
    open_desk: Callable[[], AbstractAsyncContextManager[tuple[Desk, Snapshot]]],
    look: Look,
    log: LogAside,
    *,
    zombie_timeout_s: float,
    worker_id: str,
) -> AsyncIterator[Beside]:
    """Show a dashboard while the block runs; ``q`` asks this process to drain, as Ctrl-C does.

    A dashboard that fails ends by itself, and the log goes to stderr again: the worker goes on.

    Args:
        open_desk: opens a connection of its own, in the dashboard's loop.
    """
    terminal = Terminal(sys.stdout, sys.stdin)

    async def show() -> None:
        said: list[str] = []
        try:
            async with open_desk() as (desk, snapshot):
                live = panel.live = Live(
                    desk,
                    snapshot,
                    terminal,
                    look,
                    zombie_timeout_s=zombie_timeout_s,
                    worker_id=worker_id,
                    log=lambda: list(log.lines),
                    quit_asked=lambda: os.kill(os.getpid(), signal.SIGINT),
                )
                ready.set()
                await live.run()
                said = live.last_words()
        except Exception as error:  # whatever it is, the worker has nothing to do with it
            log.write(f"the dashboard failed: {clean(redact(str(error)))}\n")
        finally:
            ready.set()
            terminal.leave()
            log.give_back(sys.stderr)
            for text in said:
                print(text, file=sys.stderr)

    ready = threading.Event()
    with start_blocking_portal("asyncio") as portal:
        panel = Beside(portal, terminal)
        shown = portal.start_task_soon(show)
        try:
            await anyio.to_thread.run_sync(ready.wait)
            yield panel
        finally:
            with anyio.CancelScope(shield=True):
                panel.stop()
                await anyio.to_thread.run_sync(shown.exception)
