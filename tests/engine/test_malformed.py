"""A document that cannot be understood ends with a reason; the others do not even notice."""

from __future__ import annotations

import contextlib
import math
import random
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Int64, MaxKey, MinKey, ObjectId, Regex, encode
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.raw_bson import RawBSONDocument
from pymongo.errors import DuplicateKeyError
from workshop import Document, Workshop, task

pytestmark = pytest.mark.anyio


def odd(task_id: str, **fields: Any) -> Document:
    """`...` leaves a field out."""
    return {k: v for k, v in task(task_id, **fields).items() if v is not ...}


BAD: dict[str, tuple[Document, list[str]]] = {
    "missing platform": (odd("a", platform=...), ["platform: missing", "a text of 1 to 64"]),
    "unknown platform": (odd("a", platform="labb"), ["platform: 'labb'", "lab", "did you mean"]),
    "limit -5": (odd("a", options={"limit": -5}), ["options.limit: -5", "an integer from 1 to"]),
    "limit as text": (odd("a", options={"limit": "all"}), ["options.limit: 'all'", "an integer"]),
    "priority high": (odd("a", priority="high"), ["priority: 'high'", "an integer from 1 to 10"]),
    "priority as array": (odd("a", priority=[5]), ["priority: [5]", "an integer from 1 to 10"]),
    "keywords as text": (odd("a", keywords="AI"), ["keywords: 'AI'", "an array of texts"]),
    "no keywords": (odd("a", keywords=...), ["keywords: missing", "at least one text"]),
    "a 1 MB name": (odd("a", name="x" * 1_000_000), ["name: ", "1000000 characters", "1 to 500"]),
    "nested operator": (
        odd("a", options={"a": {"b": [{"$where": "sleep(1000)"}]}}),
        ["options.a.b[0].$where", "a field name without '$'"],
    ),
    "unknown storage": (
        odd("a", storage_config={"type": "tape"}),
        ["storage_config.type: 'tape'", "mongodb"],
    ),
    "storage as number": (odd("a", storage_config={"type": 7}), ["storage_config.type: 7"]),
    "status as text": (odd("a", status="pending"), ["status: 'pending'", "an integer from 0 to 4"]),
    "run_at as text": (odd("a", run_at="soon"), ["run_at: 'soon'", "a date"]),
    "timeout 0": (odd("a", timeout=0), ["timeout: 0", "a number from 1"]),
    "unknown type": (odd("a", task_type="crawl"), ["task_type: 'crawl'", "'search' or 'monitor'"]),
    "monitor without accounts": (odd("a", task_type="monitor"), ["accounts: missing"]),
    "bad cron": (odd("a", schedule="every day"), ["schedule: "]),
}


@pytest.mark.parametrize(("document", "parts"), BAD.values(), ids=BAD.keys())
async def test_a_bad_document_ends_with_a_reason_and_delays_nobody(
    lab: Workshop, document: Document, parts: list[str]
) -> None:
    async with lab.worker(check_interval=2.0):
        await lab.insert(document)
        inserted = await lab.insert(*(task(f"good{n}") for n in range(3)))
        for n in range(3):
            await lab.reaches(f"good{n}", 2)
        assert time.monotonic() - inserted < 2
        failed = await lab.reaches("a", 3)
    for part in parts:
        assert part in failed["error_message"]
    assert failed["completed_at"]
    for name in document.keys() - {"_id", "status", "created_at"}:
        assert failed[name] == document[name], "the writer's own fields stay as written"
    assert not lab.starts["a"]


VALUES: list[Any] = [
    None,
    True,
    0,
    1,
    -5,
    2**62,
    Int64(3),
    2.5,
    math.nan,
    math.inf,
    "",
    "high",
    "x" * 10_000,
    "a\x00b",
    "\u202e🔥",
    [],
    [1, 2],
    ["x"],
    [[]],
    {},
    {"$gt": 1},
    {"a.b": {"c": 1}},
    b"\xff\x00",
    ObjectId("6b05b86b8438d1e77995bab3"),
    Decimal128("5"),
    Decimal128("sNaN"),
    Decimal128("1E+6000"),
    DatetimeMS(2**60),
    DatetimeMS(-(2**60)),
    datetime(2020, 1, 1, tzinfo=UTC),
    "0001-01-01T00:00:00+14:00",
    Regex("a"),
    MinKey(),
    MaxKey(),
    ...,
]
FIELDS = [
    *("task_id", "name", "platform", "task_type", "keywords", "accounts", "schedule", "timezone"),
    *("status", "priority", "immediate", "options", "storage_config", "retry_count", "run_at"),
    *("current_retry", "timeout", "created_at", "started_at", "lease_id", "checkpoint"),
    *("run_number", "rescues", "worker_id", "last_heartbeat", "completed_at", "progress"),
    *("result_count", "error_message", "armed_for"),
]


def generated(count: int) -> list[Any]:
    """Documents with one to three odd fields, and some whose bytes are no UTF-8."""
    chance = random.Random(20250530)
    documents: list[Any] = []
    for n in range(count):
        fields = {
            field: chance.choice(VALUES) for field in chance.sample(FIELDS, chance.randint(1, 3))
        }
        document = {k: v for k, v in (task(f"bad{n}") | fields).items() if v is not ...}
        if n % 20 == 7:
            raw = encode({**document, "name": "QQQQ"})
            documents.append(RawBSONDocument(raw.replace(b"QQQQ\x00", b"\xff\xfe\x80\xff\x00", 1)))
        else:
            documents.append(document)
    return documents


@pytest.mark.fault("E1", "odd documents among good ones")
async def test_two_hundred_odd_documents_do_not_hurt_twenty_good_ones(lab: Workshop) -> None:
    bad = generated(200)
    async with lab.worker(
        check_interval=1.0, max_concurrent_tasks=8, heartbeat_interval=1.0, zombie_timeout=5.0
    ) as worker:
        for n in range(20):
            for document in bad[n * 10 : n * 10 + 10]:
                with contextlib.suppress(DuplicateKeyError):  # its writer knows
                    await lab.tasks.insert_one(document)
            await lab.insert(task(f"good{n}"))
        for n in range(20):
            await lab.reaches(f"good{n}", 2)

        async def settled() -> bool:
            waiting = {
                "status": {"$nin": [2, 3, 4]},
                "run_at": {"$not": {"$gt": datetime.now(UTC)}},
            }
            return await lab.tasks.count_documents(waiting) == 0

        await lab.until(settled, 30)
        assert worker.ready.is_set()
    nameless = [
        document
        async for document in lab.tasks.find({"status": 3, "error_message": {"$in": [None, ""]}})
        if "status" not in document
    ]
    assert nameless == []
