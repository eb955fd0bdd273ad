"""An alarm that lets other threads run while one piece of code holds the interpreter's lock.

A regular expression that backtracks for minutes never releases that lock, so no thread of the
process runs meanwhile. But it does look for signals now and then: a handler that sleeps for a
moment inside it is enough for the others. The handler also runs in the context of the very code
that blocks, so it knows whose run that is.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

#: The first turn for the others in each give-way; long enough for a thread that waits to begin.
FIRST_TURN_S = 0.005
#: The longest turn, for a thread that has begun to do something.
LONGEST_TURN_S = 1.0


class Alarm:
    """Rings in the main thread unless it is put off in time; SIGALRM of one process.

    Without an effect off the main thread, on systems without the signal, and where other code has
    a use for it: then it is theirs.

    Args:
        rung: called in the main thread, inside whatever it is doing.
        busy: whether some thread still needs its turn.
    """

    def __init__(self, *, rung: Callable[[], None], busy: Callable[[], bool]) -> None:
        self._rung = rung
        self._busy = busy
        self._again_s = 1.0
        self._installed = False

    def install(self) -> None:
        """Take the signal if nobody else uses it."""
        if (
            threading.current_thread() is threading.main_thread()
            and hasattr(signal, "setitimer")
            and signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
        ):
            signal.signal(signal.SIGALRM, self._ring)
            self._installed = True

    def put_off(self, seconds: float) -> None:
        """Ring in so many seconds from now, not before, and so often from then on."""
        if self._ours():
            self._again_s = seconds / 2
            signal.setitimer(signal.ITIMER_REAL, seconds)

    def remove(self) -> None:
        """Give the signal back."""
        if self._ours():
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        self._installed = False

    def _ours(self) -> bool:
        return self._installed and signal.getsignal(signal.SIGALRM) == self._ring

    def _ring(self, number: int, frame: FrameType | None) -> None:
        self._rung()
        until = time.monotonic() + LONGEST_TURN_S
        time.sleep(FIRST_TURN_S)  # sleeping is what releases the interpreter's lock
        while self._busy() and time.monotonic() < until:
            time.sleep(FIRST_TURN_S)
        # Only now, so that it cannot ring inside itself.
        if self._ours():
            signal.setitimer(signal.ITIMER_REAL, self._again_s)
