"""The live screen: draws the snapshot when it changes, and does what keys ask for.

Drawn at most four times a second, once a second when nothing but the time goes on, and at once
after a key. Only lines that differ reach the terminal.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol

import anyio

from hotstream_reactive.dashboard.focus import Focus, Order, Verb
from hotstream_reactive.dashboard.follow import Follower, Source
from hotstream_reactive.dashboard.keys import KeyDecoder
from hotstream_reactive.dashboard.look import MUTED, STRONG, WARN, Look, Piece
from hotstream_reactive.dashboard.snapshot import Snapshot
from hotstream_reactive.dashboard.summary import last_words
from hotstream_reactive.dashboard.terminal import Terminal
from hotstream_reactive.dashboard.view import draw
from hotstream_reactive.errors import DatabaseError, HotStreamError, NotFound
from hotstream_reactive.model.holds import Hold
from hotstream_reactive.text import clean, redact

DRAW_AT_MOST_EVERY_S = 0.25
DRAW_AT_LEAST_EVERY_S = 1.0
#: A message stays for so long.
_MESSAGE_S = 6.0
#: What comes within this long after an escape belongs to the same key.
_ESCAPE_S = 0.05
_LOG_LINES = 200

Named = Mapping[str, Any]


class Edits(Protocol):
    """Edits of a task; False when its state does not allow it."""

    async def promote(self, task: Named) -> bool: ...
    async def cancel(self, task: Named) -> bool: ...
    async def retry(self, task: Named) -> bool: ...


class Desk(Source, Protocol):
    """Everything the live screen asks of the database."""

    @property
    def edits(self) -> Edits: ...
    async def explain(self, task_id: str, *, zombie_timeout_s: float) -> list[Hold]: ...


class Live:
    """The dashboard on a terminal.

    Args:
        zombie_timeout_s: the fleet's, for explanations.
        log: gives the last lines of this process's log; None when it does not go to the screen.
        quit_asked: what ``q`` does; None ends the dashboard.
        worker_id: the worker of this process, if it is one.
    """

    def __init__(
        self,
        desk: Desk,
        snapshot: Snapshot,
        terminal: Terminal,
        look: Look,
        *,
        zombie_timeout_s: float,
        log: Callable[[], Sequence[str]] | None = None,
        quit_asked: Callable[[], None] | None = None,
        worker_id: str = "",
    ) -> None:
        self._desk = desk
        self._snapshot = snapshot
        self._terminal = terminal
        self._look = look
        self._zombie_timeout_s = zombie_timeout_s
        self._log = log
        self._quit_asked = quit_asked
        self._worker_id = worker_id
        self._follower = Follower(desk, snapshot, changed=self._changed)
        self._focus = Focus(keys=terminal.key_fd is not None, logs=log is not None)
        self._rows: list[Hashable] = []
        self._wake = anyio.Event()
        self._hurry = anyio.Event()
        self._end = anyio.Event()
        self._message_until = 0.0
        self._drain_until: float | None = None

    async def run(self) -> None:
        """Show the dashboard until `stop`; the terminal is as before afterwards."""
        with self._terminal:
            async with anyio.create_task_group() as group:
                group.start_soon(self._follower.run)
                group.start_soon(self._draw_on)
                if self._terminal.key_fd is not None:
                    group.start_soon(self._read_keys, self._terminal.key_fd)
                await self._end.wait()
                # At once, as a database that does not answer may take its time to be left.
                self._terminal.leave()
                group.cancel_scope.cancel()

    def stop(self) -> None:
        """End `run`."""
        self._end.set()

    def redraw(self) -> None:
        """Draw everything anew, e.g. on a terminal of another size."""
        self._terminal.redraw()
        self._at_once()

    def draining(self, grace_s: float) -> None:
        """Say that the worker of this process finishes its tasks, for at most so long."""
        self._drain_until = time.monotonic() + grace_s
        self._at_once()

    def last_words(self) -> list[str]:
        """What stays on the normal screen."""
        return last_words(self._snapshot, self._follower.now(), self._look)

    # Drawing

    def _changed(self) -> None:
        self._wake.set()

    def _at_once(self) -> None:
        self._hurry.set()
        self._wake.set()

    async def _draw_on(self) -> None:
        next_at = time.monotonic()
        while True:
            self._wake, self._hurry = anyio.Event(), anyio.Event()
            self._draw()
            with anyio.move_on_after(DRAW_AT_LEAST_EVERY_S):
                await self._wake.wait()
            if not self._wake.is_set():
                # Only the time went on: the next change is shown at once.
                continue
            with anyio.move_on_after(next_at - time.monotonic()):
                await self._hurry.wait()
            next_at = time.monotonic() + DRAW_AT_MOST_EVERY_S

    def _draw(self) -> None:
        focus = self._focus
        if self._drain_until is not None:
            left_s = max(self._drain_until - time.monotonic(), 0.0)
            mine = sum(row.worker == self._worker_id for row in self._snapshot.running.values())
            text = self._look.words("finishing {} tasks, {}; Ctrl-C again to release them")
            self._tell(text.format(mine, self._look.span(left_s)))
        elif focus.message and time.monotonic() > self._message_until:
            focus.message = ""
        width, height = self._terminal.size()
        screen = draw(
            self._snapshot,
            width=width,
            height=height,
            now=self._follower.now(),
            look=self._look,
            focus=focus,
        )
        selected = focus.selected
        if not focus.panel:
            self._rows = screen.keys
            focus.settle(self._rows)
        self._terminal.show(screen.lines)
        if focus.selected != selected:
            self._wake.set()

    def _tell(self, message: str) -> None:
        self._focus.message = message
        self._message_until = time.monotonic() + _MESSAGE_S

    # Keys

    async def _read_keys(self, fd: int) -> None:
        decoder = KeyDecoder()
        while True:
            with anyio.move_on_after(_ESCAPE_S if decoder.waiting else None):
                await anyio.wait_readable(fd)
                data = _read(fd)
                if not data:
                    # Nobody is at the keyboard any more.
                    self._focus.keys = False
                    return
                await self._pressed(decoder.feed(data))
                continue
            await self._pressed(decoder.flush())

    async def _pressed(self, keys: Sequence[str]) -> None:
        for key in keys:
            if key == "redraw":
                self._terminal.redraw()
                continue
            label = self._label(self._focus.selected)
            order = self._focus.press(key, self._rows, label, self._look)
            if self._focus.message:
                self._message_until = time.monotonic() + _MESSAGE_S
            if order is not None:
                await self._obey(order)
        self._at_once()

    async def _obey(self, order: Order) -> None:
        match order.verb:
            case "quit":
                (self._quit_asked or self.stop)()
            case "log":
                self._focus.panel = self._log_lines()
            case "explain":
                self._focus.panel = await self._explained(self._label(order.key))
            case verb:
                await self._edit(verb, order.key)

    async def _edit(self, verb: Verb, key: Hashable) -> None:
        label = self._label(key)
        edits = self._desk.edits
        act: Callable[[Named], Awaitable[bool]]
        act, done, refused = {
            "promote": (edits.promote, "promoted {}", "{} is not waiting any more"),
            "cancel": (edits.cancel, "cancelled {}", "{} has ended already"),
            "retry": (edits.retry, "{} runs again", "{} has not ended"),
        }[verb]
        try:
            text = self._look.words(done if await act(self._named(key)) else refused)
            self._tell(text.format(label))
        except HotStreamError as error:
            self._tell(clean(redact(self._look.words.others(str(error)))))

    def _named(self, key: Hashable) -> Named:
        """By what the database finds the task."""
        row = self._snapshot.find(key)
        if row is not None:
            return {"_id": row.document_id}
        failed = next((f for f in self._snapshot.failures if _key_of(f) == key), None)
        if failed is not None and failed.document_id is not None:
            return {"_id": failed.document_id}
        return {"task_id": failed.label if failed is not None else ""}

    def _label(self, key: Hashable) -> str:
        row = self._snapshot.find(key) if key is not None else None
        if row is not None:
            return row.label
        return next((f.label for f in self._snapshot.failures if _key_of(f) == key), "")

    async def _explained(self, label: str) -> list[Piece]:
        w = self._look.words
        try:
            found = await self._desk.explain(label, zombie_timeout_s=self._zombie_timeout_s)
        except NotFound:
            return [(w("nothing is known of {}").format(label), WARN)]
        except DatabaseError as error:
            return [(clean(redact(w.others(str(error)))), WARN)]
        if not found:
            return [(w("{}: may start now").format(label), STRONG)]
        lines: list[Piece] = [(label, STRONG), ("", "")]
        for hold in found:
            lines.append((f"{hold.name}: {w.others(hold.reason)}", ""))
            if hold.until is not None:
                wait_s = hold.until.timestamp() - self._follower.now()
                lines.append((f"  {w('in')} {self._look.span(wait_s)}", MUTED))
            if hold.by:
                lines.append((f"  {w('by')} {', '.join(hold.by)}", MUTED))
        return lines

    def _log_lines(self) -> list[Piece]:
        lines = list(self._log() if self._log is not None else ())[-_LOG_LINES:]
        room = max(self._terminal.size()[1] - 10, 5)
        return [(self._look.words("Log"), STRONG), *((text, "") for text in lines[-room:])]


def _key_of(failed: Any) -> Hashable:
    key: Hashable = failed.key if failed.key is not None else ("failed", failed.label)
    return key


def _read(fd: int) -> bytes:
    import os

    try:
        return os.read(fd, 1024)
    except OSError:
        return b""
