"""How a task is put to its adapter, whoever runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import anyio

from hotstream_reactive.errors import PermanentError
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.model.task import Task
from hotstream_reactive.platforms.base import PlatformAdapter, SearchOptions

#: How long closing may take, in seconds; it also happens on cancel.
CLEAN_UP_S = 10.0


def search_options(task: Task) -> SearchOptions:
    """The `options` of a task as an adapter sees them."""
    options = task.options

    def text(name: str) -> str | None:
        value = options.get(name)
        return value if isinstance(value, str) else None

    filters = options.get("filters")
    return SearchOptions(
        limit=task.limit,
        since=text("since"),
        until=text("until"),
        sort_by=text("sort_by") or "relevance",
        filters=filters if isinstance(filters, dict) else {},
        extra=dict(options),
    )


async def sign_in(adapter: PlatformAdapter, task: Task, credentials: Mapping[str, Any]) -> None:
    """Let the adapter prepare its access.

    Raises:
        PermanentError: (`bad_credentials`) the platform refused them.
    """
    if not await adapter.authenticate(credentials):
        raise PermanentError(
            f"platform {task.platform!r} refused the credentials: "
            f"check [platforms.{task.platform}] in config.toml",
            kind="bad_credentials",
        )


class Reading:
    """The records of what the task asks for; the generator is closed, whatever happens."""

    def __init__(self, adapter: PlatformAdapter, task: Task) -> None:
        self._adapter = adapter
        self._task = task

    async def __aenter__(self) -> AsyncIterator[DataItem | dict[str, Any]]:
        adapter, task = self._adapter, self._task
        source = (
            adapter.monitor_accounts(list(task.accounts), task.limit)
            if task.task_type == "monitor"
            else adapter.search(list(task.keywords), adapter.context.options)
        )
        self._iterator = aiter(source)
        return self._iterator

    async def __aexit__(self, *raised: object) -> None:
        iterator = self._iterator
        # A generator that came to its end has no frame left, and nothing to be closed.
        if hasattr(iterator, "aclose") and getattr(iterator, "ag_frame", iterator) is not None:
            with anyio.move_on_after(CLEAN_UP_S, shield=True):
                await iterator.aclose()


def nothing_understood(reasons: list[str]) -> PermanentError:
    """The error of a run whose records all turned out unusable: that is no success."""
    return PermanentError(
        f"none of {len(reasons)} records could be understood, the first because of {reasons[0]}",
        kind="layout_changed",
    )
