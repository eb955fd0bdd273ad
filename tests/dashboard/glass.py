"""A program in a pseudo-terminal, and what a person would see there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

_SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")
#: Long enough for an interpreter to start on a busy machine.
PATIENCE_S = 20.0


class Glass:
    """Runs a command in a terminal of its own and understands the few sequences it uses."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        width: int = 100,
        height: int = 30,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self._leader, follower = pty.openpty()
        self._set_size(width, height)
        self.before = termios.tcgetattr(self._leader)
        self.lines: dict[int, str] = {}
        self.output = ""
        self.alternate = False
        self.cursor_hidden = False
        self._unread = ""
        self._row = 1
        self.process = subprocess.Popen(
            command,
            stdin=follower,
            stdout=follower,
            stderr=subprocess.PIPE,
            env={**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", **(env or {})},
            cwd=cwd,
            start_new_session=True,
            # The child owns the terminal, as a shell's does: its keys become signals.
            preexec_fn=_own_terminal,  # noqa: PLW1509 - no thread of a test runs meanwhile
        )
        os.close(follower)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()
        os.close(self._leader)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._leader, keys.encode())

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size; the kernel tells the program."""
        self._set_size(width, height)

    def settings(self) -> list[Any]:
        """The settings of the terminal."""
        return termios.tcgetattr(self._leader)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(
            self.lines.get(row, "") for row in range(1, max(self.lines, default=0) + 1)
        )

    def until(self, condition: Callable[[], object], *, patience_s: float = PATIENCE_S) -> None:
        """Read until the condition holds."""
        deadline = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < deadline, f"not seen:\n{self.text}\n--\n{self.output[-2000:]}"
            self.read(0.01)

    def until_shown(self, text: str, *, patience_s: float = PATIENCE_S) -> None:
        """Read until the text is on the screen, with any number of spaces between its words."""
        self.until(lambda: text in re.sub(" +", " ", self.text), patience_s=patience_s)

    def watch(self, seconds: float) -> None:
        """Look on for a while, as a person does between two actions."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.read(left)

    def until_ended(self, *, patience_s: float = PATIENCE_S) -> int:
        """Read until the program has ended, and all it has written; gives its exit code."""
        self.until(lambda: self.process.poll() is not None, patience_s=patience_s)
        while self.read(0.05):
            pass
        return self.process.wait()

    def read(self, patience_s: float) -> bool:
        """Take in what the program has written; False when there is nothing."""
        if not select.select([self._leader], [], [], patience_s)[0]:
            return False
        try:
            data = os.read(self._leader, 65536)
        except OSError:  # the program has ended
            return False
        self.output += data.decode(errors="replace")
        self._show(data.decode(errors="replace"))
        return bool(data)

    def _show(self, text: str) -> None:
        text = self._unread + text
        self._unread = ""
        place = 0
        while place < len(text):
            if text[place] != "\x1b":
                end = text.find("\x1b", place)
                end = len(text) if end < 0 else end
                if self.alternate:
                    self.lines[self._row] = self.lines.get(self._row, "") + text[place:end]
                place = end
                continue
            found = _SEQUENCE.match(text, place)
            if found is None:
                self._unread = text[place:]
                return
            self._obey(*found.groups())
            place = found.end()

    def _obey(self, private: str, numbers: str, final: str) -> None:
        if private:
            on = final == "h"
            if numbers == "1049":
                self.alternate, self.lines = on, {}
            elif numbers == "25":
                self.cursor_hidden = not on
        elif final == "H":
            self._row = int(numbers.partition(";")[0] or 1)
            self.lines[self._row] = ""
        elif final == "J":
            keep = {} if numbers == "2" else {r: t for r, t in self.lines.items() if r < self._row}
            self.lines = keep

    def _set_size(self, width: int, height: int) -> None:
        fcntl.ioctl(self._leader, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def hotstream(*arguments: str) -> list[str]:
    """The command line of the program."""
    return [sys.executable, "-m", "hotstream_reactive", *arguments]
