"""The classic polling loops, the safety net under the stream.

They find the same tasks with the stream dead, at their own pace: ordinary tasks within
`check_interval`, urgent ones (priority ≤ 3 or immediate) within `priority_check_interval`.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import anyio


async def every(interval_s: float, beat: Callable[[], None]) -> None:
    """Call `beat` every `interval_s` seconds until cancelled.

    The first beat comes at a random point of the interval, so that workers that start together do
    not poll together; afterwards the pace is exact, which keeps the promised bound.
    """
    await anyio.sleep(random.uniform(0, interval_s))
    while True:
        beat()
        await anyio.sleep(interval_s)
