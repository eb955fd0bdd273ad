"""The collections behind the history: `task_history`, and `history_state` for who records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from pymongo import ASCENDING as UP
from pymongo import DESCENDING, IndexModel, ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError, OperationFailure

from hotstream_reactive.model.history import Seat
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Collection, Document
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.history_feed import SHAPE, TaskHistoryFeed

_RECORDER = "recorder"
_EXPIRY = "expiry"
_NO_IMAGES = (
    "old values are known only as far as the recorder itself saw them: the server keeps no images "
    "of tasks before a change"
)


class _SeatLost(Exception):
    pass


class HistoryKeeper:
    """Keeps the history of tasks, for the one recorder of the fleet.

    Args:
        retention_days: how long records are kept, by the server's clock.
    """

    def __init__(self, mongo: Mongo, *, retention_days: int) -> None:
        self._mongo = mongo
        self._history = history_of(mongo)
        self._state = state_of(mongo)
        self._retention_s = retention_days * 86_400

    async def prepare(self) -> list[str]:
        """Create indexes, let the server keep images; gives a line for each thing it cannot do.

        Raises:
            DatabaseError: the server failed.
        """
        with translated("preparing the history"):
            try:
                await self._history.create_indexes(
                    [
                        # What happened to a task, in the order in which it happened.
                        IndexModel([("task_id", UP), ("_id", UP)], name="of_task"),
                        # The task of a document that is gone.
                        IndexModel([("document_id", UP)], name="of_document"),
                        IndexModel(
                            [("at", UP)], name=_EXPIRY, expireAfterSeconds=self._retention_s
                        ),
                    ]
                )
            except OperationFailure as error:
                if error.code not in {85, 86}:
                    raise
                # Only the retention can differ.
                await self._mongo.database.command(
                    "collMod",
                    self._history.name,
                    index={"name": _EXPIRY, "expireAfterSeconds": self._retention_s},
                )
            return await self._keep_images()

    async def _keep_images(self) -> list[str]:
        server = self._mongo.server
        if server is not None and server.major < 6:
            return [f"{_NO_IMAGES} (MongoDB {server.version}; 6 and later can)"]
        try:
            await self._mongo.database.command(
                "collMod", self._mongo.tasks.name, changeStreamPreAndPostImages={"enabled": True}
            )
        except OperationFailure as error:
            why = error.details.get("codeName", error.code) if error.details else error.code
            return [f"{_NO_IMAGES} (collMod: {why})"]
        return []

    async def take_seat(self, worker_id: str, *, silent_s: float) -> Seat | None:
        """Become the recorder unless another worker was heard of within `silent_s` seconds.

        Raises:
            DatabaseError: unknown; asking again is safe.
        """
        long_ago = {"$subtract": ["$$NOW", int(silent_s * 1000)]}
        mine = {"$literal": worker_id}
        # Missing fields sort before all dates, so a state that is new is free as well.
        free = {"$or": [{"$in": ["$holder", [mine, None]]}, {"$lt": ["$renewed_at", long_ago]}]}
        taken: Document = {
            "holder": mine,
            "number": {"$add": [{"$ifNull": ["$number", 0]}, 1]},
            "renewed_at": "$$NOW",
            "since": {"$ifNull": ["$since", "$$NOW"]},
        }
        # An upsert allows no `$expr` in its filter, so the condition is in the update.
        update = {name: {"$cond": [free, value, f"${name}"]} for name, value in taken.items()}
        with translated("looking for who records the history"):
            try:
                state = await self._state.find_one_and_update(
                    {"_id": _RECORDER},
                    [{"$set": update}],
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            except DuplicateKeyError:  # another worker's first try at the same moment
                return None
        return _seat(state) if state is not None and state["holder"] == worker_id else None

    async def leave_seat(self, seat: Seat) -> None:
        """Let another worker record at once.

        Raises:
            DatabaseError: it is taken over when this worker has been silent for long enough.
        """
        with translated("handing the history on"):
            await self._state.update_one(
                {"_id": _RECORDER, "number": seat.number}, {"$set": {"holder": None}}
            )

    async def open(self, token: Mapping[str, Any] | None) -> TaskHistoryFeed:
        """Open the stream of changes; see `TaskHistoryFeed.open`."""
        return await TaskHistoryFeed.open(self._mongo, token)

    async def task_ids(self, document_ids: Sequence[Any]) -> dict[str, Any]:
        """The task ids of documents by the `repr` of their `_id`, also of some that are gone.

        Raises:
            DatabaseError: the server failed.
        """
        names: dict[str, Any] = {}
        with translated("looking for task ids"):
            for document in await self._mongo.tasks.find(
                {"_id": {"$in": list(document_ids)}}, {"task_id": 1}
            ).to_list(None):
                names[repr(document["_id"])] = document.get("task_id")
            for document_id in document_ids:
                if repr(document_id) not in names:
                    record = await self._history.find_one(
                        {"document_id": {"$eq": document_id}, "task_id": {"$ne": None}},
                        {"task_id": 1},
                        sort=[("_id", DESCENDING)],
                    )
                    names[repr(document_id)] = record and record["task_id"]
        return names

    async def commit(
        self, seat: Seat, token: Mapping[str, Any] | None, records: Sequence[Document]
    ) -> bool:
        """Write records and the position behind them, all or nothing.

        False when somebody else records now: then nothing is written.

        Raises:
            DatabaseError: unknown whether it was written. Going on at the stored position is safe.
        """
        position = {"token": {"$literal": token}, "shape": SHAPE, "renewed_at": "$$NOW"}
        writes = [_insertion(record) for record in records]

        async def work(session: Any) -> None:
            result = await self._state.update_one(
                {"_id": _RECORDER, "number": seat.number}, [{"$set": position}], session=session
            )
            if not result.matched_count:
                raise _SeatLost
            if writes:
                await self._history.bulk_write(writes, ordered=False, session=session)

        with translated("recording the history"):
            try:
                if writes:
                    await self._mongo.in_transaction(work)
                else:
                    await work(None)
            except _SeatLost:
                return False
        return True


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Whether history is recorded.

    `since` is None where it never was; `silent_s` is how many seconds ago it was the last time.
    """

    since: datetime | None = None
    silent_s: float | None = None


