"""Signals of a program that owns the terminal: end, another size, suspended and back."""

from __future__ import annotations

import os
import signal

import anyio

from hotstream_reactive.dashboard.live import Live
from hotstream_reactive.dashboard.terminal import Terminal

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def obey_signals(live: Live, terminal: Terminal) -> None:
    """Pass signals on to the dashboard until cancelled; needs the main thread.

    The first SIGINT, SIGTERM or SIGHUP ends the dashboard; a second one ends the process at once,
    whatever it waits for, with 128 and the number of the signal.
    """
    with anyio.open_signal_receiver(*_ENDING, signal.SIGWINCH, signal.SIGTSTP) as received:
        async for number in received:
            if number == signal.SIGWINCH:
                live.redraw()
            elif number == signal.SIGTSTP:
                suspend(terminal)
                live.redraw()
            else:
                break
    for number in _ENDING:
        signal.signal(number, lambda number, _: _end_at_once(terminal, number))
    live.stop()


def suspend(terminal: Terminal) -> None:
    """Give the terminal back and stop; go on from here when the shell continues the program."""
    terminal.leave()
    # Not SIGTSTP, which is caught. For the shell it is the same.
    os.kill(os.getpid(), signal.SIGSTOP)
    terminal.enter()


def _end_at_once(terminal: Terminal, number: int) -> None:
    terminal.leave()
    # An exception would come up in the middle of whatever is being closed.
    os._exit(128 + number)
