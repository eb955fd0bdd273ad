"""Workers that are killed, stopped and frozen: no task is lost, no item stored twice."""

from __future__ import annotations

import signal
import time

import pytest
from daemons import SETTLED, SHORT, Yard, slow_task, wait_until

from tests.fault_report import Measure


def killed_in_the_middle(fleet: Yard, **settings: str) -> float:
    """Two daemons, one is killed in the middle of a task; gives the seconds until it is done."""
    fleet.daemon("one", **settings).ready()
    fleet.daemon("two", **settings).ready()
    fleet.tasks.insert_one(slow_task("a", n=24, pause=0.1))
    wait_until(lambda: len(fleet.stored("a")) >= 6)
    victim = fleet.owner("a")
    victim.send(signal.SIGKILL)
    victim.wait()
    died = time.monotonic()
    done = fleet.reaches("a", 2, 60)
    took_s = time.monotonic() - died
    assert not done["worker_id"].startswith(victim.name)
    assert (done["result_count"], done["rescues"], done["current_retry"]) == (24, 0, 0)
    assert done["run_number"] == 2
    items = fleet.stored("a")
    assert len(items) == 24
    assert len({item["id"] for item in items}) == 24
    wait_until(lambda: fleet.outcomes("a") == ["rescued", "completed"])
    fleet.check(items=24)
    return took_s


@pytest.mark.fault("A1", "worker killed in the middle of a task, lease of 4 s")
def test_a_killed_workers_task_is_done_by_another(fleet: Yard, measured: Measure) -> None:
    measured("done by another", killed_in_the_middle(fleet, **SHORT), bound=15)


@pytest.mark.fault("A1", "worker killed in the middle of a task, default lease")
@pytest.mark.slow
def test_with_the_default_lease_it_takes_less_than_a_minute(fleet: Yard, measured: Measure) -> None:
    measured("done by another", killed_in_the_middle(fleet), bound=60)


@pytest.mark.fault("A5", "task that kills each worker")
def test_a_task_that_kills_its_workers_ends_as_poison(fleet: Yard) -> None:
    plugin = (
        "import os, signal\n"
        "from hotstream_reactive.platforms.base import PlatformAdapter\n"
        "class KillerAdapter(PlatformAdapter):\n"
        "    platform_name = 'killer'\n"
        "    async def search(self, keywords, options):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "        yield {}\n"
    )
    (fleet.folder / "plugins").mkdir()
    (fleet.folder / "plugins" / "killer.py").write_text(plugin)
    settings = {**SHORT, "SCHEDULER_ZOMBIE_TIMEOUT": "2", "SCHEDULER_MAX_RESCUES": "2"}
    daemons = [fleet.daemon(f"d{n}", **settings) for n in range(3)]
    for daemon in daemons:
        daemon.ready()
    fleet.tasks.insert_one({**slow_task("a"), "platform": "killer"})
    failed = fleet.reaches("a", 3, 40)
    assert "poison" in failed["error_message"]
    dead = [daemon for daemon in daemons if daemon.process.poll() is not None]
    assert len(dead) == 2
    fleet.tasks.insert_one(slow_task("healthy", n=2))
    fleet.reaches("healthy", 2)


@pytest.mark.fault("A3", "SIGTERM while a task runs")
def test_sigterm_lets_a_running_task_finish(fleet: Yard) -> None:
    daemon = fleet.daemon("one").ready()
    fleet.tasks.insert_one(slow_task("a", n=10, pause=0.1))
    fleet.owner("a")
    daemon.send(signal.SIGTERM)
    daemon.says("draining")
    fleet.tasks.insert_one(slow_task("late"))
    assert daemon.wait() == 0
    assert fleet.reaches("a", 2, 1)["result_count"] == 10
    late = fleet.tasks.find_one({"task_id": "late"})
    assert late
    assert late["status"] == 0


