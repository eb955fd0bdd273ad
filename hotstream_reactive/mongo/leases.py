"""Leases: renewing, finishing and taking back the tasks that are running.

Every write carries the lease id of its run, so a late owner can change nothing. The lease id stays
in the document after the run: that is how a write whose reply was lost is recognised as done.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, assert_never

import pymongo
from pymongo import ReturnDocument, UpdateMany, UpdateOne
from pymongo.errors import PyMongoError

from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.model.outcome import Cancelled, Completed, Failed, LeaseLost, Outcome, Retry
from hotstream_reactive.model.run import FinishedRun, Progress, Rescued
from hotstream_reactive.model.task import Task, TaskStatus
from hotstream_reactive.mongo.claims import count_of
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Collection, Document
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.indexes import BY_ID
from hotstream_reactive.mongo.updates import literal, setting

RUNNING = int(TaskStatus.RUNNING)
_RESCUE_BATCH = 500
_RESCUE_PASS_S = 10.0
_TAKE_BACK_S = 2.0
#: From so many documents on a transaction saves more than its second statement costs.
_MANY = 32
_TOGETHER_S = 10.0
_BEAT = {"last_heartbeat": "$$NOW", "updated_at": "$$NOW"}


class Leases:
    """The running tasks of the fleet, as one worker may touch them.

    Args:
        end_transactions: ends what workers of these ids left open on the server.
    """

    def __init__(
        self,
        tasks: Collection,
        *,
        end_transactions: Callable[[AbstractSet[str]], Awaitable[None]],
    ) -> None:
        self._tasks = tasks
        self._end_transactions = end_transactions

    async def renew(self, leases: Mapping[str, Any]) -> dict[str, int | None]:
        """Renew the leases given as lease id → document id, in one statement.

        Returns the leases that are no longer ours, with the status the task has now (None: the
        document is gone, or has another owner).

        Raises:
            DatabaseError: unknown whether they were renewed.
        """
        ours = {"_id": {"$in": list(leases.values())}, "lease_id": {"$in": list(leases)}}
        with translated("renewing leases"):
            result = await self._tasks.update_many(
                {**ours, "status": RUNNING}, setting({"last_heartbeat": "$$NOW"}), hint=BY_ID
            )
            if result.matched_count == len(leases):
                return {}
            left = self._tasks.find(ours, {"lease_id": 1, "status": 1}, hint=BY_ID)
            found = await left.to_list(None)
        status = {document["lease_id"]: document["status"] for document in found}
        return {lease: status.get(lease) for lease in leases if status.get(lease) != RUNNING}

    async def report(self, reports: Iterable[Progress]) -> None:
        """Write progress, item counts and checkpoints of running tasks; each is a heartbeat too.

        Raises:
            DatabaseError: some may not be written; the next report carries the same facts.
        """
        writes = [
            UpdateOne(
                {"_id": report.document_id, "lease_id": report.lease_id, "status": RUNNING},
                setting(literal(report.fields()) | _BEAT),
            )
            for report in reports
        ]
        if writes:
            with translated("writing progress"):
                await self._tasks.bulk_write(writes, ordered=False)

    async def finish(self, runs: Sequence[FinishedRun]) -> set[str]:
        """Write the outcomes of runs, those with equal values in one statement.

        Returns the lease ids whose task was no longer ours, so that nothing was written.

        Raises:
            DatabaseError: unknown for some; calling again with the same runs is safe.
        """
        groups: dict[tuple[int, Hashable], list[FinishedRun]] = {}
        for run in runs:
            if not isinstance(run.outcome, LeaseLost):
                groups.setdefault((_expected_status(run.outcome), _values_of(run)), []).append(run)
        if not groups:
            return set()
        writes = [
            UpdateMany(
                {
                    "_id": {"$in": [run.task.document_id for run in group]},
                    "lease_id": {"$in": [run.lease_id for run in group]},
                    "status": status,
                },
                setting(_final_fields(group[0])),
                hint=BY_ID,
            )
            for (status, _), group in groups.items()
        ]
        wanted = [run for group in groups.values() for run in group]
        with translated("completing tasks"):
            result = await self._tasks.bulk_write(writes, ordered=False)
            if result.matched_count == len(wanted):
                return set()
            found = await self._tasks.find(
                {
                    "_id": {"$in": [run.task.document_id for run in wanted]},
                    "lease_id": {"$in": [run.lease_id for run in wanted]},
                    "status": {"$ne": RUNNING},
                },
                {"lease_id": 1, "completed_at": 1},
                hint=BY_ID,
            ).to_list(None)
        left = {document["lease_id"] for document in found}
        # Put back to pending by hand, a task is not ended by the run it was taken from.
        ended = {document["lease_id"] for document in found if document.get("completed_at")}
        # A deleted document leaves nothing to write to: that is how its run was cancelled.
        binding = [run for run in wanted if not isinstance(run.outcome, Cancelled)]
        return {
            run.lease_id
            for run in binding
            if run.lease_id not in (left if isinstance(run.outcome, Retry) else ended)
        }

    async def rescue(self, *, zombie_timeout_s: float, max_rescues: int) -> list[Rescued]:
        """Take back the tasks whose lease has run out, by the server's clock.

        A task rescued `max_rescues` times ends as failed: it seems to kill its workers.

        Raises:
            DatabaseError: those not yet taken back are found by the next call.
        """
        age = {"$subtract": ["$$NOW", int(zombie_timeout_s * 1000)]}
        rescued: list[Rescued] = []
        with translated("rescuing tasks"):
            expired = await self._tasks.find(
                {"status": RUNNING, "$expr": {"$lt": ["$last_heartbeat", age]}},
                {"lease_id": 1, "last_heartbeat": 1, "worker_id": 1},
                limit=_RESCUE_BATCH,
            ).to_list(None)
            if expired:
                await self._end_transactions({str(stale.get("worker_id")) for stale in expired})
            # Not always the same ones first: see below.
            random.shuffle(expired)
            failure: PyMongoError | None = None
            until = time.monotonic() + _RESCUE_PASS_S
            for stale in expired:
                try:
                    with pymongo.timeout(_TAKE_BACK_S):
                        after = await self._take_back(stale, max_rescues)
                except PyMongoError as error:
                    # Where the transaction of a dead worker could not be ended, its document stays
                    # locked for up to a minute: it must not hold up the others.
                    failure = error
                    if not error.timeout or time.monotonic() > until:
                        break
                    continue
                if after is not None:
                    rescued.append(_rescued(stale, after))
            if failure is not None and not rescued:
                raise failure
        return rescued

    async def _take_back(self, stale: Document, max_rescues: int) -> Document | None:
        """Free one task, unless its lease was renewed or taken since it was read."""
        worker = str(stale.get("worker_id") or "unknown")
        rescues = {"$add": [count_of("rescues"), 1]}
        poison = {"$gte": [rescues, max_rescues]}
        silent = f"rescued: worker {worker} sent no heartbeat in time"
        fatal = (
            f"poison: {max_rescues} workers died or stalled while running this task, the last was "
            f"{worker}; set status to 0 to try again"
        )
        freed = {
            "status": {"$cond": [poison, int(TaskStatus.FAILED), int(TaskStatus.PENDING)]},
            "rescues": rescues,
            "updated_at": "$$NOW",
            "completed_at": {"$cond": [poison, "$$NOW", None]},
            "run_at": None,
            "error_message": {"$cond": [poison, {"$literal": fatal}, {"$literal": silent}]},
        }
        return await self._tasks.find_one_and_update(
            {
                "_id": stale["_id"],
                "status": RUNNING,
                "lease_id": {"$eq": stale.get("lease_id")},
                "last_heartbeat": {"$eq": stale.get("last_heartbeat")},
            },
            [{"$set": freed}],
            projection={"task_id": 1, "status": 1, "run_number": 1, "started_at": 1},
            return_document=ReturnDocument.AFTER,
        )


def _rescued(stale: Document, after: Document) -> Rescued:
    return Rescued(
        document_id=stale["_id"],
        task_id=str(after.get("task_id", "")),
        lease_id=str(stale.get("lease_id") or ""),
        worker_id=str(stale.get("worker_id") or ""),
        run_number=after.get("run_number", 0),
        claimed_at=after.get("started_at"),
        poison=after["status"] == TaskStatus.FAILED,
    )


class Runs:
    """The history: one document per finished run."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._runs = mongo.runs

    async def record(self, documents: Sequence[Document]) -> None:
        """Keep the documents, whose `_id` is the lease id, so that keeping one twice keeps one.

        Raises:
            DatabaseError: some may not be kept.
        """
        if not documents:
            return
        with translated("recording runs"):
            try:
                await self._insert(documents)
            except PyMongoError:
                # Some may be there already, or all: the reply was lost.
                await self._runs.bulk_write(
                    [
                        UpdateOne({"_id": document["_id"]}, {"$setOnInsert": document}, upsert=True)
                        for document in documents
                    ],
                    ordered=False,
                )

    async def _insert(self, documents: Sequence[Document]) -> None:
        async def insert(session: Any) -> None:
            await self._runs.insert_many(documents, ordered=False, session=session)

        if self._mongo.transactional and len(documents) >= _MANY:
            # Together they are one entry of the server's log, which every stream looks through.
            with pymongo.timeout(_TOGETHER_S):
                await self._mongo.in_transaction(insert)
        else:
            await insert(None)