async def recording(mongo: Mongo) -> Recording:
    """Whether and since when history is recorded.

    Raises:
        DatabaseError: the server failed.
    """
    silent_s = {"$divide": [{"$subtract": ["$$NOW", "$renewed_at"]}, 1000]}
    with translated("reading the state of the history"):
        state = await state_of(mongo).find_one(
            {"_id": _RECORDER}, {"_id": 0, "since": 1, "silent_s": silent_s}
        )
    return Recording(**state) if state else Recording()


async def history(mongo: Mongo, task_id: str, *, limit: int) -> list[Document]:
    """The last records of a task and the gaps between them, oldest first.

    Raises:
        DatabaseError: the server failed.
    """
    with translated("reading the history"):
        found = await (
            history_of(mongo)
            .find(
                {"task_id": {"$eq": task_id}},
                {"task_id": 0, "document_id": 0},
                sort=[("_id", DESCENDING)],
                limit=limit,
            )
            .to_list(None)
        )
        if not found:
            return []
        gaps = await (
            history_of(mongo)
            .find(
                {"task_id": None, "kind": "gap", "_id": {"$gt": found[-1]["_id"]}},
                {"task_id": 0},
                sort=[("_id", DESCENDING)],
                limit=limit,
            )
            .to_list(None)
        )
    records = sorted([*found, *gaps], key=lambda record: str(record["_id"]))[-limit:]
    return [{k: v for k, v in record.items() if k != "_id"} for record in records]


def history_of(mongo: Mongo) -> Collection:
    """What happened to tasks, one document each; `_id` is the position, so it is the order."""
    return mongo.database["task_history"]


def state_of(mongo: Mongo) -> Collection:
    """One document: who records, and where he is in the stream."""
    return mongo.database["history_state"]


def _seat(state: Document) -> Seat:
    token: Any = state.get("token")
    lost = ""
    if token is not None and not (
        isinstance(token, Mapping) and isinstance(token.get("_data"), str)
    ):
        token, lost = None, "the stored position cannot be read"
    elif token is not None and state.get("shape") != SHAPE:
        token, lost = None, "the stored position is of another version of HotStream"
    return Seat(number=state["number"], token=token, lost=lost)


def _insertion(record: Document) -> UpdateOne:
    """Insert unless it is there already; a record without a time gets the server's."""
    fields = {name: value for name, value in record.items() if name != "_id"}
    if "at" in fields:
        return UpdateOne({"_id": record["_id"]}, {"$setOnInsert": fields}, upsert=True)
    literal = {name: {"$literal": value} for name, value in fields.items()}
    set_once = {**literal, "at": {"$ifNull": ["$at", "$$NOW"]}}
    return UpdateOne({"_id": record["_id"]}, [{"$set": set_once}], upsert=True)
