"""The register of living workers: one document each, for the order of claims and for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hotstream_reactive.mongo.driver import Collection, Document
from hotstream_reactive.mongo.faults import translated

#: Entries of workers that died are removed after this long, in seconds.
FORGET_AFTER_S = 3600


class Workers:
    """The `workers` collection."""

    def __init__(self, workers: Collection) -> None:
        self._workers = workers

    async def beat(self, worker_id: str, facts: Mapping[str, Any]) -> None:
        """Write this worker's entry with the server's time.

        Raises:
            DatabaseError: it may not be written.
        """
        literal = {name: {"$literal": value} for name, value in facts.items()}
        with translated("writing the worker's entry"):
            await self._workers.update_one(
                {"_id": worker_id},
                [
                    {
                        "$set": {
                            **literal,
                            "heartbeat": "$$NOW",
                            "started_at": {"$ifNull": ["$started_at", "$$NOW"]},
                        }
                    }
                ],
                upsert=True,
            )

    async def living(self, *, silent_s: float) -> dict[str, list[str]]:
        """The workers that were heard of within `silent_s` seconds, each with its platforms.

        Raises:
            DatabaseError: unknown.
        """
        with translated("reading the workers"):
            found = await self._workers.find(
                {"$expr": {"$gt": ["$heartbeat", _ago(silent_s)]}}, {"platforms": 1}
            ).to_list(None)
        return {str(document["_id"]): _names(document.get("platforms")) for document in found}

    async def all(self) -> list[Document]:
        """All entries with `age_s`, the seconds since their last beat, newest first.

        Raises:
            DatabaseError: unknown.
        """
        with translated("reading the workers"):
            return await self._workers.find(
                {}, sort=[("heartbeat", -1)], limit=1000, projection=_WITH_AGE
            ).to_list(None)

    async def leave(self, worker_id: str) -> None:
        """Remove this worker's entry, and those that are long out of date.

        Raises:
            DatabaseError: they may still be there.
        """
        with translated("removing the worker's entry"):
            await self._workers.delete_many(
                {
                    "$or": [
                        {"_id": worker_id},
                        {"$expr": {"$lt": ["$heartbeat", _ago(FORGET_AFTER_S)]}},
                    ]
                }
            )


def _names(platforms: Any) -> list[str]:
    """What an entry, perhaps of another version, says of its platforms."""
    return [str(name) for name in platforms] if isinstance(platforms, list) else []


def _ago(seconds: float) -> Document:
    return {"$subtract": ["$$NOW", int(seconds * 1000)]}


_WITH_AGE: Document = {
    "age_s": {"$divide": [{"$subtract": ["$$NOW", "$heartbeat"]}, 1000]},
    **dict.fromkeys(
        ("host", "pid", "version", "slots", "running", "stream", "platforms", "started_at"), 1
    ),
    # What `explain` judges by.
    **dict.fromkeys(("express_slots", "limits", "draining"), 1),
    **dict.fromkeys(("silent_after_s", "check_interval_s", "priority_check_interval_s"), 1),
    "heartbeat": 1,
    "memory_bytes": 1,
}
