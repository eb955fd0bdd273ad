"""The recorder: what happened to every task and when, also edits by outside programs.

One worker of the fleet records at a time. It reads a change stream of its own, and what it writes
goes together with its position in the stream into one transaction: whenever it dies, the next one
goes on exactly where the last record is. Only history that the server has already forgotten is
lost, and then a record says so.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import uuid4

import anyio

from hotstream_reactive.engine.backoff import full_jitter
from hotstream_reactive.engine.events import Events
from hotstream_reactive.errors import DatabaseError, FeedEnded, FeedUnsupported, HistoryLost
from hotstream_reactive.model.history import Seat, TaskEvent, changes, classify, short
from hotstream_reactive.model.known import Known

#: A recorder that was silent for so long has lost its place; together with the pause between two
#: looks of the others that is less than half a minute.
TAKE_OVER_S = 20.0
BEAT_S = 5.0
MOST_AT_ONCE = 100
#: After the first change of a batch, so much time for more of them.
GATHER_S = 0.2
UNSUPPORTED_RETRY_S = 60.0
MOST_REMEMBERED = 1000
DROPPED = "the collection was dropped or renamed"


class HistoryFeed(Protocol):
    """An open stream of task changes, readable from any earlier position."""

    @property
    def token(self) -> dict[str, Any] | None: ...
    async def next(self) -> TaskEvent | None: ...
    async def close(self) -> None: ...


class HistoryStore(Protocol):
    """Where history is kept and read from."""

    async def prepare(self) -> list[str]: ...
    async def take_seat(self, worker_id: str, *, silent_s: float) -> Seat | None: ...
    async def leave_seat(self, seat: Seat) -> None: ...
    async def open(self, token: dict[str, Any] | None) -> HistoryFeed: ...
    async def task_ids(self, document_ids: Sequence[Any]) -> dict[str, Any]: ...
    async def commit(
        self, seat: Seat, token: dict[str, Any] | None, records: Sequence[dict[str, Any]]
    ) -> bool: ...


class Recorder:
    """Records while this worker has the seat, and tries for it while it has not."""

    def __init__(
        self, store: HistoryStore, events: Events, *, worker_id: str, zombie_timeout_s: float
    ) -> None:
        self._store = store
        self._events = events
        self._worker_id = worker_id
        self._take_over_s = min(TAKE_OVER_S, zombie_timeout_s)
        self._beat_s = min(BEAT_S, self._take_over_s / 4)
        self._memory = Memory()
        self._prepared = False
        #: Why the stored position is of no use any more.
        self._lost = ""

    async def run(self) -> None:
        """Record until cancelled."""
        failures = 0
        while True:
            try:
                await self._serve()
                failures = 0
                await anyio.sleep(self._beat_s)
            except FeedUnsupported as error:
                self._events.emit("recorder_failed", reason=str(error))
                await anyio.sleep(UNSUPPORTED_RETRY_S)
            except Exception as error:
                # A worker does not die of what it records.
                if isinstance(error, HistoryLost):
                    self._lost = str(error)
                failures += 1
                known = isinstance(error, DatabaseError)
                reason = str(error) if known else f"{type(error).__name__}: {error}"
                self._events.emit("recorder_failed", reason=reason)
                await anyio.sleep(full_jitter(failures, 0.5, self._beat_s))

    async def _serve(self) -> None:
        """Record as long as this worker has the seat; returns when somebody else has it."""
        seat = await self._store.take_seat(self._worker_id, silent_s=self._take_over_s)
        if seat is None:
            return
        self._memory.clear()
        try:
            if not self._prepared:
                for complaint in await self._store.prepare():
                    self._events.emit("recorder_limited", reason=complaint)
                self._prepared = True
            feed = await self._open(seat)
            if feed is None:
                return
            self._events.emit("recorder_began")
            try:
                await self._record(seat, feed)
            finally:
                with anyio.move_on_after(2.0, shield=True):
                    await feed.close()
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(2.0, shield=True):
                await self._leave(seat)
            raise

    async def _leave(self, seat: Seat) -> None:
        try:
            await self._store.leave_seat(seat)
        except DatabaseError as error:
            # It is taken over a little later.
            self._events.emit("recorder_failed", reason=str(error))

    async def _open(self, seat: Seat) -> HistoryFeed | None:
        """A stream that goes on at the last position, or a new one after a gap; None: no seat."""
        reason = self._lost or seat.lost
        if not reason:
            try:
                feed = await self._store.open(seat.token)
            except HistoryLost as error:
                reason = str(error)
        if reason:
            feed = await self._store.open(None)
        # From the first moment on there is a position, so nothing is lost before a first change.
        records = [gap(feed.token, reason)] if reason else []
        if reason or seat.token is None:
            if not await self._store.commit(seat, feed.token, records):
                await feed.close()
                return None
            self._lost = ""
        if reason:
            self._events.emit("recorder_gap", reason=reason)
        return feed

    async def _record(self, seat: Seat, feed: HistoryFeed) -> None:
        """Write batches until the seat is lost."""
        beaten_at = time.monotonic()
        while True:
            batch = await self._batch(feed)
            records = await self._records(batch)
            ended = bool(batch) and batch[-1].kind == "end"
            if ended:
                records.append(gap(feed.token, DROPPED))
            if records or time.monotonic() - beaten_at > self._beat_s:
                if not await self._store.commit(seat, feed.token, records):
                    self._events.emit("recorder_replaced")
                    return
                beaten_at = time.monotonic()
            if ended:
                self._events.emit("recorder_gap", reason=DROPPED)
                raise FeedEnded(DROPPED)

    async def _batch(self, feed: HistoryFeed) -> list[TaskEvent]:
        """The changes that have come, gathered over a moment; none when nothing happens."""
        batch: list[TaskEvent] = []
        until = 0.0
        while len(batch) < MOST_AT_ONCE:
            event = await feed.next()
            if event is None:
                break
            until = until or time.monotonic() + GATHER_S
            batch.append(event)
            if event.kind == "end" or time.monotonic() > until:
                break
        return batch

    async def _records(self, batch: Sequence[TaskEvent]) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        for event in batch:
            if event.kind == "end":
                continue
            try:
                record = self._told(event)
            except Exception as error:
                # Documents may be of any shape; what happened is kept even if not how.
                reason = f"a change could not be told: {type(error).__name__}: {error}"
                self._events.emit("recorder_failed", reason=reason)
                record = {**_facts(event), "task_id": None, "kind": "edited", "changes": []}
            if record is not None:
                records.append(record)
        await self._name(records)
        return records

    def _told(self, event: TaskEvent) -> dict[str, Any] | None:
        """The record of an event; None for a mere heartbeat."""
        before = self._memory.before(event)
        found = changes(event, before)
        deed = classify(event, before, found)
        kept = [change.document() for change in found]
        # Only now: the values that were taken from memory are part of it.
        self._memory.learn(event)
        if deed is None:
            return None
        record = {
            **_facts(event),
            "task_id": short(event.after.get("task_id", before.fields.get("task_id"))),
            "kind": deed.kind,
            "by": "engine" if deed.engine else "outside",
            "changes": kept,
        }
        worker = event.after.get("worker_id", before.fields.get("worker_id"))
        if deed.owner and isinstance(worker, str):
            record["worker_id"] = worker
        return record

    async def _name(self, records: list[dict[str, Any]]) -> None:
        """Find the task ids of documents of which only the `_id` is known."""
        nameless = [record for record in records if record["task_id"] is None]
        if nameless:
            names = await self._store.task_ids([record["document_id"] for record in nameless])
            for record in nameless:
                name = names.get(repr(record["document_id"]))
                record["task_id"] = name
                if name is not None:
                    self._memory.name(record["document_id"], name)


class Memory:
    """What the recorder itself has seen of the documents it met last.

    It stands in where the server keeps no images of documents before a change.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, Known] = OrderedDict()

    def clear(self) -> None:
        """Forget all: somebody else may have recorded meanwhile."""
        self._known.clear()

    def before(self, event: TaskEvent) -> Known:
        """What is known of the document before the event."""
        known = self._known.get(repr(event.document_id))
        if event.before is not None:
            # Of fields this change did not touch the image says nothing; memory may.
            remembered = known.fields if known else {}
            names: dict[str, Any] = {
                n: remembered[n] for n in ("task_id", "worker_id") if n in remembered
            }
            return Known(fields={**names, **event.before})
        return known or Known(fields={}, whole=False)

    def learn(self, event: TaskEvent) -> None:
        """Take the event into account."""
        key = repr(event.document_id)
        if event.kind == "delete":
            self._known.pop(key, None)
            return
        if event.kind == "update":
            known = self._known.setdefault(key, Known(fields={}, whole=False))
            known.update(event.after, event.removed, event.shortened)
        else:
            self._known[key] = Known(fields=dict(event.after))
        self._known.move_to_end(key)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)

    def name(self, document_id: Any, task_id: Any) -> None:
        """Note the task id of a document."""
        known = self._known.get(repr(document_id))
        if known is not None:
            known.fields["task_id"] = task_id


def _facts(event: TaskEvent) -> dict[str, Any]:
    return {"_id": event.position, "document_id": event.document_id, "at": event.at}


def gap(token: Mapping[str, Any] | None, reason: str) -> dict[str, Any]:
    """The record of lost history; the store fills in the time."""
    position = (token or {}).get("_data") or f"gap-{uuid4().hex}"
    return {"_id": position, "task_id": None, "kind": "gap", "reason": reason}
