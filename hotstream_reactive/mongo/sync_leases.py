"""Renewing leases from a thread, on a synchronous connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pymongo
from pymongo import MongoClient

from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo.driver import CODEC_OPTIONS, Document
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.indexes import BY_ID
from hotstream_reactive.mongo.updates import setting

_RUNNING = int(TaskStatus.RUNNING)


class SyncLeases:
    """The running tasks of one worker, for a thread beside a blocked event loop.

    There is no client before the first renewal, and none after `close`. Use by one thread.

    Args:
        connect: makes a client; nothing is sent before its first use.
    """

    def __init__(self, connect: Callable[[], MongoClient[Document]], database: str) -> None:
        self._connect = connect
        self._database = database
        self._client: MongoClient[Document] | None = None

    def renew(self, leases: Mapping[str, Any], *, timeout_s: float) -> set[str]:
        """Renew the leases given as lease id → document id; gives those that are still ours.

        Raises:
            DatabaseError: unknown whether they were renewed.
        """
        if self._client is None:
            self._client = self._connect()
        tasks = self._client.get_database(self._database, codec_options=CODEC_OPTIONS)["tasks"]
        ours = {
            "_id": {"$in": list(leases.values())},
            "lease_id": {"$in": list(leases)},
            "status": _RUNNING,
        }
        with translated("renewing leases"), pymongo.timeout(timeout_s):
            result = tasks.update_many(ours, setting({"last_heartbeat": "$$NOW"}), hint=BY_ID)
            if result.matched_count == len(leases):
                return set(leases)
            found = tasks.find(ours, {"_id": 0, "lease_id": 1}, hint=BY_ID).to_list()
        return {str(document["lease_id"]) for document in found}

    def close(self) -> None:
        """End the connection; the next renewal makes a new one."""
        if self._client is not None:
            self._client.close()
            self._client = None
