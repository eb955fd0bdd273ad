"""The last lines of a task's log are kept with its run."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from daemon_lab import daemons, until
from loguru import logger
from pymongo.database import Database

from hotstream_reactive.engine.runlog import LONGEST_LINE, MOST_LINES, RunLog

pytestmark = pytest.mark.anyio
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|WARNING|ERROR) (.*)")
PLUGINS = Path(__file__).parents[1] / "faults" / "lifeline" / "plugins"


@pytest.fixture
async def run_log() -> AsyncIterator[RunLog]:
    """A run log that listens."""
    log = RunLog()
    async with anyio.create_task_group() as group:
        group.start_soon(log.listen, "INFO")
        await anyio.lowlevel.checkpoint()
        yield log
        group.cancel_scope.cancel()


def texts(lines: list[str]) -> list[str]:
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found), lines
    return [match[2] for match in found if match]


async def test_lines_of_the_run_are_kept_and_of_nobody_else(run_log: RunLog) -> None:
    run_log.open("a", "lease-a")
    run_log.open("b", "lease-b")
    logger.info("of no task")
    logger.bind(task_id="a").info("first")
    logger.bind(task_id="unknown").info("of a task that does not run here")
    logger.bind(task_id="b").warning("other")
    logger.bind(task_id="a").debug("below the level")
    logger.bind(task_id="a").error("last")
    lines = run_log.close("lease-a")
    assert texts(lines) == ["first", "last"]
    assert [line.split()[1] for line in lines] == ["INFO", "ERROR"]
    assert texts(run_log.close("lease-b")) == ["other"]


async def test_only_the_last_lines_are_kept_and_long_ones_are_cut(run_log: RunLog) -> None:
    run_log.open("a", "lease-a")
    log = logger.bind(task_id="a")
    for number in range(MOST_LINES + 30):
        log.info(f"line {number}")
    log.info("x" * 5000)
    lines = texts(run_log.close("lease-a"))
    assert len(lines) == MOST_LINES
    assert lines[0] == "line 31"
    assert len(lines[-1]) == LONGEST_LINE


async def test_lines_are_harmless_and_without_secrets(run_log: RunLog) -> None:
    run_log.open("a", "lease-a")
    log = logger.bind(task_id="a")
    log.info("\x1b[2Jone\ntwo\u202e mongodb://u:hush@host/ password=hush")
    log.opt(exception=ValueError("api_key=hush")).error("it broke")
    lines = texts(run_log.close("lease-a"))
    assert "hush" not in "".join(lines)
    assert lines[0].startswith("[2Jone⏎two mongodb://")
    assert lines[1] == "it broke (ValueError: api_key=***)"


async def test_nothing_is_left_of_a_run_that_has_ended(run_log: RunLog) -> None:
    for number in range(100):
        run_log.open("a", f"lease-{number}")
        logger.bind(task_id="a").info("x")
        run_log.close(f"lease-{number}")
    logger.bind(task_id="a").info("late")
    assert run_log.close("lease-1") == []
    assert not run_log._by_task
    assert not run_log._by_lease


async def test_a_late_run_of_the_same_task_gets_no_lines_of_the_next(run_log: RunLog) -> None:
    run_log.open("a", "first")
    logger.bind(task_id="a").info("of the first")
    run_log.open("a", "second")
    logger.bind(task_id="a").info("of the second")
    assert texts(run_log.close("first")) == ["of the first"]
    logger.bind(task_id="a").info("again")
    assert texts(run_log.close("second")) == ["of the second", "again"]


async def test_threads_may_log_while_runs_begin_and_end(run_log: RunLog) -> None:
    def chatter() -> None:
        for _ in range(300):
            logger.bind(task_id="a").info("x")

    threads = [threading.Thread(target=chatter) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(200):
        run_log.open("a", f"lease-{number}")
        await anyio.lowlevel.checkpoint()
        assert len(run_log.close(f"lease-{number}")) <= MOST_LINES
    for thread in threads:
        thread.join()


async def test_somebody_else_configuring_the_log_does_no_harm() -> None:
    log = RunLog()
    async with anyio.create_task_group() as group:
        group.start_soon(log.listen, "INFO")
        await anyio.lowlevel.checkpoint()
        logger.remove()
        group.cancel_scope.cancel()


def test_a_real_run_keeps_its_log_and_where_an_unexpected_error_was_raised(
    mongo_server: Any,
    database_name: str,
    sync_database: Database[dict[str, Any]],
    tmp_path: Path,
) -> None:
    with daemons(mongo_server.uri, database_name, tmp_path, PLUGINS) as start:
        worker = start("first")
        for task_id, keyword in (("broken", "raise"), ("refused", "refuse"), ("fine", "await:0")):
            sync_database.tasks.insert_one(
                {
                    "task_id": task_id,
                    "platform": "blocker",
                    "keywords": [keyword],
                    "retry_count": 0,
                }
            )
        runs = until(lambda: len(found := list(sync_database.task_runs.find())) == 3 and found)
        assert worker.stop() == 0
    by_task = {run["task_id"]: run for run in runs}
    broken = by_task["broken"]
    assert texts(broken["log"])[-1] == "begin raise"
    assert texts(broken["log"])[0].startswith("claimed")
    assert [re.sub(r":\d+", "", place) for place in broken["trace"]][-2:] == [
        "blocker.py search",
        "blocker.py fail",
    ]
    assert len(broken["trace"]) == 3
    # HotStream's own errors say all themselves.
    assert "trace" not in by_task["refused"]
    assert "trace" not in by_task["fine"]
    assert "begin await:0" in texts(by_task["fine"]["log"])
    assert "hush" not in str([(run["log"], run.get("trace")) for run in runs])
