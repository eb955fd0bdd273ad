"""Items: stored so that saving one twice leaves one, and that a late owner can store none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import bson
import msgspec
import pymongo
from pymongo import DESCENDING, UpdateOne

from hotstream_reactive.errors import LeaseLost
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.updates import setting

#: The server's limit is 16 MiB for a document, of which the update needs some for itself.
LARGEST_ITEM_BYTES = 15 * 1024 * 1024
#: A transaction must fit in the cache of the server with room to spare.
LARGEST_PORTION_BYTES = 8 * 1024 * 1024
_QUERY_S = 2.0


class ItemStore:
    """The `data_items` collection."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def save(
        self, items: Sequence[DataItem], *, task_id: str, lease: tuple[Any, str] | None
    ) -> None:
        """Store a batch, in portions that are all or nothing where the server has transactions.

        `lease` is (document id, lease id) of the run that stores. The items and the proof that the
        lease still stands go in one transaction, so that a worker that lost its task adds nothing.

        Raises:
            LeaseLost: the task has another owner, or none.
            DatabaseError: some may not be stored; storing again is safe.
        """
        with translated("storing items"):
            for writes in _portions(items, task_id):

                async def work(session: Any, writes: list[UpdateOne] = writes) -> None:
                    await self._mongo.items.bulk_write(writes, ordered=False, session=session)
                    if lease is not None:
                        # Last, so that the task is locked only for a moment.
                        await self._check(lease, session)

                if self._mongo.transactional and lease is not None:
                    await self._mongo.in_transaction(work)
                else:
                    if lease is not None:
                        await self._check(lease, None)
                    await work(None)

    async def known(self, ids: Sequence[str], *, task_id: str) -> set[str]:
        """Which of these item ids the task has stored.

        Raises:
            DatabaseError: unknown.
        """
        with translated("looking for known items"):
            found = await self._mongo.items.find(
                {"id": {"$in": list(ids)}, "task_ids": task_id}, {"id": 1}
            ).to_list(None)
        return {document["id"] for document in found}

    async def find(self, filters: Mapping[str, Any], *, limit: int) -> list[Document]:
        """Items whose fields equal the filters, newest first.

        `task_id` also finds items that another task brought home later.

        Raises:
            DatabaseError: the server failed or took too long.
        """
        return await self._find(_equal(filters), limit)

    async def search(self, words: str, filters: Mapping[str, Any], *, limit: int) -> list[Document]:
        """As `find`, and the content holds the words as they stand, in any case."""
        query = _equal(filters)
        query["content"] = {"$regex": re.escape(words), "$options": "i"}
        return await self._find(query, limit)

    async def _find(self, query: Document, limit: int) -> list[Document]:
        with translated("reading items"), pymongo.timeout(_QUERY_S):
            return await self._mongo.items.find(
                query, {"_id": 0}, sort=[("_id", DESCENDING)], limit=limit
            ).to_list(None)

    async def _check(self, lease: tuple[Any, str], session: Any) -> None:
        document_id, lease_id = lease
        result = await self._mongo.tasks.update_one(
            {"_id": document_id, "lease_id": lease_id, "status": int(TaskStatus.RUNNING)},
            setting({"last_heartbeat": "$$NOW"}),
            session=session,
        )
        if not result.matched_count:
            raise LeaseLost("items were not stored: this worker no longer owns the task")


def _portions(items: Sequence[DataItem], task_id: str) -> Iterator[list[UpdateOne]]:
    """The writes, in lists small enough for a transaction on a server with little memory."""
    portion: list[UpdateOne] = []
    size = 0
    for item in items:
        write, bytes_more = _upsert(item, task_id)
        if portion and size + bytes_more > LARGEST_PORTION_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(write)
        size += bytes_more
    if portion:
        yield portion


def _equal(filters: Mapping[str, Any]) -> Document:
    """A filter in which whatever comes from outside stays a value."""
    return {
        "task_ids" if name == "task_id" else name: {"$eq": value} for name, value in filters.items()
    }


def _upsert(item: DataItem, task_id: str) -> tuple[UpdateOne, int]:
    """The write of one item and its size in bytes; what no document can hold is left out."""
    fields = msgspec.structs.asdict(item)
    if item.title is None:
        del fields["title"]
    size = len(bson.encode(fields))
    for name in ("raw_data", "metadata", "content"):
        if size <= LARGEST_ITEM_BYTES:
            break
        left_out = "larger than a document may be"
        fields[name] = left_out if name == "content" else {"left_out": left_out}
        size = len(bson.encode(fields))
    write = UpdateOne(
        {"platform": fields.pop("platform"), "id": fields.pop("id")},
        {
            "$set": {**fields, "task_id": task_id},
            "$addToSet": {"task_ids": task_id},
            "$currentDate": {"saved_at": True},
        },
        upsert=True,
    )
    return write, size
