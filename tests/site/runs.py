"""A run of one of our adapters, with the report it leaves."""

from __future__ import annotations

from typing import Any

from hotstream_reactive import testing


class AdapterRun(testing.AdapterRun):
    """One run; the adapter keeps an entry per target."""

    @property
    def report(self) -> dict[str, str]:
        """The outcomes by target."""
        return {one["target"]: one["outcome"] for one in self._entries()}

    @property
    def messages(self) -> str:
        """What the report says besides."""
        return " | ".join(one["message"] for one in self._entries())

    def _entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.adapter.report  # type: ignore[attr-defined]  # theirs
        return entries


def ids(records: list[dict[str, Any]]) -> list[str]:
    return [record["id"] for record in records]
