"""The contract of a platform adapter and what the engine hands to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from hotstream_reactive.errors import PluginError
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.settings import FetchSettings, PlatformSettings

if TYPE_CHECKING:
    import loguru


class SearchOptions(msgspec.Struct, kw_only=True, frozen=True):
    """The `options` of a task: known ones as attributes, all of them through `get`.

    `limit` is the exact number of items wanted: of the whole search, or per account of a monitor.
    `since` and `until` are dates (``YYYY-MM-DD``).
    """

    limit: int = 100
    since: str | None = None
    until: str | None = None
    sort_by: str = "relevance"
    filters: dict[str, Any] = {}
    extra: dict[str, Any] = {}

    def get(self, name: str, default: Any = None) -> Any:
        """The option called `name`, also one HotStream itself does not know."""
        if name in self.__struct_fields__ and name != "extra":
            return getattr(self, name)
        return self.extra.get(name, default)


async def _nothing_to_save(checkpoint: Mapping[str, Any]) -> None:
    """Outside a run there is no task that could hold a checkpoint."""


async def _no_pace() -> None:
    """Outside a worker nobody else asks the platform."""


class RunContext(msgspec.Struct, kw_only=True):
    """What an adapter gets for one run, as `self.context`.

    `checkpoint` is what an earlier run of the same task saved (empty at the first).
    `save_checkpoint` stores the items yielded so far and replaces it: a retry starts from there.
    `pace` waits until the fleet's `requests_per_minute` of the platform allows one more request;
    await it just before each.
    `platform` and `fetch` are the operator's settings; addresses in them are trusted.
    `evidence_dir` is for pages that were not what was asked for (`fetch.evidence.Evidence`); None
    keeps none.
    `log` is bound to the task: what it says is kept with the run.
    """

    task_id: str
    options: SearchOptions
    platform: PlatformSettings
    fetch: FetchSettings
    log: loguru.Logger
    checkpoint: dict[str, Any] = {}
    save_checkpoint: Callable[[Mapping[str, Any]], Awaitable[None]] = _nothing_to_save
    pace: Callable[[], Awaitable[None]] = _no_pace
    evidence_dir: Path | None = None


class PlatformAdapter(ABC):
    """Collects raw records or finished items from one platform.

    The engine makes one adapter per run, sets `context`, calls `authenticate`, then iterates over
    `search` or `monitor_accounts`, and calls `close` whatever happened. Faults are raised as the
    classes of `hotstream_reactive.errors`, which say whether a retry can help.
    """

    platform_name: ClassVar[str]
    context: RunContext

    @classmethod
    def warm_up(cls) -> None:
        """Load what the first run would otherwise wait for; called in a thread at start."""
        return

    async def authenticate(self, credentials: Mapping[str, Any]) -> bool:
        """Prepare access; False means the credentials were refused (a permanent failure)."""
        return True

    @abstractmethod
    def search(
        self, keywords: list[str], options: SearchOptions
    ) -> AsyncIterator[DataItem | dict[str, Any]]:
        """Yield what matches the keywords, newest first, up to `options.limit` in all."""

    def monitor_accounts(
        self, accounts: list[str], limit: int
    ) -> AsyncIterator[DataItem | dict[str, Any]]:
        """Yield the newest posts of each account, up to `limit` per account."""
        raise PluginError(
            f"platform {self.platform_name!r} cannot monitor accounts: "
            f"use task_type 'search' or another platform"
        )

    async def close(self) -> None:
        """Release connections and pages; also called when the run was cancelled."""
        return
