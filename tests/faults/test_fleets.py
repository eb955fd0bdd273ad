"""Fleets: many workers that start at once, workers of two versions, and greedy or huge tasks."""

from __future__ import annotations

import io
import resource
import statistics
import subprocess
import tarfile
import time
from pathlib import Path

import pytest
from daemons import SETTLED, SHORT, Document, Yard, slow_task, wait_until, yard
from pymongo import MongoClient

from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet
from tests.fault_report import Measure

ROOT = Path(__file__).parents[2]
GREEDY = """
from hotstream_reactive.platforms.base import PlatformAdapter


class GreedyAdapter(PlatformAdapter):
    platform_name = "greedy"

    async def search(self, keywords, options):
        hoard = []
        while True:
            hoard.append(bytearray(32 << 20))
        yield {}
"""


@pytest.mark.slow
@pytest.mark.fault("A5", "adapter that takes all the memory there is (RLIMIT_AS)")
def test_a_greedy_adapter_ends_only_its_own_task(fleet: Yard) -> None:
    (fleet.folder / "plugins").mkdir()
    (fleet.folder / "plugins" / "greedy.py").write_text(GREEDY)
    daemon = fleet.daemon("one", **SHORT, SCHEDULER_RETRY_BASE_DELAY="0.1").ready()
    pages = int(Path(f"/proc/{daemon.pid}/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + (256 << 20)
    resource.prlimit(daemon.pid, resource.RLIMIT_AS, (limit, limit))
    fleet.tasks.insert_one(slow_task("beside", n=40, pause=0.1))
    fleet.owner("beside")
    fleet.tasks.insert_one({**slow_task("greedy"), "platform": "greedy", "retry_count": 1})
    failed = fleet.reaches("greedy", 3, 30)
    assert "MemoryError" in failed["error_message"]
    assert fleet.reaches("beside", 2, 20)["run_number"] == 1
    assert daemon.process.poll() is None
    fleet.tasks.insert_one(slow_task("after", n=2))
    fleet.reaches("after", 2)


@pytest.mark.slow
@pytest.mark.fault("C3", "task documents of 15 MB, inserted and updated")
def test_a_huge_document_does_not_stop_the_stream(tmp_path: Path, measured: Measure) -> None:
    with (
        EmbeddedReplicaSet(cache_gb=1.0) as server,
        MongoClient[Document](server.uri) as client,
        yard(tmp_path, server.uri, client.hotstream) as place,
    ):
        daemon = place.daemon("one").ready()
        inserted: dict[str, float] = {}
        for number in range(5):
            name = f"huge{number}"
            place.tasks.insert_one({**slow_task(name, n=1), "note": "x" * (15 << 20)})
            place.tasks.update_one({"task_id": name}, {"$set": {"priority": 1}})
            place.tasks.update_one({"task_id": name}, {"$set": {"note2": "y" * (1 << 19)}})
            for n in range(4):
                task_id = f"next{number}-{n}"
                place.tasks.insert_one(slow_task(task_id, n=1))
                inserted[task_id] = time.monotonic()
                place.reaches(task_id, 2)
        # The monotonic clock is one for all processes of a machine.
        starts = {step.task_id: step.at for step in place.ledger() if step.kind == "start"}
        waits = [starts[task_id] - at for task_id, at in inserted.items()]
        measured("wake of the next task, median of 20", statistics.median(waits), bound=0.05)
        right_after = [
            wait for task_id, wait in zip(inserted, waits, strict=True) if "-0" in task_id
        ]
        measured(
            "right after the huge one, median of 5", statistics.median(right_after), bound=0.05
        )
        measured("longest", max(waits))
        for number in range(5):
            place.reaches(f"huge{number}", 3)
        assert daemon.log.count("stream live") == 1, "the stream went on"


@pytest.mark.fault("I3", "eight workers start at once on an empty database")
def test_eight_workers_at_once(fleet: Yard, measured: Measure) -> None:
    names = [f"t{n}" for n in range(40)]
    fleet.tasks.insert_many([slow_task(name, n=2) for name in names])
    fleet.tasks.drop_indexes()
    daemons = [fleet.daemon(f"w{n}") for n in range(8)]
    for daemon in daemons:
        daemon.says("ready slots", timeout_s=60)
    wait_until(lambda: fleet.tasks.count_documents(SETTLED) == 40, 30)
    verdict = fleet.check(names, items=2)
    measured("runs beyond the first", verdict.repeated, bound=0, unit="runs")
    for daemon in daemons:
        assert "Traceback" not in daemon.log
        assert "ERROR" not in daemon.log
        assert daemon.process.poll() is None
    assert "ready_in_queue_order" in fleet.tasks.index_information()
    wait_until(lambda: fleet.database.workers.count_documents({}) == 8, 20)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The package as it was some commits ago."""
    git = ["git", "-C", str(ROOT), "archive", "--format=tar", "HEAD~8", "hotstream_reactive"]
    try:
        packed = subprocess.run(git, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"an earlier version cannot be had from git here: {error}")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(tmp_path / "earlier", filter="data")
    return tmp_path / "earlier"


@pytest.mark.slow
@pytest.mark.fault("I2", "rolling upgrade and downgrade: two versions side by side")
def test_two_versions_side_by_side(fleet: Yard, earlier: Path, measured: Measure) -> None:
    settings = {**SHORT, "SCHEDULER_MAX_CONCURRENT_TASKS": "4"}
    old = fleet.daemon("old", environ={"PYTHONPATH": str(earlier)}, **settings).ready()
    new = fleet.daemon("new", **settings).ready()
    foreign = {"schema_version": 7, "vendor": {"deep": [1, {"$odd": True}]}, "worker_hint": "x"}
    names = [f"t{n}" for n in range(40)]
    # Whoever writes the entry of a worker or a control: unknown fields are no obstacle.
    fleet.database.workers.insert_one({"_id": "from-the-future", "shape": 9, "slots": "many"})
    fleet.tasks.insert_many([{**slow_task(name, n=4, pause=0.1), **foreign} for name in names])
    wait_until(lambda: fleet.tasks.count_documents({"status": 2}) >= 12)
    old.process.kill()
    old.wait()
    wait_until(lambda: fleet.tasks.count_documents(SETTLED) == 40, 40)
    verdict = fleet.check(names, items=4)
    measured("lost", verdict.lost, bound=0, unit="tasks")
    by = {run["worker_id"].partition("-")[0] for run in fleet.database.task_runs.find({})}
    assert by == {"old", "new"}, "both took part"
    for task in fleet.tasks.find({}):
        assert {name: task[name] for name in foreign} == foreign
    # Back again: the earlier version takes over what the later one was at.
    fleet.tasks.insert_one({**slow_task("last", n=30, pause=0.1, checkpoints=True), **foreign})
    fleet.owner("last")
    new.process.kill()
    new.wait()
    fleet.daemon("again", environ={"PYTHONPATH": str(earlier)}, **settings).ready()
    done = fleet.reaches("last", 2, 30)
    assert done["run_number"] == 2
    assert done["vendor"] == foreign["vendor"]
    fleet.check()
