"""The platforms HotStream can collect from, one package or module each."""

from hotstream_reactive.platforms.base import PlatformAdapter, RunContext, SearchOptions

__all__ = ["PlatformAdapter", "RunContext", "SearchOptions"]
