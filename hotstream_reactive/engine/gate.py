"""The gate before a run: pauses and limits decide what may be claimed, and what of it may start.

Counting before a claim keeps nearly all claims within a limit. Workers that claim at the same
moment may together go beyond it: what was claimed of a limited platform is therefore admitted
before its adapter starts, and what is not admitted goes back to pending.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from hotstream_reactive.engine.controls import ControlBoard
from hotstream_reactive.engine.events import Events
from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.model.controls import room

Document = Mapping[str, Any]
NO_LIMIT = 1_000_000


class LimitStore(Protocol):
    """Where live leases are counted and admitted."""

    async def running(self, platforms: Collection[str]) -> dict[str, int]: ...
    async def admit(self, platform: str, limit: int) -> set[str]: ...
    async def hand_back(self, claimed: Sequence[Any]) -> None: ...


class Gate:
    """Answers the dispatcher; without pauses and limits it asks nobody.

    Args:
        elsewhere: platforms whose tasks are left to other workers, because only they run them.
    """

    def __init__(
        self,
        store: LimitStore,
        board: ControlBoard,
        events: Events,
        *,
        elsewhere: Callable[[], Collection[str]],
    ) -> None:
        self._store = store
        self._elsewhere = elsewhere
        self._board = board
        self._events = events

    @property
    def closed(self) -> bool:
        """Whether nothing may be claimed at all."""
        return self._board.engine_paused

    @property
    def holding(self) -> bool:
        """Whether a pause or a limit is in force, so that a task may have to wait."""
        return self._board.holding

    @property
    def limited(self) -> Collection[str]:
        """Platforms with a limit on running tasks."""
        return self._board.limits.keys()

    async def room(self) -> dict[str, int]:
        """How many more tasks may start, by platform; those without pause and limit are not in it.

        Raises:
            DatabaseError: unknown.
        """
        limits = self._board.limits
        running = await self._store.running(limits) if limits else {}
        return room(self._board.controls, limits, running) | dict.fromkeys(self._elsewhere(), 0)

    def split(self, claimed: Sequence[Document]) -> tuple[list[Document], list[Document]]:
        """What was claimed just now: tasks that may start at once, and those to be admitted."""
        limits = self._board.limits
        if not limits:
            return list(claimed), []
        # In a list, as what stands in `platform` may not be hashable.
        bound = [document for document in claimed if document.get("platform") in [*limits]]
        return [document for document in claimed if document not in bound], bound

    async def admitted(self, bound: Sequence[Document]) -> list[Document]:
        """Those of the claimed tasks that may start; the others are pending again.

        What could be neither admitted nor handed back is rescued when its lease has run out.
        """
        limits = self._board.limits
        ours: set[str] = set()
        try:
            for platform in sorted({str(document["platform"]) for document in bound}):
                # A limit that was lifted this moment admits all.
                ours |= await self._store.admit(platform, limits.get(platform, NO_LIMIT))
        except DatabaseError as error:
            self._events.emit("admission_failed", reason=str(error))
        beyond = [document for document in bound if document["lease_id"] not in ours]
        if beyond:
            await self._hand_back(beyond)
        return [document for document in bound if document["lease_id"] in ours]

    async def _hand_back(self, claimed: list[Document]) -> None:
        platforms = sorted({str(document["platform"]) for document in claimed})
        try:
            await self._store.hand_back(claimed)
        except DatabaseError as error:
            self._events.emit("hand_back_failed", reason=str(error), platforms=platforms)
        else:
            self._events.emit("handed_back", platforms=platforms, tasks=len(claimed))
