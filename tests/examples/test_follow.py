"""Programs that watch tasks from outside, and the one that writes an order with its task."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from tests.daemon_lab import until
from tests.examples.languages import EXAMPLES, command

pytestmark = pytest.mark.usefixtures("worker")
Tasks = Any


@pytest.fixture
def tasks(sync_database: Database[dict[str, Any]]) -> Tasks:
    return sync_database.tasks


def insert(tasks: Tasks, task_id: str, keyword: str) -> None:
    tasks.insert_one({"task_id": task_id, "platform": "near", "keywords": [keyword], "status": 0})


@contextmanager
def running(asked: list[str]) -> Iterator[tuple[subprocess.Popen[str], Callable[[str], None]]]:
    """A program, and what waits until it has written a line that ends so."""
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        output = program.stdout

        def says(end: str) -> None:
            lines = []
            for line in output:
                lines.append(line)
                if line.rstrip().endswith(end):
                    return
            raise AssertionError(f"no line ends with {end!r}: {lines}")

        try:
            yield program, says
        finally:
            program.kill()


def test_progress_and_items_are_seen_while_the_task_runs(tasks: Tasks) -> None:
    insert(tasks, "s", "slow")
    with running([sys.executable, str(EXAMPLES / "follow.py"), "s"]) as (program, says):
        says('item s_0 "slow"')
        says('item s_1 "slow"')
        assert tasks.find_one({"task_id": "s"})["status"] == 1
        tasks.update_one({"task_id": "s"}, {"$set": {"status": 4}})
        says("cancelled")
        says("2 items")
        assert program.wait(10) == 1


def test_what_ended_or_is_deleted_or_never_was(tasks: Tasks) -> None:
    def follow(task_id: str) -> tuple[int, list[str]]:
        asked = [sys.executable, str(EXAMPLES / "follow.py"), task_id]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, (done.stdout + done.stderr).splitlines()

    insert(tasks, "a", "\x1b[31mred")
    until(lambda: tasks.find_one({"task_id": "a", "status": 2}), what="the task")
    code, lines = follow("a")
    assert (code, lines[0], lines[-1]) == (0, "task 100% completed", "3 items")
    assert lines[1] == r'item a_0 "\u001b[31mred"'
    assert follow("none") == (3, ["no task 'none'"])
    insert(tasks, "s", "slow")
    with running([sys.executable, str(EXAMPLES / "follow.py"), "s"]) as (program, says):
        says('item s_1 "slow"')
        tasks.delete_one({"task_id": "s"})
        says("the task was deleted")
        assert program.wait(10) == 1


def test_the_shell_tells_of_every_change(
    tasks: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLY", "a")
    with running(command("follow.js", [], tmp_path)) as (program, says):
        says("watching")
        insert(tasks, "b", "hello")
        insert(tasks, "a", "hello")
        says("a completed 100% 3 items")
        assert program.wait(10) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "last", "states"),
    [
        (["hello"], 0, "delivered: 3 items", ["delivered"]),
        (["broken"], 1, "no such thing", ["failed"]),
        (["hello", "--refuse"], 1, "the card was refused: 0 documents are left of it", []),
    ],
)
def test_an_order_and_its_task_are_both_there_or_neither(
    sync_database: Database[dict[str, Any]],
    arguments: list[str],
    code: int,
    last: str,
    states: list[str],
) -> None:
    asked = [sys.executable, str(EXAMPLES / "transactional_enqueue.py"), "near", *arguments]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert last in done.stdout.splitlines()[-1]
    assert [order["state"] for order in sync_database.orders.find()] == states
    assert sync_database.tasks.count_documents({}) == len(states)