def _values_of(run: FinishedRun) -> Hashable:
    """Equal for runs whose documents get equal values."""
    arming = run.rearm_at and run.task.arming
    if isinstance(run.outcome, Completed):
        return run.outcome.result_count, run.rearm_at, arming
    # `repr`, as a checkpoint may hold any type of the database.
    return repr([run.outcome, run.progress, run.checkpoint, run.rearm_at, arming])


def _expected_status(outcome: Outcome) -> int:
    return int(TaskStatus.CANCELLED if isinstance(outcome, Cancelled) else TaskStatus.RUNNING)


def _final_fields(run: FinishedRun) -> Document:
    """What the task document holds after this outcome."""
    ended: Document
    values: Document
    match run.outcome:
        case Completed(result_count=count):
            ended = {"completed_at": "$$NOW", "error_message": None, "rescues": 0}
            ended["checkpoint"] = {"$literal": {}}
            values = {"status": int(TaskStatus.COMPLETED), "progress": 1.0, "result_count": count}
        case Failed(error=error, result_count=count):
            ended = {"completed_at": "$$NOW"}
            values = {
                "status": int(TaskStatus.FAILED),
                "error_message": error,
                "result_count": count,
                "progress": run.progress,
            }
        case Cancelled(result_count=count):
            ended = {"completed_at": "$$NOW"}
            values = {"result_count": count, "progress": run.progress}
        case Retry(reason=reason, after_s=after_s, counts=counts, result_count=count):
            due = {"$add": ["$$NOW", int(after_s * 1000)]} if after_s > 0 else None
            retries = {"$add": [count_of("current_retry"), 1 if counts else 0]}
            ended = {"completed_at": None, "run_at": due, "current_retry": retries}
            values = {
                "status": int(TaskStatus.PENDING),
                "error_message": reason,
                "result_count": count,
                "progress": run.progress,
                "checkpoint": run.checkpoint,
            }
        case LeaseLost():
            raise DatabaseError("a lost lease writes nothing")
        case never:
            assert_never(never)
    final = {**_BEAT, **literal(values), **ended}
    if run.rearm_at is not None and isinstance(run.outcome, Completed | Failed):
        final |= _rearmed(run.rearm_at, run.task, over=final["status"])
    return final


def _rearmed(due: datetime, task: Task, *, over: Any) -> Document:
    """Back to pending until the next time, unless the schedule was taken away during the run.

    If it was edited, `armed_for` tells intake so, and the time is computed anew.
    """
    still_scheduled = {
        "$and": [{"$eq": [{"$type": "$schedule"}, "string"]}, {"$ne": ["$schedule", ""]}]
    }
    return {
        "status": {"$cond": [still_scheduled, int(TaskStatus.PENDING), over]},
        "run_at": {"$cond": [still_scheduled, due, None]},
        "armed_for": {"$literal": task.arming},
    }
