"""A platform whose adapter blocks the event loop in the way its first keyword says."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio

from hotstream_reactive.errors import PermanentError
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.platforms.base import PlatformAdapter


class Blocker(PlatformAdapter):
    platform_name = "blocker"

    async def search(self, keywords: list[str], options: Any) -> AsyncIterator[DataItem]:
        self.context.log.info(f"begin {keywords[0]}")
        how, _, much = keywords[0].partition(":")
        if how == "sleep":
            time.sleep(float(much))  # noqa: ASYNC251 - the fault
        elif how == "sleep-once":
            if first_time(Path(much)):
                time.sleep(60)  # noqa: ASYNC251 - the fault
        elif how == "child":
            async with anyio.create_task_group() as group:
                group.start_soon(hold, float(much))
        elif how == "regex":
            hopeless(float(much))
        elif how == "await":
            await anyio.sleep(float(much))
        elif how == "raise":
            fail()
        elif how == "refuse":
            raise PermanentError("no such account")
        yield DataItem(
            id=f"blocker_{self.context.task_id}",
            platform="blocker",
            content="x",
            author="a",
            url="https://example.org/1",
            created_at=None,
        )


def first_time(marker: Path) -> bool:
    first = not marker.exists()
    marker.touch()
    return first


async def hold(seconds: float) -> None:
    time.sleep(seconds)  # noqa: ASYNC251 - the fault


def fail() -> None:
    raise RuntimeError("it broke, token=hush")


def hopeless(seconds: float) -> None:
    """Regular expressions that backtrack for at least so long, most of the time in one of them."""
    began = time.monotonic()
    length = 24
    while time.monotonic() - began < seconds:
        length += 1
        re.match("(a+)+$", "a" * length + "b")
