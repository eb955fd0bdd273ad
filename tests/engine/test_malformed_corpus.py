"""Hundreds of malformed documents among good ones: each is readable soon, and none blocks."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import encode
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument
from pymongo.errors import DuplicateKeyError
from test_malformed import FIELDS, VALUES, odd
from workshop import Document, Workshop, task

from hotstream_reactive.model.task import examine

pytestmark = pytest.mark.anyio

READABLE_WITHIN_S = 30.0
GOOD = 60
#: An insert of so many bytes leaves no room for the fields of a claim, and none for a message.
LARGEST = 16 * 2**20


def field_by_field() -> list[Any]:
    """Every field of the contract with every kind of odd value."""
    return [
        odd(**{"task_id": f"odd-{field}-{place}", field: value})
        for field in FIELDS
        for place, value in enumerate(VALUES)
    ]


def several_at_once(count: int) -> list[Any]:
    """Two or three fields with odd values in one document."""
    chance = random.Random(20250530)
    found = []
    for n in range(count):
        fields = chance.sample(FIELDS, chance.choice([2, 3]))
        values = {field: chance.choice(VALUES) for field in fields}
        found.append(odd(**{"task_id": f"several-{n}"} | values))
    return found


def broken_bytes() -> list[Any]:
    """Documents that a driver refuses to decode when it is not told otherwise."""
    found = []
    for place, (field, text) in enumerate(
        (field, text)
        for field in ("name", "platform", "task_type", "error_message")
        for text in (b"\xff\xfe\x80", b"\xc3", b"\xed\xa0\x80")
    ):
        raw = encode({**task(f"bytes-{place}"), field: "Q" * len(text)})
        found.append(RawBSONDocument(raw.replace(b"Q" * len(text) + b"\x00", text + b"\x00", 1)))
    return found


def huge() -> list[Any]:
    """Large, larger, and so large that not one byte can be added."""
    full = {"_id": "full", **task("huge-full", priority=1), "blob": ""}
    return [
        odd("huge-300kB", blob="x" * 300_000),
        odd("huge-15MB", blob="x" * 15_000_000, immediate=True),
        odd("huge-no-status", blob="x" * 300_000, status=...),
        {**full, "blob": "x" * (LARGEST - len(encode(full)))},
    ]


def others() -> list[Any]:
    return [
        odd("array-0", status=[0], immediate=True, priority=1),
        odd("array-01", status=[0, 1]),
        odd("array-empty", status=[]),
        odd("nested", status={"$eq": 0}),
        odd("nothing-but-an-id", platform=..., keywords=..., status=..., priority=...),
        {},
        {"task_id": "alone"},
        odd("deep", options={"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": {}}}}}}}}}}),
        odd("wide", options={f"n{n}": n for n in range(1200)}),
    ]


@pytest.mark.fault("E1", "500 and more odd documents among good ones")
async def test_five_hundred_and_more_among_good_ones(lab: Workshop) -> None:
    corpus = [*field_by_field(), *several_at_once(200), *broken_bytes(), *huge(), *others()]
    assert len(corpus) > 500
    written: list[float] = []
    async with lab.worker(
        check_interval=2.0, max_concurrent_tasks=8, heartbeat_interval=1.0, zombie_timeout=5.0
    ) as worker:
        good_waits: list[float] = []
        share = len(corpus) // GOOD + 1
        for n in range(GOOD):
            for document in corpus[n * share : (n + 1) * share]:
                try:
                    # The server's complaint of a duplicate shows its value, however odd.
                    await readable(lab).insert_one(document)
                except DuplicateKeyError:  # its writer knows
                    continue
                written.append(time.monotonic())
            inserted = await lab.insert(task(f"good{n}", priority=2))
            good_waits.append(await lab.started(f"good{n}") - inserted)

        async def unsettled() -> list[Document]:
            """What neither ended nor has to wait for its time."""
            later = {"run_at": {"$gt": datetime.now(UTC) + timedelta(hours=1)}}
            return (
                await readable(lab)
                .find(
                    {"$or": [{"status": {"$nin": [2, 3, 4]}}, {"status": {"$type": "array"}}]}
                    | {"$nor": [later]},
                    {"task_id": 1, "status": 1, "run_at": 1},
                )
                .to_list(None)
            )

        async def settled() -> bool:
            return not await unsettled()

        await lab.until(settled, READABLE_WITHIN_S)
        settled_after_s = time.monotonic() - written[-1]
        for n in range(GOOD):
            assert (await lab.reaches(f"good{n}", 2))["result_count"] == 3
        assert worker.ready.is_set()
        assert not lab.told("intake_failed")
        assert not lab.told("claim_failed")
    assert settled_after_s < READABLE_WITHIN_S
    assert sorted(good_waits)[len(good_waits) // 2] < 2, "the good ones hardly notice"
    await every_ending_is_right(lab, len(written) + GOOD)


def readable(lab: Workshop) -> Any:
    """The tasks, read as leniently as an external program would have to."""
    return lab.tasks.with_options(
        CodecOptions(
            tz_aware=True,
            unicode_decode_error_handler="replace",
            datetime_conversion=DatetimeConversion.DATETIME_AUTO,
        )
    )


async def every_ending_is_right(lab: Workshop, number: int) -> None:
    """Nothing is lost; what is wrong says so field by field; the rest ran."""
    ended = await readable(lab).find({}, {"blob": 0}).to_list(None)
    assert len(ended) == number
    for document in ended:
        name = document.get("task_id")
        status, message = document.get("status"), document.get("error_message")
        if name == "huge-full":
            assert status == 3
            continue
        if str(name).startswith("huge"):
            assert status == 3
            assert "expected at most 262,144" in message, name
            continue
        if status != 3 or not str(message).startswith("invalid task"):
            continue
        assert document["completed_at"], name
        _, problems = examine({**document, "status": 0, "lease_id": None, "started_at": None})
        for problem in problems:
            assert problem.partition(":")[0] in message, name
    refused = sum(str(d.get("error_message")).startswith("invalid task") for d in ended)
    assert refused > 400
