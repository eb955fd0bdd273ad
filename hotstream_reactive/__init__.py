"""HotStream Reactive: the names that plugins and embedding programs import."""

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
