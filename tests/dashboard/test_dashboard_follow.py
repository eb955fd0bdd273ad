"""Following a real server: events, reads, gaps, and servers without a stream."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from follow_lab import PASSWORD, Follow
from glass import hotstream
from pymongo import MongoClient
from pymongo.database import Database
from stage import HOSTILE, harmless

from hotstream_reactive.dashboard.data import as_tree, lines
from hotstream_reactive.dashboard.focus import Focus
from hotstream_reactive.dashboard.look import Look
from hotstream_reactive.dashboard.snapshot import LIVE, READS_ONLY, RECONNECTING
from hotstream_reactive.dashboard.view import draw
from hotstream_reactive.errors import DatabaseRefused
from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet

pytestmark = pytest.mark.anyio
Tasks = Database[dict[str, Any]]


def task(task_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "name": task_id,
        "platform": "twitter",
        "keywords": ["x"],
        "status": 0,
        "priority": 5,
        "immediate": False,
        "created_at": datetime.now(UTC),
        **fields,
    }


def running(task_id: str, **fields: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    begun = {"status": 1, "worker_id": "w1", "started_at": now, "last_heartbeat": now}
    return task(task_id, **begun, **fields)


async def test_events_come_at_once_and_reads_fill_in(follow: Follow, sync_database: Tasks) -> None:
    tasks = sync_database.tasks
    tasks.insert_one(running("first", accounts=["a", "b"], task_type="monitor"))
    async with follow() as fleet:
        await fleet.until(lambda s: s.stream == LIVE and s.running)
        [row] = fleet.snapshot.running.values()
        assert (row.label, row.worker, row.total) == ("first", "w1", None)
        began = time.monotonic()
        tasks.insert_one(task("second"))
        await fleet.until(lambda s: any(r.label == "second" for r in s.waiting.values()))
        assert time.monotonic() - began < 0.3
        tasks.update_one({"task_id": "first"}, {"$set": {"progress": 0.5, "result_count": 7}})
        await fleet.until(lambda s: row.key in s.running and s.running[row.key].count == 7)
        tasks.update_one({"task_id": "first"}, {"$set": {"status": 2, "progress": 1.0}})
        await fleet.until(lambda s: not s.running and s.done.total(fleet.follower.now()) == 1)
        assert fleet.told()[-2:] == ["inserted second", "completed first"]
        tasks.delete_one({"task_id": "second"})
        await fleet.until(lambda s: not s.waiting)


async def test_heartbeats_alone_are_no_events(follow: Follow, sync_database: Tasks) -> None:
    sync_database.tasks.insert_one(running("t1"))
    async with follow() as fleet:
        await fleet.until(lambda s: s.stream == LIVE and s.running)
        before = fleet.snapshot.event_at
        now = datetime.now(UTC)
        sync_database.tasks.update_one({}, {"$set": {"last_heartbeat": now, "updated_at": now}})
        sync_database.tasks.update_one({}, {"$set": {"checkpoint": {"seen": ["x"] * 100}}})
        sync_database.tasks.insert_one(task("t2"))
        await fleet.until(lambda s: s.waiting)
        assert before is None
        assert fleet.told() == ["inserted t2"]


async def test_huge_and_hostile_documents_stay_on_the_server(
    follow: Follow, sync_database: Tasks
) -> None:
    async with follow() as fleet:
        await fleet.until(lambda s: s.stream == LIVE and s.queue_known)
        tasks = sync_database.tasks
        tasks.insert_one(task("big", name="x" * 2_000_000, options={"limit": "y" * 500_000}))
        tasks.insert_one(task("hostile", name=HOSTILE.replace("\ud800", ""), platform=HOSTILE[:20]))
        tasks.insert_one({"_id": {"a": [1]}, "task_id": 5, "platform": ["x"], "status": "pending"})
        tasks.insert_one(
            {"_id": "odd", "task_id": "odd", "status": 0, "priority": "high", "run_at": 7}
        )
        tasks.update_one({"task_id": "big"}, {"$set": {"priority": 1}})
        await fleet.until(lambda s: s.happened >= 5)
        await fleet.until(lambda s: s.due() == 3)
        assert len(next(r for r in fleet.snapshot.waiting.values() if r.label == "big").name) <= 100
        screen = draw(
            fleet.snapshot,
            width=100,
            height=40,
            now=fleet.follower.now(),
            look=Look(),
            focus=Focus(),
        )
        assert all(harmless(line.plain) for line in screen.lines)
        text = "\n".join(line.plain for line in screen.lines)
        assert "hostile" in text and "promoted" in text


async def test_a_collection_that_is_dropped_is_followed_again(
    follow: Follow, sync_database: Tasks
) -> None:
    sync_database.tasks.insert_one(running("old"))
    async with follow() as fleet:
        await fleet.until(lambda s: s.stream == LIVE and s.running)
        sync_database.drop_collection("tasks")
        await fleet.until(lambda s: s.stream == RECONNECTING)
        await fleet.until(lambda s: s.stream == LIVE and not s.running)
        sync_database.tasks.insert_one(task("new"))
        await fleet.until(lambda s: [r.label for r in s.waiting.values()] == ["new"])


async def test_a_server_that_dies_and_comes_back(follow: Follow) -> None:
    with EmbeddedReplicaSet() as server, MongoClient[dict[str, Any]](server.uri) as client:
        tasks = client.hotstream_test.tasks
        tasks.insert_one(task("before"))
        async with follow(server.uri, "hotstream_test") as fleet:
            await fleet.until(lambda s: s.stream == LIVE and s.waiting and s.queue_known)
            server.kill(0)
            await fleet.until(lambda s: s.stream == RECONNECTING)
            await fleet.until(lambda s: s.trouble)
            await anyio.to_thread.run_sync(server.restart, 0)
            await fleet.until(lambda s: s.stream == LIVE and not s.trouble, 60.0)
            tasks.insert_one(task("after"))
            await fleet.until(lambda s: "after" in {r.label for r in s.waiting.values()})
            assert fleet.told().count("inserted after") == 1


@pytest.fixture
def readers_uri(standalone: str) -> str:
    return f"mongodb://reader:{PASSWORD}@{standalone}/?authSource=admin"


@pytest.fixture
def quiet_database(standalone: str, database_name: str) -> Iterator[Tasks]:
    """The test's database on the server without a stream."""
    uri = f"mongodb://root:{PASSWORD}@{standalone}/?authSource=admin"
    with MongoClient[dict[str, Any]](uri) as client:
        yield client[database_name]
        client.drop_database(database_name)


