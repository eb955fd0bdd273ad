"""True partitions: a primary, and a worker, are cut off from everybody for a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from daemons import Document, slow_task, wait_until, yard
from netns import PORT, Lan, lan_with_replica_set
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from tests.fault_report import Measure

pytestmark = pytest.mark.slow
PROMPT = {"connectTimeoutMS": 2000, "heartbeatFrequencyMS": 1000, "socketTimeoutMS": 3000}


@contextmanager
def elected(lan: Lan, former: int) -> Iterator[MongoClient[Document]]:
    """A direct connection to the new primary, as soon as there is one."""
    with ExitStack() as stack:
        options = {"directConnection": True, "serverSelectionTimeoutMS": 500}
        others = [
            stack.enter_context(MongoClient[Document](lan.address(number), PORT, **options))
            for number in (1, 2, 3)
            if number != former
        ]
        yield wait_until(
            lambda: next(
                (c for c in others if c.admin.command("hello").get("isWritablePrimary")), None
            ),
            40,
        )


@pytest.mark.fault("B4", "primary cut off for 60 s, elections after 10 s")
def test_a_primary_that_is_cut_off(tmp_path: Path, measured: Measure) -> None:
    with (
        lan_with_replica_set(tmp_path, workers=0) as (lan, uri),
        MongoClient[Document](uri, **PROMPT) as client,
        yard(tmp_path, uri, client.hotstream) as place,
    ):
        daemons = [place.daemon(name).ready() for name in ("one", "two")]
        tasks = client.hotstream.get_collection("tasks", write_concern=WriteConcern("majority"))
        tasks.insert_one(slow_task("running", n=300, pause=0.1))
        place.owner("running")
        assert client.primary
        number = int(client.primary[0].rpartition(".")[2])
        lan.cut(number)
        began = time.monotonic()
        # By a connection of its own, so that this client's reaction is not measured as well.
        with elected(lan, number) as successor:
            measured("elected", time.monotonic() - began)
            fresh = successor.hotstream.get_collection(
                "tasks", write_concern=WriteConcern("majority")
            )
            fresh.insert_one(slow_task("during", n=1))
            # The other node may go on asking the old primary for a while: MongoDB's own time.
            possible = time.monotonic()
            measured("the first write that a majority has", possible - began)
            wait_until(lambda: fresh.find_one({"task_id": "during", "status": 2}), 40)
        measured("that task is done", time.monotonic() - began)
        measured("of this, the workers' part", time.monotonic() - possible, bound=5)
        wait_until(
            lambda: all(
                d.log.rstrip().rfind("stream live") > d.log.rfind("stream degraded")
                for d in daemons
            ),
            40,
        )
        tasks.insert_one(slow_task("after", n=1))
        inserted = time.monotonic()
        place.reaches("after", 2, 20)
        measured("a task while the set recovers", time.monotonic() - inserted, bound=10)
        done = place.reaches("running", 2, 60)
        # Where MongoDB was away for two thirds of the lease, the run was stopped and is repeated.
        runs = 1 if possible - began < 15 else 2
        measured("runs of the task that ran all along", done["run_number"], bound=runs, unit="runs")
        time.sleep(max(0.0, began + 60 - time.monotonic()))
        lan.heal(number)
        tasks.insert_one(slow_task("healed", n=1))
        place.reaches("healed", 2, 20)
        measured("lost", place.check().lost, bound=0, unit="tasks")


@pytest.mark.fault("B5", "one worker cut off from all nodes for 90 s")
def test_a_worker_that_is_cut_off(tmp_path: Path, measured: Measure) -> None:
    with (
        lan_with_replica_set(tmp_path, workers=1) as (lan, uri),
        MongoClient[Document](uri, **PROMPT) as client,
        yard(tmp_path, uri, client.hotstream) as place,
    ):
        cut = place.daemon("cut", inside=lan.inside(4)).ready()
        place.tasks.insert_one(slow_task("a", n=600, pause=0.1, checkpoints=True))
        place.owner("a")
        place.daemon("near").ready()
        lan.cut(4)
        began = time.monotonic()
        wait_until(lambda: place.outcomes("a")[:1] == ["rescued"], 60)
        measured("its task was taken back", time.monotonic() - began, bound=60)
        last = max(step.at for step in place.ledger() if step.pid == cut.pid)
        measured("its own last step", last - began, bound=22)
        assert place.owner("a").name == "near"
        time.sleep(max(0.0, began + 90 - time.monotonic()))
        lan.heal(4)
        healed = time.monotonic()
        cut.says("stream live", times=2, timeout_s=30)
        measured("back in the fleet", time.monotonic() - healed, bound=10)
        place.reaches("a", 2, 120)
        place.check(items=600)
        assert "Traceback" not in cut.log
