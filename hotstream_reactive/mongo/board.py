"""What the dashboard asks of MongoDB: one small read every few seconds.

Everything is bounded here, on the server: the number of documents, and what of each is sent.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import pymongo

from hotstream_reactive.model.holds import Hold, holds
from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo.board_edits import Edits
from hotstream_reactive.mongo.board_feed import BoardFeed, order_of, small
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.mongo.indexes import QUEUE_ORDER
from hotstream_reactive.mongo.situation import gather

MOST_RUNNING = 500
MOST_WAITING = 60
MOST_DELAYED = 120
_MOST_WORKERS = 100
_MOST_CONTROLS = 100
_MOST_ENDED = 30
_RUNS_LOOKED_AT = 2_000
_MOST_GROUPS = 500
#: More finished runs than this in an hour are not gone through.
MOST_HISTORY = 200_000
HISTORY_S = 3600
_READ_S, _SLOW_READ_S = 5.0, 8.0
_PENDING, _RUNNING, _FAILED = (
    int(status) for status in (TaskStatus.PENDING, TaskStatus.RUNNING, TaskStatus.FAILED)
)
_NAMES = (
    *("task_id", "name", "platform", "task_type", "status", "priority", "immediate"),
    *("progress", "result_count", "run_at", "created_at", "started_at", "completed_at"),
    *("last_heartbeat", "timeout", "worker_id", "current_retry", "retry_count", "run_number"),
    *("schedule", "timezone", "armed_for"),
)
_TASK: Document = {
    **{name: small(f"${name}") for name in _NAMES},
    "error_message": small("$error_message", 300),
    "limit": small("$options.limit"),
    "targets": {"$cond": [{"$isArray": "$accounts"}, {"$size": "$accounts"}, "$$REMOVE"]},
}
_RUN: Document = {
    name: small(f"${name}", 300)
    for name in (
        *("task_id", "platform", "worker_id", "outcome", "error", "result_count"),
        *("finished_at", "retry_in_s"),
    )
}
_WORKER: Document = dict.fromkeys(
    (
        *("host", "pid", "version", "slots", "express_slots", "running", "stream", "platforms"),
        *("limits", "draining", "silent_after_s", "started_at", "heartbeat"),
        *("check_interval_s", "priority_check_interval_s", "memory_bytes"),
    ),
    1,
)
_CONTROL: Document = {
    name: small(f"${name}", 300)
    for name in ("paused", "reason", "max_running", "requests_per_minute")
}


class Topology(msgspec.Struct, frozen=True, kw_only=True):
    """The servers as this client sees them; `seen` of `members` answer."""

    replica_set: str | None = None
    primary: str | None = None
    seen: int = 1
    members: int = 1
    sharded: bool = False


class BoardRead(msgspec.Struct, frozen=True, kw_only=True):
    """One read; `now` in seconds since 1970 by the server's clock, when this machine's monotonic
    clock showed `asked_at`; `ahead_s` is how far the server's clock is ahead of this machine's.

    Events with an `order` above this one's may not be in it. `parts` are documents by what they
    are: running, ready, delayed, failed, workers, controls, runs, ended.
    """

    now: float
    asked_at: float
    ahead_s: float
    order: int
    topology: Topology
    parts: dict[str, list[Document]]


class Board:
    """The database as the dashboard sees it."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        #: What its keys write.
        self.edits = Edits(mongo)

    async def open_feed(self, *, after: Any = None, fresh_client: bool = False) -> BoardFeed:
        """Open the change stream; see `BoardFeed.open`."""
        return await BoardFeed.open(self._mongo, after=after, fresh_client=fresh_client)

    async def read(self, *, full: bool) -> BoardRead:
        """What is going on, in one aggregation; `full` also brings what has ended lately.

        Raises:
            DatabaseError: unknown.
        """
        with translated("reading for the dashboard"), pymongo.timeout(_READ_S):
            asked_at, asked = time.monotonic(), time.time()
            hello = await self._mongo.database.command("hello")
            half_s = (time.monotonic() - asked_at) / 2
            found = await self._mongo.driver.aggregate(self._mongo.tasks, _pipeline(full=full))
        parts: dict[str, list[Document]] = {}
        for document in found:
            parts.setdefault(document.pop("part"), []).append(document)
        moment: datetime = hello["localTime"]
        now = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        operation = hello.get("operationTime")
        return BoardRead(
            now=now,
            asked_at=asked_at + half_s,
            ahead_s=now - asked - half_s,
            order=order_of(operation) if operation is not None else 0,
            topology=self._topology(hello),
            parts=parts,
        )

    async def totals(self) -> list[Document]:
        """Pending tasks by platform and whether they are due: `number`, and `since` when.

        Raises:
            DatabaseError: unknown, or there are too many to count in a few seconds.
        """
        run_at, created_at = _date("run_at"), _date("created_at")
        pipeline: list[Document] = [
            {"$match": {"status": _PENDING}},
            {
                "$group": {
                    "_id": {"platform": small("$platform"), "later": {"$gt": [run_at, "$$NOW"]}},
                    "number": {"$sum": 1},
                    "since": {"$min": {"$max": [created_at, run_at]}},
                }
            },
            {"$sort": {"number": -1}},
            {"$limit": _MOST_GROUPS},
        ]
        found = await self._slow(self._mongo.tasks, pipeline, "counting waiting tasks")
        return [{**row.pop("_id"), **row} for row in found]

    async def history(self) -> list[Document]:
        """Finished runs of the last hour by minute, platform and outcome, newest `MOST_HISTORY`.

        `latest` marks those of the last 60 seconds.

        Raises:
            DatabaseError: unknown, or there are too many to count in a few seconds.
        """
        passed_ms = {"$subtract": ["$$NOW", "$finished_at"]}
        key = {
            "minute": {"$floor": {"$divide": [{"$toLong": "$finished_at"}, 60_000]}},
            "latest": {"$lt": [passed_ms, 60_000]},
            "outcome": small("$outcome"),
            "platform": small("$platform"),
        }
        ago = {"$subtract": ["$$NOW", HISTORY_S * 1000]}
        pipeline: list[Document] = [
            {"$match": {"$expr": {"$gt": ["$finished_at", ago]}}},
            {"$sort": {"finished_at": -1}},
            {"$limit": MOST_HISTORY},
            {"$match": {"finished_at": {"$type": "date"}}},
            {
                "$group": {
                    "_id": key,
                    "number": {"$sum": 1},
                    "items": {"$sum": "$result_count"},
                    "blocked": {"$sum": {"$cond": [_is_block("$error"), 1, 0]}},
                }
            },
            {"$limit": 50 * _MOST_GROUPS},
        ]
        found = await self._slow(self._mongo.runs, pipeline, "reading the history")
        return [{**row.pop("_id"), **row} for row in found]

    async def tasks(self, keys: Sequence[Any]) -> list[Document]:
        """The tasks with these `_id`s.

        Raises:
            DatabaseError: unknown.
        """
        with translated("reading tasks for the dashboard"), pymongo.timeout(_READ_S):
            return await self._mongo.driver.aggregate(
                self._mongo.tasks, [{"$match": {"_id": {"$in": list(keys)}}}, {"$project": _TASK}]
            )

    async def explain(self, task_id: str, *, zombie_timeout_s: float) -> list[Hold]:
        """What keeps the task from starting; see `model.holds`.

        Raises:
            NotFound: there is no such task.
            DatabaseError: unknown.
        """
        with pymongo.timeout(_READ_S):
            document, situation = await gather(
                self._mongo, task_id, zombie_timeout_s=zombie_timeout_s
            )
        return holds(document, situation)

    async def _slow(self, collection: Any, pipeline: list[Document], doing: str) -> list[Document]:
        with translated(doing), pymongo.timeout(_SLOW_READ_S):
            return await self._mongo.driver.aggregate(collection, pipeline)

    def _topology(self, hello: Document) -> Topology:
        members = len(hello.get("hosts", [])) + len(hello.get("passives", []))
        client = cast("Any", self._mongo.database).client
        servers = client.topology_description.server_descriptions().values()
        seen = sum(server.is_server_type_known for server in servers)
        return Topology(
            replica_set=hello.get("setName"),
            primary=hello.get("primary"),
            seen=min(seen, members) if members else 1,
            members=members or 1,
            sharded=hello.get("msg") == "isdbgrid",
        )