async def test_a_server_without_a_stream_is_followed_by_reads(
    follow: Follow, readers_uri: str, quiet_database: Tasks
) -> None:
    quiet_database.tasks.insert_one(task("t1"))
    async with follow(readers_uri) as fleet:
        await fleet.until(lambda s: s.stream == READS_ONLY and s.waiting and s.queue_known)
        assert fleet.snapshot.stream_note
        quiet_database.tasks.insert_one(task("t2"))
        await fleet.until(lambda s: len(s.waiting) == 2 and s.due() == 2)
        quiet_database.tasks.update_one(
            {"task_id": "t1"}, {"$set": {"status": 1, "worker_id": "w"}}
        )
        await fleet.until(lambda s: [r.label for r in s.running.values()] == ["t1"])


async def test_a_user_who_may_only_read(
    follow: Follow, readers_uri: str, quiet_database: Tasks
) -> None:
    quiet_database.tasks.insert_one(task("t1"))
    async with follow(readers_uri) as fleet:
        await fleet.until(lambda s: s.waiting and s.history_known)
        with pytest.raises(DatabaseRefused):
            await fleet.board.edits.promote({"task_id": "t1"})
    found = quiet_database.tasks.find_one({"task_id": "t1"})
    assert found is not None and found["priority"] == 5


