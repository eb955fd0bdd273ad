"""A task run at once, in this process, without queue and database: for looking before storing.

The adapters, extractors and rules of fetching are those of a worker; what a fleet agrees on (pace,
pauses, limits) is not known here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import anyio

from hotstream_reactive.app import PlatformTools
from hotstream_reactive.engine.collect import (
    CLEAN_UP_S,
    Reading,
    nothing_understood,
    search_options,
    sign_in,
)
from hotstream_reactive.extractors.base import UNUSABLE, make_item
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.model.task import Task
from hotstream_reactive.text import clean


class DirectRun:
    """One task; iterate over `items` once.

    Attributes:
        report: what the adapter tells of each of its targets, when the items have ended.
        left_out: why records were no items.
    """

    def __init__(self, task: Task, tools: PlatformTools) -> None:
        self._task = task
        self._tools = tools
        self.report: list[dict[str, Any]] = []
        self.left_out: list[str] = []

    async def items(self) -> AsyncGenerator[DataItem, None]:
        """Yield the items as they come, none twice; of a search exactly up to its limit.

        Raises:
            InvalidTask: there is no such platform, or it is switched off.
            ScrapeError: the run did not bring home what was asked for.
        """
        task, tools = self._task, self._tools
        adapter = tools.adapter(task)
        extractor = tools.extractor(task)
        adapter.context = tools.context(task, search_options(task))
        seen: set[str] = set()
        try:
            await sign_in(adapter, task, tools.credentials(task))
            async with Reading(adapter, task) as records:
                async for record in records:
                    try:
                        item = await make_item(record, extractor, task.platform)
                    except UNUSABLE as error:
                        self.left_out.append(clean(f"{type(error).__name__}: {error}"))
                        continue
                    if item.id not in seen:
                        seen.add(item.id)
                        yield item
                    if task.task_type == "search" and len(seen) >= task.limit:
                        break
        finally:
            self.report = _entries(getattr(adapter, "report", None))
            with anyio.move_on_after(CLEAN_UP_S, shield=True):
                await adapter.close()
        if self.left_out and not seen:
            raise nothing_understood(self.left_out)


def _entries(report: Any) -> list[dict[str, Any]]:
    """The entries of an adapter's report that have the usual shape; a plugin may keep another."""
    usual = {"target", "outcome", "message"}
    found = report if isinstance(report, list) else []
    return [one for one in found if isinstance(one, dict) and usual <= one.keys()]
