"""The claimer: takes tasks within pauses and limits, and starts what may start."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from hotstream_reactive.engine.gate import Gate
from hotstream_reactive.model.place import Place

Document = Mapping[str, Any]


class Taken(Protocol):
    """A batch of so many tasks that were claimed, or perhaps were."""

    @property
    def more(self) -> bool:
        """Whether the queue may hold more of the kind."""
        ...

    @property
    def urgent_more(self) -> bool:
        """Whether more urgent ones may follow."""
        ...

    @property
    def place(self) -> Place | None:
        """Where the next look may begin."""
        ...

    def __len__(self) -> int: ...


class ClaimStore(Protocol):
    """Where tasks are claimed: a batch is taken first and read then."""

    async def claim_one(
        self, document_id: Any, *, fresh: bool, urgent_only: bool, room: Mapping[str, int]
    ) -> Document | None: ...
    async def take_batch(
        self,
        limit: int,
        *,
        urgent_only: bool,
        room: Mapping[str, int],
        only: Collection[str] | None,
        ids: list[Any] | None,
        after: Place | None,
    ) -> Any: ...
    async def read(self, taken: Any) -> Sequence[Document]: ...
    async def next_due_in(self) -> float | None: ...


class Claimer:
    """Claims for one worker.

    Args:
        start: begins a run of a claimed document.
    """

    def __init__(self, store: ClaimStore, gate: Gate, *, start: Callable[[Document], None]) -> None:
        self._store = store
        self._gate = gate
        self._start = start

    async def one(
        self, document_id: Any, *, fresh: bool = False, urgent_only: bool = False
    ) -> None:
        """Claim this very task, if it is still to be had; a `fresh` one is claimed quicker.

        Raises:
            DatabaseError: as `ClaimStore.claim_one`.
        """
        room = await self._gate.room()
        document = await self._store.claim_one(
            document_id, fresh=fresh, urgent_only=urgent_only, room=room
        )
        if document is not None:
            await self._start_admitted([document])

    async def take(
        self,
        limit: int,
        *,
        urgent_only: bool = False,
        only: Collection[str] | None = None,
        ids: list[Any] | None = None,
        after: Place | None = None,
    ) -> Taken:
        """Claim up to `limit` tasks in queue order, of these `ids` alone; `begin` starts them.

        All before `after` is known to be gone, as an earlier look gave it as its `place`.

        Raises:
            DatabaseError: as `ClaimStore.take_batch`.
        """
        room = await self._gate.room()
        taken: Taken = await self._store.take_batch(
            limit, urgent_only=urgent_only, room=room, only=only, ids=ids, after=after
        )
        return taken

    async def begin(self, taken: Taken) -> None:
        """Start what was taken.

        Raises:
            DatabaseError: as `ClaimStore.read`.
        """
        await self._start_admitted(await self._store.read(taken))

    async def _start_admitted(self, claimed: Sequence[Document]) -> None:
        """Start what was claimed; what is beyond a limit is pending again and starts later."""
        free, bound = self._gate.split(claimed)
        for document in free:
            self._start(document)
        if bound:
            for document in await self._gate.admitted(bound):
                self._start(document)
