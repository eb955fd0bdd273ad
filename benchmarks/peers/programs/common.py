"""What the Python peers' programs share. They run under the peers' own interpreters.

Commands: ``fill N`` enqueues no-op jobs; ``drain N`` waits until the workers have done N and prints
how many a second; ``latency N`` enqueues one job at a time and prints the seconds until its first
line. Jobs are numbered; a number below 0 stamps nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

URI = os.environ["PEER_URI"]
STAMPS = Path(os.environ["PEER_STAMPS"])


def first_line(number: int) -> None:
    """The first line of every job."""
    if number >= 0:
        with STAMPS.open("a", encoding="ascii") as file:
            file.write(f"{number} {time.monotonic()}\n")


async def latency(number: int, enqueue: Callable[[int], Awaitable[object]]) -> None:
    """Print the seconds from each enqueueing to the job's first line."""
    seconds = []
    for n in range(number):
        size = STAMPS.stat().st_size
        began = time.monotonic()
        await enqueue(n)
        while STAMPS.stat().st_size == size:
            await asyncio.sleep(0.001)
        _, at = STAMPS.read_text(encoding="ascii").splitlines()[-1].split()
        seconds.append(float(at) - began)
        # It shall be over, and the worker at rest again, as in the measurement of HotStream.
        await asyncio.sleep(0.02)
    print(json.dumps(seconds))


async def drain(
    left: Callable[[], Awaitable[int]], any_left: Callable[[], Awaitable[int]], number: int
) -> None:
    """Print jobs per second from the first that is done to the last."""
    while (first := await left()) >= number:
        await asyncio.sleep(0.005)
    began = time.monotonic()
    while await any_left():
        await asyncio.sleep(0.02)
    print(json.dumps(first / (time.monotonic() - began)))


def main(
    enqueue: Callable[[int], Awaitable[object]],
    fill: Callable[[int], Awaitable[object]],
    left: Callable[[], Awaitable[int]],
    opened: Callable[[], Awaitable[object]],
    any_left: Callable[[], Awaitable[int]] | None = None,
) -> None:
    """Run the command of the command line; `any_left` where that is cheaper than the count."""

    async def run() -> None:
        command, number = sys.argv[1], int(sys.argv[2])
        await opened()
        if command == "fill":
            await fill(number)
        elif command == "drain":
            await drain(left, any_left or left, number)
        else:
            await latency(number, enqueue)

    asyncio.run(run())