async def test_edits_respect_the_state(follow: Follow, sync_database: Tasks) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    states = {"waiting": 0, "busy": 1, "done": 2, "broken": 3, "stopped": 4}
    documents = [task(name, status=status, run_at=later) for name, status in states.items()]
    sync_database.tasks.insert_many(documents)
    async with follow() as fleet:
        edits = fleet.board.edits
        promoted = [name for name in states if await edits.promote({"task_id": name})]
        assert promoted == ["waiting"]
        cancelled = [name for name in states if await edits.cancel({"task_id": name})]
        assert cancelled == ["waiting", "busy"]
        again = [d["task_id"] for d in documents if await edits.retry({"_id": d["_id"]})]
        assert not await edits.promote({"task_id": "unknown"})
        assert not await edits.cancel({"_id": "unknown"})
        assert again == ["waiting", "busy", "done", "broken", "stopped"]
    found = {d["task_id"]: d for d in sync_database.tasks.find()}
    assert found["broken"]["status"] == 0 and found["broken"]["run_at"] is None
    assert isinstance(found["waiting"]["updated_at"], datetime)


def history(database: Tasks) -> None:
    """An hour in which something happened."""
    now = datetime.now(UTC)
    runs = [
        {"task_id": f"t{n}", "platform": "twitter", "outcome": "completed", "result_count": 10}
        for n in range(20)
    ]
    runs += [{"task_id": "bad", "platform": "zhihu", "outcome": "failed", "error": "blocked: no"}]
    runs += [
        {"task_id": "again", "platform": "zhihu", "outcome": "retry", "error": "timeout: slow"}
        | {"retry_in_s": 3600.0}
    ]
    for n, run in enumerate(runs):
        run["finished_at"] = now - timedelta(minutes=n % 50, seconds=1)
    database.task_runs.insert_many(runs)
    database.task_runs.insert_one(
        {"task_id": "old", "outcome": "completed", "finished_at": now - timedelta(hours=2)}
    )


async def test_the_history_is_there_from_the_start(follow: Follow, sync_database: Tasks) -> None:
    history(sync_database)
    async with follow() as fleet:
        await fleet.until(lambda s: s.history_known and s.happened)
        snapshot, now = fleet.snapshot, fleet.follower.now()
        assert (snapshot.done.total(now), snapshot.failed.total(now)) == (20, 1)
        assert snapshot.items.total(now) == 200
        assert {f.label: f.kind for f in snapshot.failures} == {
            "bad": "blocked",
            "again": "timeout",
        }
        assert snapshot.troubles["zhihu"].blocked.total(now) == 1
        assert "completed t0" in fleet.told() and "completed old" in fleet.told()
        tree = as_tree(snapshot, now)
        assert tree["totals"]["done_last_hour"] == 20
        assert all(harmless(line) for line in lines(tree))


def run_once(uri: str, name: str, folder: Path, *arguments: str) -> str:
    command = hotstream("--mongodb-uri", uri, "--database", name, "dashboard", *arguments)
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_once_for_people_and_programs(
    mongo_server: Any, sync_database: Tasks, tmp_path: Path
) -> None:
    history(sync_database)
    sync_database.tasks.insert_one(task("t 1", name="a\x1b[2J name", status=0))
    sync_database.tasks.insert_one(running("t2", progress=0.5, options={"limit": 50}))
    where = (mongo_server.uri, sync_database.name, tmp_path)
    tree = json.loads(run_once(*where, "--json"))
    assert tree["schema_version"] == 1
    assert tree["totals"]["due"] == 1 and tree["totals"]["running"] == 1
    assert tree["running"][0]["wanted"] == 50
    assert tree["next_up"][0]["reason"] == "no_worker"
    plain = run_once(*where, "--plain").splitlines()
    assert any(line.startswith('next_up task_id="t 1" name="a[2J name"') for line in plain)
    assert any(line.startswith("running task_id=t2 ") for line in plain)
    screen = run_once(*where, "--once")
    assert "Running 1/0" in screen and "t2" in screen and "\x1b" not in screen


def test_nothing_there_is_said_with_the_exit_code(tmp_path: Path) -> None:
    uri = "mongodb://user:secret@127.0.0.1:1/?serverSelectionTimeoutMS=300"
    command = hotstream("--mongodb-uri", uri, "dashboard", "--json")
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 69
    assert done.stdout == "" and "secret" not in done.stderr
