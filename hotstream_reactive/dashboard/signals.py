"""Signals of a program that owns the terminal: end, another size, suspended and back."""

from __future__ import annotations

import os
import signal

import anyio

from hotstream_reactive.dashboard.live import Live
from hotstream_reactive.dashboard.terminal import Terminal

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WATCHED = (*_ENDING, signal.SIGWINCH, signal.SIGTSTP)


async def obey_signals(live: Live, terminal: Terminal) -> None:
    """Pass signals on to the dashboard until cancelled; needs the main thread.

    The first SIGINT, SIGTERM or SIGHUP ends the dashboard. From then on they do what they do in
    any program, so that a second one ends it at once, whatever it waits for.
    """
    with anyio.open_signal_receiver(*_WATCHED) as received:
        async for number in received:
            if number == signal.SIGWINCH:
                live.redraw()
            elif number == signal.SIGTSTP:
                suspend(terminal)
                live.redraw()
            else:
                live.stop()
                return


def suspend(terminal: Terminal) -> None:
    """Give the terminal back and stop; go on from here when the shell continues the program."""
    terminal.leave()
    # Not SIGTSTP, which is caught. For the shell it is the same.
    os.kill(os.getpid(), signal.SIGSTOP)
    terminal.enter()
