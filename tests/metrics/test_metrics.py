"""Figures for Prometheus: by HTTP from a real worker, and against the page that explains them."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pymongo.database import Database

from hotstream_reactive.engine.events import Events
from hotstream_reactive.metrics import open_meter
from hotstream_reactive.metrics.figures import Figures
from hotstream_reactive.mongo.mongod import free_ports
from hotstream_reactive.settings import Settings
from tests.daemon_lab import Daemon, daemons, until

ROOT = Path(__file__).parents[2]
PLATFORM = """
import time

import anyio
from hotstream_reactive import BlockedError, DataItem, PlatformAdapter
from hotstream_reactive.fetch.http import HttpClient


class MeasuredAdapter(PlatformAdapter):
    platform_name = "measured"

    async def search(self, keywords, options):
        match keywords[0]:
            case "blocked":
                raise BlockedError("no way through")
            case "sleeps":
                time.sleep(options.get("seconds"))
            case "waits":
                await anyio.sleep_forever()
            case "fetches":
                own = self.context.platform
                async with HttpClient.for_platform(self.context.fetch, own) as http:
                    for page in ("", "missing", "missing"):
                        await http.get(f"{own.base_url}/{page}")
                yield DataItem(id="fetched", platform="measured", content="x")
            case word:
                for _ in range(int(word)):
                    yield DataItem(id=f"{word}_{time.time()}", platform="measured", content="x")
