"""`max_running`: how many tasks of a platform run at once in the whole fleet.

Live leases are the truth. What one document per platform adds is an order of admission: two workers
that claim at the same moment cannot tell from the leases alone who came first, because a claim gets
its time when it begins and is seen by others when it ends. So the leases that may run are listed in
`running_limits`, and the list is changed by one atomic write only. It cannot leak: a lease id is
never used twice, so what is listed and no longer live is over, and leaves with the next write.
"""

from __future__ import annotations

from collections.abc import Collection as AnyCollection
from collections.abc import Sequence
from typing import Any

from pymongo import ReturnDocument

from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo.claims import count_of
from hotstream_reactive.mongo.driver import Collection, Document, Driver
from hotstream_reactive.mongo.faults import translated

RUNNING = int(TaskStatus.RUNNING)
_BY_RANK = [("started_at", 1), ("lease_id", 1)]


class RunningLimits:
    """Counts, admits and hands back leases of platforms with a limit."""

    def __init__(self, tasks: Collection, limits: Collection, driver: Driver) -> None:
        self._tasks = tasks
        self._limits = limits
        self._driver = driver

    async def running(self, platforms: AnyCollection[str]) -> dict[str, int]:
        """Live leases by platform; those without one are left out.

        Raises:
            DatabaseError: unknown.
        """
        with translated("counting running tasks"):
            found = await self._driver.aggregate(
                self._tasks,
                [
                    {"$match": {"status": RUNNING, "platform": {"$in": list(platforms)}}},
                    {"$group": {"_id": "$platform", "number": {"$sum": 1}}},
                ],
            )
        return {row["_id"]: row["number"] for row in found}

    async def admit(self, platform: str, limit: int) -> set[str]:
        """The lease ids that may run, at most `limit` as far as they did not run before it was set.

        Live leases are admitted in the order of their rank (`started_at`, then `lease_id`), also
        those of other workers: whoever asks first decides for all, the others read the same.

        Raises:
            DatabaseError: unknown who was admitted; asking again is safe.
        """
        with translated("admitting claimed tasks"):
            # In this order: what was listed before and is not live afterwards is over for good.
            before = await self._limits.find_one({"_id": platform}, {"leases": 1})
            found = await self._tasks.find(
                {"status": RUNNING, "platform": {"$eq": platform}}, {"lease_id": 1}, sort=_BY_RANK
            ).to_list(None)
            live = [document.get("lease_id") for document in found]
            listed = (before or {}).get("leases")
            over = [one for one in listed if one not in live] if isinstance(listed, list) else []
            after = await self._limits.find_one_and_update(
                {"_id": platform},
                _admission(live=live, over=over, limit=limit),
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return {str(lease) for lease in (after or {}).get("leases", [])}

    async def hand_back(self, claimed: Sequence[Document]) -> None:
        """Put tasks back to pending that were claimed just now, as if they never had been.

        Raises:
            DatabaseError: those not handed back are rescued when their lease has run out.
        """
        with translated("handing claimed tasks back"):
            await self._tasks.update_many(
                {
                    "_id": {"$in": [document["_id"] for document in claimed]},
                    "lease_id": {"$in": [document["lease_id"] for document in claimed]},
                    "status": RUNNING,
                },
                [
                    {
                        "$set": {
                            "status": int(TaskStatus.PENDING),
                            "run_number": {"$subtract": [count_of("run_number"), 1]},
                            "updated_at": "$$NOW",
                        }
                    }
                ],
            )


def _admission(*, live: list[Any], over: list[Any], limit: int) -> list[Document]:
    """Take out what is over, then admit from `live` in its order while there are places."""
    return [
        {"$set": {"leases": {"$cond": [{"$isArray": "$leases"}, "$leases", []]}}},
        {"$set": {"leases": _without("$leases", {"$literal": over})}},
        {
            "$set": {
                "leases": {
                    "$concatArrays": [
                        "$leases",
                        {
                            "$slice": [
                                _without({"$literal": live}, "$leases"),
                                {"$max": [0, {"$subtract": [limit, {"$size": "$leases"}]}]},
                            ]
                        },
                    ]
                }
            }
        },
    ]


def _without(array: Any, others: Any) -> Document:
    return {"$filter": {"input": array, "cond": {"$not": {"$in": ["$$this", others]}}}}