@pytest.mark.fault("A3", "SIGTERM with a task longer than the grace")
def test_sigterm_hands_back_what_cannot_finish(fleet: Yard, measured: Measure) -> None:
    daemon = fleet.daemon("one", SCHEDULER_SHUTDOWN_GRACE="0.5").ready()
    fleet.tasks.insert_one(slow_task("a", n=20, pause=0.1, checkpoints=True))
    wait_until(lambda: len(fleet.stored("a")) >= 3)
    daemon.send(signal.SIGTERM)
    began = time.monotonic()
    assert daemon.wait() == 0
    measured("gone", time.monotonic() - began, bound=5)
    left = fleet.tasks.find_one({"task_id": "a"})
    assert left
    assert (left["status"], left["current_retry"]) == (0, 0)
    assert left["checkpoint"]["next"] >= 3
    fleet.daemon("two").ready()
    done = fleet.reaches("a", 2)
    assert (done["result_count"], done["current_retry"]) == (20, 0)
    assert len(fleet.stored("a")) == 20


@pytest.mark.fault("A3", "second signal")
@pytest.mark.parametrize(
    ("first", "second", "code"),
    [(signal.SIGTERM, signal.SIGTERM, 143), (signal.SIGINT, signal.SIGINT, 130)],
    ids=["SIGTERM", "SIGINT"],
)
def test_a_second_signal_stops_at_once(
    fleet: Yard, measured: Measure, first: signal.Signals, second: signal.Signals, code: int
) -> None:
    daemon = fleet.daemon("one").ready()
    fleet.tasks.insert_one(slow_task("a", n=1000, pause=0.1))
    fleet.owner("a")
    daemon.send(first)
    daemon.says("draining")
    daemon.send(second)
    began = time.monotonic()
    assert daemon.wait() == code
    measured("gone", time.monotonic() - began, bound=5)
    assert fleet.reaches("a", 0, 1)["current_retry"] == 0


@pytest.mark.fault("A4", "worker stopped beyond its lease, then continued")
def test_a_frozen_worker_that_comes_back_writes_nothing(fleet: Yard) -> None:
    fleet.daemon("one", **SHORT).ready()
    fleet.daemon("two", **SHORT).ready()
    fleet.tasks.insert_one(slow_task("a", n=16, pause=0.2))
    wait_until(lambda: len(fleet.stored("a")) >= 3)
    frozen = fleet.owner("a")
    frozen.send(signal.SIGSTOP)
    time.sleep(1.5 * float(SHORT["SCHEDULER_ZOMBIE_TIMEOUT"]))
    other = fleet.owner("a")
    assert other is not frozen
    frozen.send(signal.SIGCONT)
    frozen.says("lease lost", timeout_s=10)
    done = fleet.reaches("a", 2)
    assert done["worker_id"].startswith(other.name)
    assert done["result_count"] == 16
    items = fleet.stored("a")
    assert {item["content"] for item in items} == {str(other.pid)}
    assert len(items) == 16
    assert ["end", "a", str(frozen.pid)] not in fleet.effects()
    assert fleet.tasks.find_one({"task_id": "a"}) == done
    fleet.check(items=16, paused=[frozen.pid])
    other.send(signal.SIGTERM)
    assert other.wait() == 0
    fleet.tasks.insert_one(slow_task("next", n=1))
    assert fleet.reaches("next", 2, 10)["worker_id"].startswith(frozen.name)


@pytest.mark.fault("A2", "two of three workers killed under 60 tasks")
def test_a_crowd_of_tasks_survives_killed_workers(fleet: Yard, measured: Measure) -> None:
    settings = {**SHORT, "SCHEDULER_MAX_CONCURRENT_TASKS": "10"}
    daemons = [fleet.daemon(f"d{n}", **settings) for n in range(3)]
    for daemon in daemons:
        daemon.ready()
    names = [f"t{n}" for n in range(60)]
    fleet.tasks.insert_many([slow_task(name, n=4, pause=0.15) for name in names])
    for victim in daemons[:2]:
        time.sleep(0.7)
        victim.send(signal.SIGKILL)
        victim.wait()
    wait_until(lambda: fleet.tasks.count_documents(SETTLED) == 60, 60, daemons[2].log[-3000:])
    unlike = list(fleet.tasks.find({"status": {"$ne": 2}}))
    assert unlike == []
    assert fleet.database.data_items.count_documents({}) == 240
    assert fleet.tasks.count_documents({"result_count": 4}) == 60
    ends = [task for kind, task, _ in fleet.effects() if kind == "end"]
    assert set(ends) == set(names)
    verdict = fleet.check(names, items=4)
    measured("lost", verdict.lost, bound=0, unit="tasks")
    measured("runs beyond the first", verdict.repeated, bound=20, unit="runs")
