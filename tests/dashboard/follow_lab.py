"""A follower of a real server at work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import anyio

from hotstream_reactive.dashboard.follow import Follower
from hotstream_reactive.dashboard.snapshot import Snapshot
from hotstream_reactive.mongo.board import Board

PASSWORD = "s3cret-of-the-tests"


class Followed:
    """A follower at work, and how to wait for what it sees."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.snapshot = Snapshot()
        self._changed = anyio.Event()
        self.follower = Follower(board, self.snapshot, changed=self._note)

    def _note(self) -> None:
        self._changed.set()

    async def until(
        self, condition: Callable[[Snapshot], object], patience_s: float = 20.0
    ) -> None:
        """Wait until the snapshot is as wanted."""
        with anyio.fail_after(patience_s):
            while not condition(self.snapshot):
                self._changed = anyio.Event()
                await self._changed.wait()

    def told(self) -> list[str]:
        """What the ticker says."""
        return [f"{told.what} {told.label}" for told in self.snapshot.happenings]


Follow = Callable[..., AbstractAsyncContextManager[Followed]]