def _pipeline(*, full: bool) -> list[Document]:
    """All parts in one aggregation, each found by an index."""
    head = _part("running", {"status": _RUNNING}, {"last_heartbeat": 1}, MOST_RUNNING, _TASK)
    queue_order = dict(QUEUE_ORDER)
    ready = {"status": _PENDING, "run_at": None}
    delayed = {"status": _PENDING, "run_at": {"$exists": True, "$type": "date"}}
    unions = [
        ("tasks", _part("ready", ready, queue_order, MOST_WAITING, _TASK)),
        ("tasks", _part("delayed", delayed, {"run_at": 1}, MOST_DELAYED, _TASK)),
        ("workers", _part("workers", {}, {"heartbeat": -1}, _MOST_WORKERS, _WORKER)),
        ("controls", _part("controls", {}, {"_id": 1}, _MOST_CONTROLS, _CONTROL)),
    ]
    if full:
        # Sorted by the status they all share, the index is walked from the latest inserted.
        backwards = {"status": -1}
        done = {"status": int(TaskStatus.COMPLETED)}
        unions += [
            ("tasks", _part("failed", {"status": _FAILED}, backwards, _MOST_ENDED, _TASK)),
            ("tasks", _part("ended", done, backwards, _MOST_GROUPS, _TASK)),
            ("task_runs", _runs("runs", {})),
            ("task_runs", _runs("bad_runs", {"outcome": {"$nin": ["completed", "cancelled"]}})),
        ]
    return [*head, *({"$unionWith": {"coll": c, "pipeline": p}} for c, p in unions)]


def _part(
    name: str, match: Document, sort: Document, limit: int, fields: Document
) -> list[Document]:
    shape: list[Document] = [{"$project": fields}, {"$set": {"part": name}}]
    return [{"$match": match}, {"$sort": sort}, {"$limit": limit}, *shape]


def _runs(name: str, match: Document) -> list[Document]:
    latest: list[Document] = [{"$sort": {"finished_at": -1}}, {"$limit": _RUNS_LOOKED_AT}]
    shape: list[Document] = [{"$project": _RUN}, {"$set": {"part": name}}]
    return [*latest, {"$match": match}, {"$limit": _MOST_ENDED}, *shape]


def _date(field: str) -> Document:
    """The field where it is a date, else null."""
    return {"$cond": [{"$eq": [{"$type": f"${field}"}, "date"]}, f"${field}", None]}


def _is_block(path: str) -> Document:
    """Whether an error's first word tells that the site refused the client."""
    text = {"$cond": [{"$eq": [{"$type": path}, "string"]}, path, ""]}
    return {"$regexMatch": {"input": text, "regex": "^[a-z_]*(block|rate_limit|challenge)"}}
