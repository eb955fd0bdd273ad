"""Real worker processes whose event loop is blocked by a plugin, stopped, or hung for good."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from daemon_lab import Daemon, until
from pymongo.database import Database

Document = dict[str, Any]
Start = Callable[..., Daemon]
Insert = Callable[..., None]
ZOMBIE_TIMEOUT_S = 5
BLOCKER = Path(__file__).parent / "plugins" / "blocker.py"


def line_of(text: str) -> int:
    """The number of the line of the plugin in which the text stands."""
    lines = BLOCKER.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def running(database: Database[Document], task_id: str) -> Document | None:
    return database.tasks.find_one({"task_id": task_id, "status": 1})


def ended(database: Database[Document], task_id: str) -> Document:
    return until(
        lambda: database.tasks.find_one({"task_id": task_id, "status": {"$in": [2, 3]}}),
        timeout_s=40,
        what=f"the end of {task_id}",
    )


@pytest.mark.fault("F3", "adapter blocks the loop beyond the lease")
@pytest.mark.parametrize("how", ["sleep:7", "regex:5.5"])
def test_leases_are_kept_while_an_adapter_blocks_the_loop(
    sync_database: Database[Document], start: Start, insert: Insert, how: str
) -> None:
    """The tasks of a blocked worker stay its own, beyond the time after which they are rescued."""
    first = start("first")
    insert("other", "await:3")
    first.says("task=other begin")
    insert("blocking", how)
    first.says("task=blocking begin")
    second = start("second")
    warning = first.says("loop blocked")
    back = first.says("loop unblocked", timeout_s=40)
    blocked_s = float(back.partition("blocked_s=")[2].split()[0])
    assert blocked_s > ZOMBIE_TIMEOUT_S, "or the test would prove nothing"

    for task_id in ("blocking", "other"):
        task = ended(sync_database, task_id)
        assert (task["status"], task["run_number"]) == (2, 1), first.log
        assert task["worker_id"].startswith("first-")
    assert {run["outcome"] for run in sync_database.task_runs.find()} == {"completed"}
    assert "claimed" not in second.log
    assert "rescued" not in first.log + second.log
    # It says where, and whose run it is, once.
    place = (
        f"blocker.py:{line_of('time.sleep(float(much))')} search"
        if how.startswith("sleep")
        else f"blocker.py:{line_of('re.match(')} hopeless < blocker.py:"
    )
    assert f"where={place}" in warning
    assert "task=blocking" in warning
    assert first.log.count("loop blocked") == 1
    # And so does the log that is kept with the run.
    run = sync_database.task_runs.find_one({"task_id": "blocking"})
    assert any("loop blocked" in line for line in run["log"])
    assert first.stop() == 0


def test_a_task_of_the_adapter_itself_is_named(start: Start, insert: Insert) -> None:
    """Also code in a task that the adapter started belongs to its run, among several."""
    worker = start("first")
    insert("other", "await:30")
    worker.says("task=other begin")
    insert("parent", "child:3")
    warning = worker.says("loop blocked")
    assert f"task=parent loop blocked where=blocker.py:{line_of('time.sleep(seconds)')} hold" in (
        warning
    )


@pytest.mark.fault("F3", "loop that does not come back")
def test_a_loop_that_does_not_come_back_ends_the_process(
    sync_database: Database[Document], start: Start, insert: Insert, tmp_path: Path
) -> None:
    """Exit code 70 and the stacks; another worker then runs the task."""
    hung = start("hung", scheduler_stuck_after=3, scheduler_zombie_timeout=3)
    insert("heavy", f"sleep-once:{tmp_path}/marker")
    assert hung.wait(20) == 70
    assert "loop stuck" in hung.log
    assert "scheduler.stuck_after = 3 s" in hung.log
    place = f"blocker.py:{line_of('time.sleep(60)')} search"
    assert f"stack of the event loop: {place}" in hung.log
    other = start("other", scheduler_zombie_timeout=3)
    task = ended(sync_database, "heavy")
    assert (task["status"], task["run_number"]) == (2, 2), other.log
    assert task["worker_id"].startswith("other-")


@pytest.mark.fault("A4", "stopped process and the watch over the loop")
def test_a_process_that_was_stopped_is_no_false_alarm(
    sync_database: Database[Document], start: Start, insert: Insert
) -> None:
    """After SIGCONT the loop gets the time to tick before anything is concluded."""
    worker = start("stopped", scheduler_stuck_after=3, scheduler_zombie_timeout=60)
    insert("patient", "await:5", timeout=60)
    worker.says("task=patient begin")
    worker.signal(signal.SIGSTOP)
    time.sleep(3.5)  # longer than stuck_after, and than the loop may be silent
    stopped_at = running(sync_database, "patient")
    assert stopped_at is not None
    worker.signal(signal.SIGCONT)
    assert ended(sync_database, "patient")["status"] == 2
    assert worker.stop() == 0
    assert "loop" not in worker.log