"""

Samples = dict[str, float]


class Measured:
    """A worker and its figures."""

    def __init__(self, daemon: Daemon, port: int, tasks: Any) -> None:
        self.daemon = daemon
        self.url = f"http://127.0.0.1:{port}/metrics"
        self.tasks = tasks

    def samples(self) -> Samples:
        """All samples, by name and labels as Prometheus writes them."""
        text = httpx.get(self.url, timeout=10).raise_for_status().text
        return {
            sample.name
            + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): float(
                sample.value
            )
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def reaches(self, name: str, value: float) -> Samples:
        def there() -> Samples | None:
            samples = self.samples()
            return samples if samples.get(name) == value else None

        what = f"{name} is {self.samples().get(name)}, not {value}\n{self.daemon.log}"
        found: Samples = until(there, what=what)
        return found

    def run(self, word: str, **fields: Any) -> str:
        task_id = f"{word}-{time.monotonic_ns()}"
        task = {"task_id": task_id, "platform": "measured", "keywords": [word], "status": 0}
        # In order already, so that no worker has to put it in order before it can be found.
        order = {"priority": 5, "immediate": False, "created_at": datetime.now(UTC)}
        self.tasks.insert_one({**order, **task, **fields})
        return task_id


@pytest.fixture
def start(
    mongo_server: Any, sync_database: Database[dict[str, Any]], tmp_path: Path
) -> Iterator[Callable[..., Measured]]:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "measured.py").write_text(PLATFORM)
    with daemons(mongo_server.uri, sync_database.name, tmp_path, plugins) as start_daemon:

        def begin(name: str = "w", **settings: object) -> Measured:
            [port] = free_ports(1)
            daemon = start_daemon(name, monitoring_metrics_address=f"127.0.0.1:{port}", **settings)
            daemon.says("figures at")
            return Measured(daemon, port, sync_database.tasks)

        yield begin


def test_figures_follow_what_a_worker_does(start: Callable[..., Measured]) -> None:
    worker = start(scheduler_max_concurrent_tasks=7)
    worker.reaches("hotstream_stream_state state=live", 1)
    before = worker.samples()
    assert before["hotstream_slots"] == 7
    assert before["hotstream_runs_total outcome=completed platform=measured"] == 0
    worker.run("3")
    worker.run("0")
    worker.run("blocked", retry_count=0)
    worker.run("1", platform="made up", retry_count=0)
    worker.tasks.insert_one({"task_id": "bad", "platform": "measured", "priority": "high"})
    worker.reaches("hotstream_runs_total outcome=completed platform=measured", 2)
    worker.reaches("hotstream_failures_total cause=blocked platform=measured", 1)
    worker.reaches("hotstream_failures_total cause=invalid_task platform=other", 1)
    worker.reaches("hotstream_refused_total", 1)
    worker.run("waits")
    figures = worker.reaches("hotstream_running", 1)
    assert figures["hotstream_items_total platform=measured"] == 3
    assert figures["hotstream_empty_total platform=measured"] == 1
    assert figures["hotstream_pickup_seconds_count platform=measured"] >= 3
    assert figures["hotstream_pickup_seconds_sum platform=measured"] < 30
    assert figures["hotstream_run_seconds_count platform=measured"] == 3
    assert 0 <= figures["hotstream_stream_silence_seconds"] < 60
    assert not any("made up" in name for name in figures), "no series of a document's making"


def test_it_answers_while_the_loop_is_blocked_and_tells_of_it_later(
    start: Callable[..., Measured],
) -> None:
    worker = start()
    calm = worker.samples()["hotstream_loop_lag_seconds_bucket le=1.0"]
    worker.run("sleeps", options={"seconds": 4})
    worker.daemon.says("loop blocked")
    assert "hotstream_running" in worker.samples()
    late = until(
        lambda: (
            (seen := worker.samples())["hotstream_loop_lag_seconds_count"]
            - seen["hotstream_loop_lag_seconds_bucket le=1.0"]
        ),
        what=f"{calm} ticks in time, and none late",
    )
    assert late >= 1


def test_what_the_stream_does_not_tell_is_counted(start: Callable[..., Measured]) -> None:
    blind = start(scheduler_reactive="false", scheduler_check_interval=0.5)
    blind.reaches("hotstream_stream_state state=off", 1)
    blind.run("1")
    blind.reaches("hotstream_sweep_found_total stream=off", 1)
    # This one has to be put in order before it can be found.
    blind.tasks.insert_one({"task_id": "careless", "platform": "measured", "keywords": ["1"]})
    # Claimed in the very moment in which it is put in order, it counts twice.
    name = "hotstream_sweep_found_total stream=off"
    until(lambda: blind.samples()[name] >= 2, what=name)


def test_pages_are_counted(start: Callable[..., Measured], tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        worker = start(platforms_measured_base_url=f"http://127.0.0.1:{site.server_port}")
        assert worker.samples()["hotstream_pages_total platform=measured"] == 0
        worker.run("fetches")
        worker.reaches("hotstream_pages_total platform=measured", 3)
        site.shutdown()


def test_with_a_live_stream_sweeps_find_nothing_new(start: Callable[..., Measured]) -> None:
    worker = start(scheduler_check_interval=5, scheduler_priority_check_interval=5)
    worker.reaches("hotstream_stream_state state=live", 1)
    for _ in range(5):
        worker.run("1")
    worker.tasks.insert_one({"task_id": "careless", "platform": "measured", "keywords": ["1"]})
    worker.run("1", run_at=datetime.now(UTC) + timedelta(seconds=1))
    figures = worker.reaches("hotstream_runs_total outcome=completed platform=measured", 7)
    # One may fall into the millisecond between an insert and its event.
    assert figures.get("hotstream_sweep_found_total stream=live", 0) <= 1


def test_a_rescued_task_is_counted(start: Callable[..., Measured]) -> None:
    worker = start(scheduler_zombie_timeout=2, scheduler_heartbeat_interval=0.5)
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    dead = {"status": 1, "worker_id": "dead", "lease_id": "old", "last_heartbeat": long_ago}
    worker.run("1", started_at=long_ago, run_number=1, **dead)
    worker.reaches("hotstream_rescues_total result=rescued", 1)


def test_a_port_that_is_taken_stops_no_worker(
    mongo_server: Any, database_name: str, tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with daemons(mongo_server.uri, database_name, tmp_path, tmp_path / "none") as begin:
            daemon = begin("w", monitoring_metrics_address=f"127.0.0.1:{port}")
            assert "a port of its own" in daemon.says("metrics_address = ")
            assert daemon.stop() == 0


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from hotstream_reactive.cli.main import run\n"
        "sys.exit(run(['start-daemon', '--embedded']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOTSTREAM_MONITORING_METRICS_ADDRESS": "127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 78, done.stderr
    assert "pip install 'hotstream-reactive[metrics]'" in done.stderr


def test_it_is_off_unless_asked_for() -> None:
    assert open_meter(Settings(), Events(), worker_id="w", platforms=["a"]) is None


def own_families() -> dict[str, Any]:
    return {
        family.name + {"counter": "_total", "info": "_info"}.get(family.type, ""): family
        for family in Figures("w", ["a"], slots=1).registry.collect()
        if family.name.startswith("hotstream_")
    }


def test_the_page_explains_every_figure() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    rows = re.findall(r"^\| `(hotstream_\w+)` \| (\w+) \| [^|]*\| (.+) \|$", page, re.M)
    explained = {name: (kind, meaning) for name, kind, meaning in rows}
    assert explained == {
        name: (family.type, family.documentation) for name, family in own_families().items()
    }


def test_the_dashboard_asks_for_figures_there_are() -> None:
    board = json.loads((ROOT / "deploy" / "grafana" / "hotstream.json").read_text("utf-8"))
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"hotstream_\w+", target["expr"])
    }
    known = {re.sub(r"_bucket$", "", name) for name in asked}
    assert known <= set(own_families())
    assert len(known) >= 15
    places = [tuple(panel["gridPos"].values()) for panel in board["panels"]]
    assert len(set(places)) == len(places)
