"""MongoDB restarts, elects, fails, hangs, and is not there: the worker goes on."""

from __future__ import annotations

import signal
import statistics
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemons import Document, Yard, slow_task, wait_until, yard
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern
from servers import mongod

from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet
from hotstream_reactive.mongo.mongod import HOST, free_ports
from tests.fault_report import Measure

PASSWORD = "hunter2-canary"


@pytest.mark.fault("B9", "single node killed and started again")
@pytest.mark.parametrize("driver", ["motor", "pymongo"])
def test_a_restart_of_the_server_is_survived(
    fragile: Yard, failing_server: EmbeddedReplicaSet, measured: Measure, driver: str
) -> None:
    daemon = fragile.daemon("one", MONGODB_DRIVER=driver).ready()
    fragile.tasks.insert_one(slow_task("a", n=30, pause=0.2, checkpoints=True))
    wait_until(lambda: len(fragile.stored("a")) >= 3)
    failing_server.kill(0)
    time.sleep(1.0)
    failing_server.restart(0)
    failing_server.primary()
    wait_until(lambda: fragile.tasks.insert_one(slow_task("b", n=1)).acknowledged)
    fragile.reaches("b", 2, 10)
    began = time.monotonic()
    fragile.tasks.insert_one(slow_task("c", n=1))
    fragile.reaches("c", 2, 10)
    measured("a task, now that the stream is back", time.monotonic() - began, bound=2)
    fragile.reaches("a", 2, 40)
    assert len(fragile.stored("a")) == 30
    assert daemon.process.poll() is None
    daemon.send(signal.SIGTERM)
    assert daemon.wait() == 0
    assert "Traceback" not in daemon.log


@pytest.mark.fault("B2", "step-down and killed primary under inserts")
def test_nothing_is_lost_through_elections(tmp_path: Path, measured: Measure) -> None:
    with (
        EmbeddedReplicaSet(nodes=3) as server,
        MongoClient[Document](server.uri, retryWrites=True) as client,
        yard(tmp_path, server.uri, client.hotstream) as place,
    ):
        settings = {"SCHEDULER_MAX_CONCURRENT_TASKS": "10"}
        daemons = [place.daemon(name, **settings).ready() for name in ("one", "two")]
        tasks = client.hotstream.get_collection("tasks", write_concern=WriteConcern("majority"))
        acknowledged: list[str] = []

        def insert(name: str) -> None:
            document = slow_task(name, n=2, pause=0.05)
            for _ in range(50):
                try:
                    tasks.replace_one({"task_id": name}, document, upsert=True)
                except PyMongoError:
                    time.sleep(0.2)
                else:
                    acknowledged.append(name)
                    return

        for number in range(120):
            if number == 40:
                server.step_down()
            began = time.monotonic()
            if number == 80:
                server.kill(server.primary())
            insert(f"t{number}")
            if number == 80:
                place.reaches("t80", 2, 20)
                gap = time.monotonic() - began
                measured("from the kill until a task is done", gap, bound=15)
            time.sleep(0.02)
        assert len(acknowledged) == 120
        done = {"status": 2, "result_count": 2}
        wait_until(lambda: tasks.count_documents(done) == 120, 40)
        assert client.hotstream.data_items.count_documents({}) == 240
        assert all(daemon.process.poll() is None for daemon in daemons)
        tasks.insert_one(slow_task("last", n=1))
        began = time.monotonic()
        place.reaches("last", 2, 10)
        measured("the next task", time.monotonic() - began, bound=5)
        measured("lost", place.check([*acknowledged, "last"]).lost, bound=0, unit="tasks")
        assert all("Traceback" not in daemon.log for daemon in daemons)


@pytest.mark.slow
@pytest.mark.fault("B1", "twenty step-downs in a row, with inserts all the time")
def test_one_step_down_after_the_other(tmp_path: Path, measured: Measure) -> None:
    with (
        EmbeddedReplicaSet(nodes=3) as server,
        MongoClient[Document](server.uri, retryWrites=True) as client,
        yard(tmp_path, server.uri, client.hotstream) as place,
    ):
        daemons = [place.daemon(name).ready() for name in ("one", "two")]
        tasks = client.hotstream.get_collection("tasks", write_concern=WriteConcern("majority"))
        names: list[str] = []
        #: Each with how long it took until MongoDB had acknowledged the task.
        gaps: list[tuple[float, float]] = []

        def insert(name: str) -> None:
            new = {"$setOnInsert": slow_task(name, n=1)}
            wait_until(lambda: tasks.update_one({"task_id": name}, new, upsert=True).acknowledged)
            names.append(name)

        for number in range(20):
            for n in range(10):
                insert(f"t{number}-{n}")
            began = time.monotonic()
            # As an operator does it, without force: then the primary hands over.
            client.admin.command("replSetStepDown", 5, secondaryCatchUpPeriodSecs=4)
            insert(f"after{number}")
            acknowledged = time.monotonic() - began
            place.reaches(f"after{number}", 2, 20)
            gaps.append((time.monotonic() - began, acknowledged))
        longest, theirs = max(gaps)
        excuse = f"MongoDB took {theirs:.1f} s to acknowledge the task" if theirs > 3 else ""
        median = statistics.median(gap for gap, _ in gaps)
        measured("gap until a task is done, median of 20", median, bound=3)
        measured("longest gap", longest, bound=3, excuse=excuse)
        added = max(gap - acknowledged for gap, acknowledged in gaps)
        measured("longest from acknowledged to done", added, bound=3)
        wait_until(lambda: tasks.count_documents({"status": 2}) == 220, 20)
        measured("lost", place.check(names, items=1).lost, bound=0, unit="tasks")
        for daemon in daemons:
            assert "ERROR" not in daemon.log
            assert "Traceback" not in daemon.log


