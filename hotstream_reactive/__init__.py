"""HotStream Reactive: the names that plugins and embedding programs import.

A name is loaded when it is asked for: the command line, which needs few of them, starts in half the
time.
"""

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from hotstream_reactive.errors import (
        BlockedError,
        ConfigError,
        DatabaseError,
        HotStreamError,
        InvalidTask,
        LoginRequired,
        PermanentError,
        PluginError,
        RateLimited,
        ScrapeError,
        StorageError,
        StorageFull,
        TransientError,
    )
    from hotstream_reactive.extractors.base import DataExtractor
    from hotstream_reactive.model.item import DataItem
    from hotstream_reactive.model.page import PageOutcome, ParsedPage
    from hotstream_reactive.model.task import Task, TaskStatus
    from hotstream_reactive.platforms.base import PlatformAdapter, RunContext, SearchOptions
    from hotstream_reactive.storages.base import StorageAdapter, StorageContext
    from hotstream_reactive.version import __version__

__all__ = [
    "BlockedError",
    "ConfigError",
    "DataExtractor",
    "DataItem",
    "DatabaseError",
    "HotStreamError",
    "InvalidTask",
    "LoginRequired",
    "PageOutcome",
    "ParsedPage",
    "PermanentError",
    "PlatformAdapter",
    "PluginError",
    "RateLimited",
    "RunContext",
    "ScrapeError",
    "SearchOptions",
    "StorageAdapter",
    "StorageContext",
    "StorageError",
    "StorageFull",
    "Task",
    "TaskStatus",
    "TransientError",
    "__version__",
]

#: Where a name comes from, if not from `errors`.
_HOMES = {
    **dict.fromkeys(("DataExtractor",), "extractors.base"),
    **dict.fromkeys(("DataItem",), "model.item"),
    **dict.fromkeys(("PageOutcome", "ParsedPage"), "model.page"),
    **dict.fromkeys(("Task", "TaskStatus"), "model.task"),
    **dict.fromkeys(("PlatformAdapter", "RunContext", "SearchOptions"), "platforms.base"),
    **dict.fromkeys(("StorageAdapter", "StorageContext"), "storages.base"),
    "__version__": "version",
}


def __getattr__(name: str) -> typing.Any:
    """Load a public name.

    Raises:
        AttributeError: there is none.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
