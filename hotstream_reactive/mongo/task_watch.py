"""One task, watched: a change stream on its document alone, and polling where there is none."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

import anyio
from pymongo.errors import PyMongoError

from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import ChangeStream, Document
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.listing import ROW

_POLL_S = 0.2
#: Looked at so often with a stream, too: the document may be written anew under another `_id`.
_SWEEP_S = 2.0
_REOPEN_S = 5.0
#: How long the server holds back its answer; also how late a time limit may be noticed.
_AWAIT_MS = 200
_UPDATED = "updateDescription.updatedFields"
_TELLING = (
    *("status", "progress", "result_count", "error_message", "worker_id", "run_at", "priority"),
    *("immediate", "current_retry", "schedule"),
)


class TaskWatch:
    """Reads a task and tells when it may have changed; for one `async with`.

    A change is a hint to read the document again, so nothing depends on the stream.
    """

    def __init__(self, mongo: Mongo, task_id: str) -> None:
        self._mongo = mongo
        self._task_id = task_id
        self._stream: ChangeStream | None = None
        self._open_at = 0.0

    async def __aenter__(self) -> TaskWatch:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.move_on_after(1.0, shield=True):
            await self._close()

    async def read(self) -> Document | None:
        """The row of the task as it is now (see `listing.ROW`), None when there is none.

        Raises:
            DatabaseError: unknown.
        """
        query = {"task_id": {"$eq": self._task_id}}
        with translated("reading a task"):
            found = await self._mongo.driver.aggregate(
                self._mongo.tasks, [{"$match": query}, {"$limit": 1}, {"$project": ROW}]
            )
        try_now = self._stream is None and time.monotonic() >= self._open_at
        if found and try_now and await self._open(found[0]["_id"]):
            return await self.read()  # what changed before the stream was open
        return found[0] if found else None

    async def changed(self, at_most_s: float) -> None:
        """Wait until the task may have changed, `at_most_s` seconds at most."""
        until = time.monotonic() + min(at_most_s, _POLL_S if self._stream is None else _SWEEP_S)
        while self._stream is not None and time.monotonic() < until:
            try:
                event = await self._stream.try_next()
            except PyMongoError:
                await self._close()
                return
            if event is not None:
                return
            if not self._stream.alive:
                await self._close()
        if (left_s := until - time.monotonic()) > 0:
            await anyio.sleep(left_s)

    async def _open(self, document_id: Any) -> bool:
        """Open the stream; False where there is none to be had, and polling tells the same."""
        self._open_at = time.monotonic() + _REOPEN_S
        pipeline: list[Document] = [
            {
                "$match": {
                    "documentKey._id": {"$eq": document_id},
                    "$or": [
                        {"operationType": {"$ne": "update"}},
                        *({f"{_UPDATED}.{name}": {"$exists": True}} for name in _TELLING),
                    ],
                }
            },
            {"$project": {"operationType": 1}},
        ]
        try:
            tasks = await self._mongo.stream_tasks()
            self._stream = await self._mongo.driver.watch(tasks, pipeline, max_await_ms=_AWAIT_MS)
        except (PyMongoError, DatabaseError):
            return False
        return True

    async def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                await stream.close()
            except PyMongoError:
                return  # a dying connection; the server closes the cursor by itself
