"""What is recorded of tasks: edits by outside programs, the engine's own deeds, and gaps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import bson
import pytest
from bson.raw_bson import RawBSONDocument
from history_lab import Lab, kinds, task, way

from hotstream_reactive.engine import recorder
from hotstream_reactive.model.outcome import Completed, Failed, Retry
from hotstream_reactive.model.run import FinishedRun, Progress
from hotstream_reactive.model.task import admit
from hotstream_reactive.mongo.history import HistoryKeeper
from hotstream_reactive.mongo.stores import MongoStores

pytestmark = pytest.mark.anyio
BOTH_DRIVERS = pytest.mark.parametrize("driver", ["motor", "pymongo"])
LATER = datetime(2040, 1, 1, tzinfo=UTC)


@BOTH_DRIVERS
async def test_edits_by_an_outside_program_are_recorded_with_from_and_to(lab: Lab) -> None:
    async with lab.recording():
        edit = lab.tasks.update_one
        lab.tasks.insert_one(task("a", options={"limit": 3, "words": ["p", "q", "r"]}))
        edit({"_id": "a"}, {"$set": {"priority": 2}})
        edit({"_id": "a"}, {"$set": {"options.limit": 7, "keywords": ["y"]}})
        edit({"_id": "a"}, {"$unset": {"options": 1}, "$set": {"note": "n", "run_at": LATER}})
        edit({"_id": "a"}, [{"$set": {"keywords": ["z", "z", "z"]}}])
        edit({"_id": "a"}, {"$set": {"status": 4}})
        edit({"_id": "a"}, {"$set": {"status": 0}})
        lab.tasks.replace_one({"_id": "a"}, {**task("a", priority=9), "note": "n"})
        lab.tasks.delete_one({"_id": "a"})
        records = await lab.recorded(9, "a")
    assert kinds(records) == [
        *("inserted", "promoted", "edited", "edited", "edited", "cancelled", "retried"),
        *("edited", "deleted"),
    ]
    assert {record["by"] for record in records} == {"outside"}
    inserted, promoted, edited, unset, _, cancelled, retried, replaced, _ = map(way, records)
    assert inserted["options"] == ("?", '{"limit":3,"words":["p","q","r"]}')
    assert promoted == {"priority": (5, 2)}
    assert edited == {"options.limit": (3, 7), "keywords": ('["x"]', '["y"]')}
    assert unset == {
        "options": ('{"limit":7,"words":["p","q","r"]}', "?"),
        "note": (None, "n"),
        "run_at": (None, LATER.replace(tzinfo=None)),
    }
    assert cancelled == {"status": (0, 4)}
    assert retried == {"status": (4, 0)}
    assert replaced == {
        "priority": (2, 9),
        "keywords": ('["z","z","z"]', '["x"]'),
        "run_at": (LATER.replace(tzinfo=None), "?"),
    }
    now = datetime.now(UTC).replace(tzinfo=None)
    assert all(abs(now - record["at"]) < timedelta(minutes=1) for record in records)


async def test_a_retry_that_starts_afresh_is_no_rescue(lab: Lab) -> None:
    """`hotstream retry` sets back what a claim of a task that never ended would keep."""
    async with lab.recording():
        lab.tasks.insert_one(task("a", status=4, current_retry=2, rescues=2))
        lab.tasks.update_one(
            {"_id": "a"},
            {"$set": {"status": 0, "run_at": None, "current_retry": 0, "rescues": 0}},
        )
        records = await lab.recorded(2, "a")
    assert kinds(records) == ["inserted", "retried"]
    assert records[1]["by"] == "outside"


async def test_what_the_engine_does_is_told_from_edits(lab: Lab) -> None:
    stores = MongoStores(lab.mongo, worker_id="w1", default_timeout_s=60)
    runs: list[FinishedRun] = []

    async def claim(task_id: str) -> FinishedRun:
        document = await stores.claims.claim_one(task_id)
        assert document is not None
        run = FinishedRun(
            task=admit(document), lease_id=document["lease_id"], outcome=Completed(3), progress=0.9
        )
        runs.append(run)
        return run

    def with_outcome(run: FinishedRun, outcome: Any) -> FinishedRun:
        return FinishedRun(task=run.task, lease_id=run.lease_id, outcome=outcome, progress=0.5)

    async with lab.recording():
        lab.tasks.insert_many([task("a"), task("b"), task("c"), {"_id": "d", "task_id": "d"}])
        lab.tasks.insert_one({"_id": "e", "task_id": "e", "platform": "lab", "keywords": ["x"]})
        run = await claim("a")
        for number in range(20):
            await stores.leases.renew({run.lease_id: "a"})
            await stores.leases.report(
                [
                    Progress(
                        document_id="a",
                        lease_id=run.lease_id,
                        progress=0.2 + number / 100,
                        result_count=number,
                        checkpoint={"page": number},
                    )
                ]
            )
        await stores.leases.finish([run])

        run = await claim("b")
        await stores.leases.finish([with_outcome(run, Retry(reason="later", after_s=0))])
        run = await claim("b")
        await stores.leases.finish(
            [with_outcome(run, Retry(reason="handed back: x", after_s=0, counts=False))]
        )
        run = await claim("b")
        await stores.leases.finish([with_outcome(run, Failed("no"))])

        await claim("c")
        await anyio.sleep(0.05)
        await stores.leases.rescue(zombie_timeout_s=0.01, max_rescues=3)
        await claim("c")
        await anyio.sleep(0.05)
        await stores.leases.rescue(zombie_timeout_s=0.01, max_rescues=2)

        for document in await stores.admission.disorderly(10):
            if document["task_id"] == "d":
                await stores.admission.refuse(document, "invalid task: platform: missing")
            else:
                fields = {"status": 0, "priority": 5, "immediate": False}
                await stores.admission.put_in_order(document, fields)
        await lab.recorded(2, "d")
        await lab.recorded(2, "e")
    assert kinds(lab.records("a")) == ["inserted", "claimed", "completed"]
    assert kinds(lab.records("b")) == [
        *("inserted", "claimed", "retried", "claimed", "handed back", "claimed", "failed"),
    ]
    assert kinds(lab.records("c")) == ["inserted", "claimed", "rescued", "claimed", "failed"]
    assert kinds(lab.records("d")) == ["inserted", "failed"]
    assert kinds(lab.records("e")) == ["inserted", "admitted"]
    for record in lab.records():
        if record["kind"] != "inserted":
            assert record["by"] == "engine", record
        if record["kind"] in {"claimed", "completed", "retried", "handed back"}:
            assert record["worker_id"] == "w1", record
    completed = way(lab.records("a")[-1])
    assert completed["status"] == (1, 2)
    assert completed["result_count"] == (19, 3)


async def test_without_images_old_values_are_those_the_recorder_saw(lab: Lab) -> None:
    class WithoutImages(HistoryKeeper):
        async def _keep_images(self) -> list[str]:
            return ["no images"]

    lab.tasks.insert_one(task("old", note="before"))
    async with lab.recording(keeper=WithoutImages(lab.mongo, retention_days=14)):
        assert lab.happened("recorder_limited")
        lab.tasks.insert_one(task("new", options={"limit": 3}))
        for task_id in ("old", "new"):
            edit = lab.tasks.update_one
            edit({"_id": task_id}, {"$set": {"note": "one", "options.limit": 4}})
            edit({"_id": task_id}, {"$set": {"note": "two", "options.limit": 5}})
            edit({"_id": task_id}, {"$unset": {"note": 1}})
            # Of a document that nobody saw before and that is gone at once, only `_id` is known.
            await lab.recorded(3, task_id)
            lab.tasks.delete_one({"_id": task_id})
        old = await lab.recorded(4, "old")
        new = await lab.recorded(5, "new")
    assert kinds(old) == ["edited", "edited", "edited", "deleted"]
    assert way(old[0]) == {"note": ("?", "one"), "options": ("?", '{"limit":4}')}
    assert way(old[1])["note"] == ("one", "two")
    assert way(new[1]) == {"note": (None, "one"), "options.limit": (3, 4)}
    assert way(new[2]) == {"note": ("one", "two"), "options.limit": (4, 5)}
    assert way(new[3]) == {"note": ("two", "?")}
    assert new[4]["task_id"] == "new"


@BOTH_DRIVERS
async def test_a_huge_document_does_not_stop_it(lab: Lab) -> None:
    async with lab.recording():
        lab.tasks.insert_one(task("big", blob="z" * 15_000_000))
        lab.tasks.update_one({"_id": "big"}, {"$set": {"priority": 1, "blob": "y" * 15_000_000}})
        lab.tasks.replace_one({"_id": "big"}, task("big", blob="w" * 15_000_000))
        lab.tasks.update_one(
            {"_id": "big"},
            {"$set": {"blob": "", **{f"field{n}": "v" * 900 for n in range(2000)}}},
        )
        lab.tasks.delete_one({"_id": "big"})
        lab.tasks.insert_one(task("small"))
        await lab.recorded(1, "small")
    records = lab.records("big")
    assert kinds(records) == ["inserted", "edited", "edited", "edited", "deleted"]
    large = "(string, 15,000,000 bytes)"
    assert way(records[0])["blob"] == ("?", large)
    assert way(records[1]) == {"priority": (5, 1), "blob": (large, large)}
    assert way(records[2])["priority"] == (1, 5)
    assert all(len(bson.encode(record)) < 100_000 for record in records)
    assert not lab.happened("recorder_failed")


async def test_what_cannot_be_read_is_no_obstacle(lab: Lab) -> None:
    raw = bson.encode(task("QQQQ", note="RRRR" * 10))
    raw = raw.replace(b"RRRR", b"R\xff\xfeR").replace(b"note", b"n\xffte")
    async with lab.recording():
        lab.tasks.insert_one(RawBSONDocument(raw))
        lab.tasks.update_one({"_id": "QQQQ"}, {"$set": {"a.b.c": 1, "x": "\x1b[2J\u202e"}})
        lab.tasks.insert_one({"_id": {"odd": [1]}, "task_id": ["no", "text"], "when": LATER})
        lab.tasks.update_one({"_id": {"odd": [1]}}, {"$set": {"when": None, "status": "4"}})
        records = await lab.recorded(4)
    assert kinds(records) == ["inserted", "edited", "inserted", "edited"]
    assert way(records[1])["x"] == (None, "[2J")


async def test_secrets_are_not_kept(lab: Lab) -> None:
    async with lab.recording():
        lab.tasks.insert_one(task("a", options={"password": "hush", "proxy": "http://u:hush@h/"}))
        lab.tasks.update_one({"_id": "a"}, {"$set": {"options.api_key": "hush"}})
        lab.tasks.update_one({"_id": "a"}, {"$set": {"note": f"{'x' * 180}mongodb://u:hush@h/"}})
        records = await lab.recorded(3, "a")
    assert "hush" not in str(records)


async def test_what_cannot_be_told_is_recorded_without_its_changes(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise TypeError("odd")

    async with lab.recording():
        with monkeypatch.context() as fault:
            fault.setattr(recorder, "classify", fail)
            lab.tasks.insert_one(task("a"))
            records = await lab.recorded(1, "a")
        lab.tasks.delete_one({"_id": "a"})
        await lab.recorded(2, "a")
    assert records[0]["changes"] == []
    assert lab.happened("recorder_failed") == 1
