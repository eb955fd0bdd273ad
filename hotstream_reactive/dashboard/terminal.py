"""The terminal itself: its alternate screen, its keys, and its way back.

Only lines that changed are written, each at its place, so nothing flickers and an idle screen costs
nothing. Whatever happens, `leave` puts everything back as it was; calling it twice is fine.
"""

from __future__ import annotations

import atexit
import io
import os
import select
import sys
import termios
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self, TextIO

from rich.color import Color, ColorSystem
from rich.console import Console
from rich.style import Style
from rich.text import Text

from hotstream_reactive.dashboard.look import MUTED

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H"
_LEAVE = "\x1b[0m\x1b[?25h\x1b[?1049l"
_WIDEST = 500
_PALE = Color.parse(MUTED)
_COLOURS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}
#: A terminal that takes nothing for so long gets the whole screen later.
_STALLED_S = 0.5


class Terminal:
    """The screen on `out`, and the keys on `keys` (None: there are none)."""

    def __init__(self, out: TextIO | None = None, keys: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._key_fd = _own_reader(keys) if keys is not None and keys.isatty() else None
        self._lock = threading.RLock()
        self._entered = False
        self._saved: list[Any] | None = None
        self._shown: list[Text] = []
        self._size = (0, 0)
        # Decides about colours by itself: NO_COLOR, TERM, COLORTERM.
        self._pen = Console(
            file=io.StringIO(),
            force_terminal=True,
            width=_WIDEST,
            markup=False,
            highlight=False,
            emoji=False,
        )
        self._colours = _COLOURS.get(self._pen.color_system or "")
        self._known_codes: dict[str, tuple[str, str]] = {}

    @property
    def key_fd(self) -> int | None:
        """Where keys are read from."""
        return self._key_fd

    def __enter__(self) -> Self:
        # For an end that no `finally` sees, such as an exception in another thread's hook.
        atexit.register(self.leave)
        self.enter()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        atexit.unregister(self.leave)

    def enter(self) -> None:
        """Take the alternate screen, hide the cursor, and get keys one by one without echo."""
        with self._lock:
            if self._entered:
                return
            self._entered = True
            self._shown = []
            if self._key_fd is not None:
                self._saved = termios.tcgetattr(self._key_fd)
                quiet = termios.tcgetattr(self._key_fd)
                # Signals stay with the terminal: Ctrl-C and Ctrl-Z work as everywhere.
                quiet[3] &= ~(termios.ICANON | termios.ECHO)
                termios.tcsetattr(self._key_fd, termios.TCSANOW, quiet)
            self._write(_ENTER)

    def leave(self) -> None:
        """Put the screen, the cursor and the keys back."""
        with self._lock:
            if not self._entered:
                return
            if self._key_fd is not None and self._saved is not None:
                # What was typed and not read was meant for the dashboard, not for the shell. A
                # terminal that is gone has nothing to restore.
                with suppress(termios.error):
                    termios.tcsetattr(self._key_fd, termios.TCSAFLUSH, self._saved)
            with suppress(OSError):
                self._write(_LEAVE)
            # Last: interrupted before, it is all done once more by `__exit__`.
            self._entered = False

    def size(self) -> tuple[int, int]:
        """Columns and rows; COLUMNS and LINES count only where the terminal does not tell."""
        try:
            found = os.get_terminal_size(self._out.fileno())
        except OSError:
            return 80, 24
        width = found.columns or int(os.environ.get("COLUMNS") or 80)
        return min(width, _WIDEST), found.lines or int(os.environ.get("LINES") or 24)

    def redraw(self) -> None:
        """Draw everything anew with the next `show`."""
        with self._lock:
            self._size = (0, 0)

    def show(self, lines: Sequence[Text]) -> None:
        """Draw the lines that differ from what is shown; skipped while the terminal is stalled."""
        with self._lock:
            if not self._entered or not self._writable():
                return
            size = self.size()
            parts = []
            if size != self._size:
                self._size, self._shown = size, []
                parts.append("\x1b[0m\x1b[2J")
            for row, text in enumerate(lines[: size[1]]):
                if row < len(self._shown) and self._shown[row] == text:
                    continue
                # After the last column, erasing to the end would take the last character along.
                rest = "\x1b[K" if text.cell_len < size[0] else ""
                parts.append(f"\x1b[{row + 1};1H{self._ansi(text)}\x1b[0m{rest}")
            if len(lines) < len(self._shown):
                parts.append(f"\x1b[{len(lines) + 1};1H\x1b[J")
            self._shown = list(lines)
            if parts:
                self._write("".join(parts))

    def _ansi(self, text: Text) -> str:
        """The text as a terminal takes it; the pieces of `look.line` follow each other."""
        parts: list[str] = []
        place = 0
        for begin, end, style in text.spans:
            parts.append(text.plain[place:begin])
            before, after = self._codes(str(style))
            parts += (before, text.plain[begin:end], after)
            place = end
        parts.append(text.plain[place:])
        return "".join(parts)

    def _codes(self, style: str) -> tuple[str, str]:
        """What switches a style on and off."""
        if style not in self._known_codes:
            shown = Style.parse(style)
            # Of sixteen colours, none is grey on dark and on light terminals alike.
            pale = self._colours is ColorSystem.STANDARD and shown.color == _PALE
            if self._pen.no_color or pale:
                shown = shown.without_color
            mark = "x"
            drawn = shown.render(mark, color_system=self._colours) if self._colours else mark
            before, _, after = drawn.partition(mark)
            self._known_codes[style] = (before, after)
        return self._known_codes[style]

    def _writable(self) -> bool:
        """Whether the terminal takes anything now, e.g. not after Ctrl-S or over a dead line."""
        return bool(select.select([], [self._out.fileno()], [], 0)[1])

    def _write(self, text: str) -> None:
        data = text.encode(self._out.encoding or "utf-8", "replace")
        fd = self._out.fileno()
        while data:
            try:
                data = data[os.write(fd, data) :]
            except BlockingIOError:
                # Another program has made the terminal non-blocking.
                if not select.select([], [fd], [], _STALLED_S)[1]:
                    self._size = (0, 0)
                    return


def _own_reader(keys: TextIO) -> int:
    """A descriptor of the terminal for reading alone.

    An event loop makes what it waits for non-blocking; on a descriptor that is shared, as those of
    a shell are, that would reach what is written, and the shell itself.
    """
    try:
        return os.open(os.ttyname(keys.fileno()), os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return keys.fileno()
