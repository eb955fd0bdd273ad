"""`hotstream health` tells living workers from deaf and dead ones, and costs next to nothing."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from daemons import Daemon, Yard, slow_task, wait_until

from hotstream_reactive import vitals
from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet
from hotstream_reactive.vitals import Condition, Vitals, judge

STOPPER = """
import time

from hotstream_reactive.platforms.base import PlatformAdapter


class BlockerAdapter(PlatformAdapter):
    platform_name = "blocker"

    async def search(self, keywords, options):
        time.sleep(60)
        yield {}
"""


def health(folder: Path, *arguments: str) -> tuple[int, Any]:
    """The exit code and what was printed as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "hotstream_reactive", "health", "--json", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def state(folder: Path, daemon: Daemon) -> str:
    _, told = health(folder, "--worker-id", f"{daemon.name}-")
    return str(told["state"])


def test_alive_from_the_start_and_gone_after_the_end(fleet: Yard) -> None:
    assert health(fleet.folder) == (3, {"schema_version": 1, "state": "dead", "workers": []})
    daemon = fleet.daemon("one").ready()
    code, told = health(fleet.folder)
    assert (code, told["state"]) == (0, "alive")
    assert told["workers"][0]["pid"] == daemon.pid
    wait_until(lambda: "stream live" in health(fleet.folder)[1]["workers"][0]["reason"])
    daemon.send(signal.SIGTERM)
    assert daemon.wait() == 0
    assert health(fleet.folder)[1]["workers"] == [], "a worker that ended in order is no dead one"


@pytest.mark.fault("H0", "health of stopped, blocked and killed workers")
def test_a_stopped_a_blocked_and_a_killed_worker(fleet: Yard) -> None:
    (fleet.folder / "plugins").mkdir()
    (fleet.folder / "plugins" / "blocker.py").write_text(STOPPER)
    blocked = fleet.daemon("blocked").ready()
    fleet.tasks.insert_one({**slow_task("a"), "platform": "blocker"})
    blocked.says("loop blocked", timeout_s=15)
    stopped, killed, well = (fleet.daemon(name).ready() for name in ("stopped", "killed", "well"))
    assert health(fleet.folder)[0] == 0, "a loop that is late is not stuck"
    stopped.send(signal.SIGSTOP)
    began = time.monotonic()
    killed.send(signal.SIGKILL)
    killed.wait()
    assert state(fleet.folder, killed) == Condition.DEAD
    wait_until(lambda: state(fleet.folder, blocked) == Condition.DEAF, 30)
    wait_until(lambda: state(fleet.folder, stopped) == Condition.DEAF, 30)
    assert 17 < time.monotonic() - began < 26
    assert state(fleet.folder, well) == Condition.ALIVE
    code, told = health(fleet.folder)
    assert (code, told["state"]) == (3, "dead"), "the worst of all"
    stopped.send(signal.SIGCONT)
    wait_until(lambda: state(fleet.folder, stopped) == Condition.ALIVE, 5)
    fleet.daemon("next").ready()
    assert "killed-" not in json.dumps(health(fleet.folder)[1]), "another has taken its place"


@pytest.mark.fault("H0", "health without a database")
@pytest.mark.slow
def test_a_worker_without_a_database_is_deaf_after_a_minute(tmp_path: Path, fleet: Yard) -> None:
    with EmbeddedReplicaSet() as server:
        fleet.uri = server.uri
        daemon = fleet.daemon("one").ready()
        server.pause(0)
        began = time.monotonic()
        wait_until(lambda: state(fleet.folder, daemon) == Condition.DEAF, 90)
        assert 50 < time.monotonic() - began < 75
        server.resume(0)
        wait_until(lambda: state(fleet.folder, daemon) == Condition.ALIVE, 20)


def test_it_is_cheap(tmp_path: Path) -> None:
    code = (
        "import sys; from hotstream_reactive.cli.main import run; run(['health'])\n"
        "heavy = {'anyio', 'httpx', 'loguru', 'motor', 'pymongo', 'rich', 'playwright'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


# The judgement itself


def living(**other: Any) -> Vitals:
    """A worker that beats now, at second 1000."""
    return msgspec.structs.replace(
        Vitals(
            worker_id="w",
            pid=os.getpid(),
            process_began=vitals.process_began(os.getpid()),
            beat_at=1000.0,
            stream="live",
            stream_since=0.0,
            swept_at=1000.0,
            database_at=1000.0,
        ),
        **other,
    )


@pytest.mark.parametrize(
    ("signs", "condition", "word"),
    [
        ({}, "alive", "stream live"),
        ({"beat_at": 979.0}, "deaf", "event loop"),
        ({"database_at": 939.0}, "deaf", "MongoDB"),
        ({"database_at": 939.0, "database_patience_s": 90.0}, "alive", ""),
        # Either alone is no harm: the sweeps find what the stream does not tell, and vice versa.
        ({"stream": "degraded", "stream_since": 900.0}, "alive", "degraded"),
        ({"swept_at": 900.0}, "alive", ""),
        ({"stream": "degraded", "stream_since": 939.0, "swept_at": 969.0}, "deaf", "no sweep"),
        ({"stream": "degraded", "stream_since": 945.0, "swept_at": 900.0}, "alive", ""),
        ({"stream": "unsupported", "swept_at": 969.0}, "deaf", "no sweep"),
        ({"stream": "off", "swept_at": 969.0, "sweep_patience_s": 600.0}, "alive", ""),
        ({"process_began": "1"}, "dead", "farewell"),
        ({"pid": 2**22 + 1}, "dead", "farewell"),
    ],
)
def test_what_counts(signs: dict[str, Any], condition: str, word: str) -> None:
    told, reason = judge(living(**signs), now=1000.0)
    assert told == condition
    assert word in reason


def test_a_torn_or_foreign_file_is_no_worker(tmp_path: Path) -> None:
    vitals.write(tmp_path, living())
    (tmp_path / "7.json").write_text('{"worker_id": "w", "pi')
    (tmp_path / "8.json").write_text("[]")
    assert [one.pid for one in vitals.read_all(tmp_path)] == [os.getpid()]
