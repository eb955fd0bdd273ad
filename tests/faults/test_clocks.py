"""Clocks that are wrong, and that change while a task runs (libfaketime)."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from daemons import SHORT, Document, Yard, slow_task, wait_until, yard
from pymongo import MongoClient

from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet, find_mongod
from tests.fault_report import Measure

HOUR_S = 3600


class FakeClock:
    """The wall clock of processes that are started with `environ`; the monotonic one is real."""

    def __init__(self, folder: Path) -> None:
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        if not found:
            pytest.skip("libfaketime is not installed (Debian package faketime)")
        self._file = folder / "clock"
        self.environ = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.ahead(0)

    def ahead(self, seconds: int) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}")
        new.replace(self._file)


@pytest.mark.slow
@pytest.mark.fault("D1", "wall clock of a worker an hour off, stepping in mid-task")
@pytest.mark.parametrize("off_s", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
def test_the_clock_of_a_worker(fleet: Yard, tmp_path: Path, off_s: int) -> None:
    clock = FakeClock(tmp_path)
    wrong = fleet.daemon("wrong", environ=clock.environ, **SHORT).ready()
    fleet.tasks.insert_one(slow_task("a", n=60, pause=0.1))
    fleet.owner("a")
    right = fleet.daemon("right", **SHORT).ready()
    now = datetime.now(UTC)
    # Due in some twenty minutes by the clock that is right: that of the server.
    soon = f"{(now.minute + 20) % 60} * * * *"
    fleet.tasks.insert_one({**slow_task("cron", n=1), "schedule": soon})
    clock.ahead(off_s)
    wrong.says("task=a", timeout_s=5)
    fleet.tasks.insert_one(slow_task("b", n=30, pause=0.1))
    clock.ahead(-off_s)
    for task_id in ("a", "b"):
        done = fleet.reaches(task_id, 2, 30)
        assert (done["run_number"], done.get("rescues") or 0) == (1, 0)
        assert done["started_at"] <= done["completed_at"]
    for run in fleet.database.task_runs.find({}):
        assert 0 < run["elapsed_ms"] < 60_000
        assert run["claimed_at"] <= run["finished_at"]
    cron = fleet.tasks.find_one({"task_id": "cron"})
    assert cron
    assert (cron["status"], cron.get("run_number") or 0) == (0, 0), "not before its time"
    assert abs((cron["run_at"].replace(tzinfo=UTC) - now).total_seconds()) < 2 * HOUR_S
    fleet.check(["a", "b"])
    assert "Traceback" not in right.log
    # libfaketime breaks `time.sleep` in the driver's own threads; nothing of ours may break by it.
    assert "hotstream_reactive" not in wrong.log


@pytest.mark.slow
@pytest.mark.fault("D2", "clock of the primary steps 90 s ahead under running tasks")
def test_the_clock_of_the_primary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: Measure
) -> None:
    clock = FakeClock(tmp_path)
    wrapper = tmp_path / "mongod"
    fake = " ".join(f"{name}='{value}'" for name, value in clock.environ.items())
    wrapper.write_text(f'#!/bin/sh\nexec env {fake} "{find_mongod()}" "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("HOTSTREAM_MONGOD", str(wrapper))
    with (
        EmbeddedReplicaSet() as server,
        MongoClient[Document](server.uri) as client,
        yard(tmp_path, server.uri, client.hotstream) as place,
    ):
        daemons = [place.daemon(name, **SHORT).ready() for name in ("one", "two")]
        names = [f"t{n}" for n in range(4)]
        place.tasks.insert_many([slow_task(name, n=60, pause=0.1) for name in names])
        wait_until(lambda: place.tasks.count_documents({"status": 1}) == 4)
        before = client.admin.command("hello")["localTime"]
        clock.ahead(90)
        stepped = client.admin.command("hello")["localTime"] - before
        assert 85 < stepped.total_seconds() < 95, "or the test would prove nothing"
        done = [place.reaches(name, 2, 40) for name in names]
        # Every lease looks expired for a moment, once; whoever was quicker, effects stay single.
        measured(
            "most rescues of a task",
            max(task["run_number"] for task in done) - 1,
            bound=1,
            unit="rescues",
        )
        # Each run that lost its lease goes on until its next renewal, a second later at most; what
        # it does meanwhile has no effect: the items are there once.
        verdict = place.check(names, items=60, paused=[d.pid for d in daemons], late_steps=15)
        measured("steps of runs whose lease had ended", verdict.late_steps, unit="steps")
        measured("items twice or missing", abs(verdict.items - 240), bound=0, unit="items")
        place.tasks.insert_one(slow_task("next", n=1))
        began = time.monotonic()
        place.reaches("next", 2)
        measured("a task after the step", time.monotonic() - began, bound=1)