@pytest.mark.slow
@pytest.mark.fault("B3", "single node stopped for 14 s")
def test_a_frozen_server_freezes_no_loop(tmp_path: Path) -> None:
    with (
        EmbeddedReplicaSet() as server,
        MongoClient[Document](server.uri) as client,
        yard(tmp_path, server.uri, client.hotstream) as place,
    ):
        daemon = place.daemon("one").ready()
        place.tasks.insert_one(slow_task("a", n=1))
        place.reaches("a", 2)
        server.pause(0)
        time.sleep(14)
        server.resume(0)
        wait_until(lambda: place.tasks.insert_one(slow_task("b", n=1)).acknowledged)
        place.reaches("b", 2, 12)
        assert "blocked" not in daemon.log, "the loop goes on while the server is silent"
        daemon.send(signal.SIGTERM)
        assert daemon.wait(15) == 0


# Not there at all


@pytest.mark.slow
@pytest.mark.fault("B10", "no server at the start")
def test_an_absent_server_is_waited_for(tmp_path: Path) -> None:
    server = EmbeddedReplicaSet(data_dir=tmp_path / "data")
    with server:
        uri = server.uri
    with MongoClient[Document](uri) as client, yard(tmp_path, uri, client.hotstream) as place:
        daemon = place.daemon("one")
        daemon.says("waiting for MongoDB", timeout_s=30)
        assert "Traceback" not in daemon.log
        lines = [line for line in daemon.log.splitlines() if "waiting for MongoDB" in line]
        assert all(len(line) < 400 for line in lines)
        with server:
            assert server.uri == uri
            daemon.says("ready slots", timeout_s=30)
            place.tasks.insert_one(slow_task("a", n=1))
            place.reaches("a", 2)
            daemon.send(signal.SIGTERM)
            assert daemon.wait() == 0


@pytest.mark.fault("B10", "SIGTERM while waiting for a server")
def test_waiting_for_a_server_can_be_ended_and_shows_no_password(tmp_path: Path) -> None:
    [port] = free_ports(1)
    uri = f"mongodb://user:{PASSWORD}@{HOST}:{port}/?replicaSet=rs0"
    with MongoClient[Document](uri) as client, yard(tmp_path, uri, client.hotstream) as place:
        daemon = place.daemon("one")
        daemon.says("waiting for MongoDB", timeout_s=15)
        daemon.send(signal.SIGTERM)
        assert daemon.wait(10) == 0
        assert PASSWORD not in daemon.log
        assert "Traceback" not in daemon.log


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a server that is no replica set, and asks for a password."""
    with mongod(tmp_path_factory.mktemp("standalone"), "--auth") as address:
        users = [
            ("root", [{"role": "root", "db": "admin"}]),
            ("guest", [{"role": "read", "db": "elsewhere"}]),
        ]
        uri = f"mongodb://{address}/"
        for name, roles in users:
            with MongoClient[Document](uri) as client:
                client.admin.command("createUser", name, pwd=PASSWORD, roles=roles)
            uri = f"mongodb://root:{PASSWORD}@{address}/"
        yield address


@pytest.mark.fault("B10", "wrong password, missing privilege")
@pytest.mark.parametrize(
    ("user", "password"), [("root", "wrong-" + PASSWORD), ("guest", PASSWORD)], ids=str
)
def test_a_refusal_ends_with_77_and_one_clear_line(
    standalone: str, tmp_path: Path, user: str, password: str
) -> None:
    uri = f"mongodb://{user}:{password}@{standalone}/?authSource=admin"
    with MongoClient[Document](uri) as client, yard(tmp_path, uri, client.hotstream) as place:
        daemon = place.daemon("one")
        assert daemon.wait(20) == 77
        assert PASSWORD not in daemon.log
        assert "Traceback" not in daemon.log
        [line] = [line for line in daemon.log.splitlines() if line.startswith("error: ")]
        assert "refused" in line


@pytest.mark.fault("B11", "standalone server")
def test_a_standalone_server_works_by_sweeps_and_says_so(standalone: str, tmp_path: Path) -> None:
    uri = f"mongodb://root:{PASSWORD}@{standalone}/?authSource=admin"
    name = f"hotstream_test_{uuid.uuid4().hex[:12]}"
    settings = {"SCHEDULER_CHECK_INTERVAL": "3", "SCHEDULER_PRIORITY_CHECK_INTERVAL": "1"}
    with MongoClient[Document](uri) as client, yard(tmp_path, uri, client[name]) as place:
        daemon = place.daemon("one", **settings).ready()
        daemon.says("stream unsupported")
        assert "replica set" in daemon.log
        time.sleep(0.5)
        for task_id, fields, bound in (("urgent", {"priority": 1}, 1.0), ("normal", {}, 3.0)):
            place.tasks.insert_one(slow_task(task_id, n=5, **fields))
            began = time.monotonic()
            place.reaches(task_id, 2, bound + 5)
            assert time.monotonic() - began < bound + 1.0
            assert len(place.stored(task_id)) == 5
        place.tasks.insert_one(slow_task("stop", n=1000, pause=0.1))
        wait_until(lambda: any(task == "stop" for _, task, _ in place.effects()))
        place.tasks.update_one({"task_id": "stop"}, {"$set": {"status": 4}})
        began = time.monotonic()
        daemon.says("cancelled", timeout_s=15)
        assert time.monotonic() - began < 11
        assert PASSWORD not in daemon.log
        daemon.send(signal.SIGTERM)
        assert daemon.wait() == 0
