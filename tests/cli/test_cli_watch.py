"""`watch`: every change, the end, and its exit code."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database

from tests.cli.command import HOSTILE, Cli

Db = Database[dict[str, Any]]


@pytest.fixture
def tasks(sync_database: Db) -> Iterator[Any]:
    sync_database.tasks.insert_one({"task_id": "t", "platform": "twitter", "status": 0})
    yield sync_database.tasks


def follow(cli: Cli, *arguments: str) -> subprocess.Popen[str]:
    return cli.start("watch", "t", "--timeout", "60", *arguments)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
def test_one_line_per_change_and_the_end(cli: Cli, tasks: Any, driver: str) -> None:
    cli.env["HOTSTREAM_MONGODB_DRIVER"] = driver
    with follow(cli) as process:
        assert "pending" in line(process)
        running = {"status": 1, "worker_id": "w1", "progress": 0.1, "result_count": 0}
        for fields, expected in (
            (running, ("starting", "10%", "0 items", "w1")),
            ({"progress": 0.4, "result_count": 7}, ("collecting", "40%", "7 items")),
            ({"progress": 0.7}, ("processing", "70%")),
            ({"progress": 0.9}, ("storing", "90%")),
        ):
            tasks.update_one({}, {"$set": fields})
            text = line(process)
            assert all(part in text for part in expected), text
        tasks.update_one({}, {"$currentDate": {"last_heartbeat": True}})
        tasks.update_one({}, {"$set": {"status": 3, "error_message": "no such account"}})
        out, err = process.communicate(timeout=30)
    assert "failed" in out
    assert "no such account" in out
    assert len(out.splitlines()) == 1
    assert (process.returncode, err) == (1, "")


@pytest.mark.parametrize(("status", "code"), [(2, 0), (3, 1), (4, 1)])
def test_an_ended_task_ends_it_at_once(cli: Cli, tasks: Any, status: int, code: int) -> None:
    tasks.update_one({}, {"$set": {"status": status}})
    assert cli("watch", "t").code == code


def test_json_lines(cli: Cli, tasks: Any) -> None:
    with follow(cli, "--json") as process:
        first = json.loads(line(process))
        tasks.update_one({}, {"$set": {"status": 2, "result_count": 3, "progress": 1.0}})
        last = json.loads(line(process))
        assert process.wait(30) == 0
    assert (first["schema_version"], first["status"], first["phase"]) == (1, "pending", "pending")
    assert (last["status"], last["result_count"], last["task_id"]) == ("completed", 3, "t")
    assert last["at"].endswith("Z")


def test_a_retry_and_a_task_written_anew_are_followed(cli: Cli, tasks: Any) -> None:
    with follow(cli) as process:
        line(process)
        tasks.update_one(
            {},
            {"$set": {"current_retry": 1, "retry_count": 3, "error_message": "away", "status": 0}},
        )
        assert "retry 1 of 3: away" in line(process)
        tasks.replace_one({}, {"task_id": "t", "status": 1, "worker_id": "w9"})
        assert "w9" in line(process)
        tasks.update_one({}, {"$set": {"status": 2}})
        assert process.wait(30) == 0


def test_a_deleted_task(cli: Cli, tasks: Any) -> None:
    with follow(cli) as process:
        line(process)
        tasks.delete_one({})
        _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "deleted" in err


def test_the_time_limit(cli: Cli, tasks: Any) -> None:
    result = cli("watch", "t", "--timeout", "0.3")
    assert result.code == 124
    assert "still pending" in result.err
    assert cli("-q", "watch", "t", "--timeout", "0.1").err == ""


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
def test_ctrl_c(cli: Cli, tasks: Any, driver: str) -> None:
    cli.env["HOTSTREAM_MONGODB_DRIVER"] = driver
    with follow(cli) as process:
        line(process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "interrupted\n")


def test_a_bar_on_a_terminal(cli: Cli, tasks: Any) -> None:
    tasks.update_one({}, {"$set": {"name": HOSTILE, "worker_id": HOSTILE}})
    ours, theirs = pty.openpty()
    streams = {"stdout": theirs, "stderr": theirs}
    with cli.start("watch", "t", env={"COLUMNS": "100"}, **streams) as process:
        os.close(theirs)
        seen = b""
        while b"pending" not in seen:
            seen += os.read(ours, 65536)
        fields = {"status": 1, "progress": 0.4, "result_count": 7}
        tasks.update_one({}, [{"$set": {**fields, "started_at": "$$NOW"}}])
        while b"collecting" not in seen:
            seen += os.read(ours, 65536)
        tasks.update_one({}, {"$set": {"status": 3, "error_message": HOSTILE}})
        try:
            while chunk := os.read(ours, 65536):
                seen += chunk
        except OSError:
            pass  # this is how the end of a terminal is told
        assert process.wait(30) == 1
    os.close(ours)
    assert b"7 items" in seen
    assert b"failed: 7 items" in seen
    assert b"\x1b]0;" not in seen
    assert "\u202e".encode() not in seen
