"""Traces of a real worker, read by a collector as OpenTelemetry's own would read them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from pymongo.database import Database

from hotstream_reactive.mongo.mongod import free_ports
from tests.daemon_lab import Daemon, daemons, until
from tests.traces.collector import Collector, Sent, collector

#: In everything that must not get into a trace.
CANARY = "canary4711"
PLATFORM = f"""
import anyio
from hotstream_reactive import BlockedError, DataItem, PlatformAdapter, TransientError
from hotstream_reactive.fetch.http import HttpClient


class TracedAdapter(PlatformAdapter):
    platform_name = "traced"

    async def search(self, keywords, options):
        own = self.context.platform
        match keywords[0]:
            case "fetches":
                async with HttpClient.for_platform(self.context.fetch, own, retries=0) as http:
                    await http.get(f"{{own.base_url}}/v1/traces/?token={CANARY}")
                    try:
                        await http.get("http://127.0.0.1:1/gone", headers={{}})
                    except BlockedError:
                        pass
                for n in range(3):
                    yield DataItem(id=f"fetched_{{n}}", platform="traced", content="x")
            case "blocked":
                raise BlockedError("no way to http://user:{CANARY}@site.example/")
            case "again" if self.context.checkpoint.get("n", 0) < 1:
                yield DataItem(id="again", platform="traced", content="x")
                await self.context.save_checkpoint({{"n": 1}})
                raise TransientError("once more", kind="timeout")
            case "waits":
                await anyio.sleep_forever()
            case _:
                yield DataItem(id=keywords[0], platform="traced", content="x")
"""
Start = Callable[..., Daemon]
Tasks = Any


@pytest.fixture
def tasks(sync_database: Database[dict[str, Any]]) -> Tasks:
    return sync_database.tasks


@pytest.fixture
def start(mongo_server: Any, database_name: str, tmp_path: Path) -> Iterator[Start]:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "traced.py").write_text(PLATFORM)
    with daemons(mongo_server.uri, database_name, tmp_path, plugins) as begin:
        yield begin


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans are sent ten times a second and not every five."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")


def insert(tasks: Tasks, task_id: str, keyword: str, **fields: Any) -> None:
    tasks.insert_one(
        {"task_id": task_id, "platform": "traced", "keywords": [keyword], "status": 0, **fields}
    )


def run_of(kept: Collector, task_id: str) -> Sent:
    until(lambda: kept.of(task_id), what=f"a span of {task_id}")
    [run] = kept.of(task_id)
    return run


def test_a_run_is_a_span_and_its_pages_are_below(start: Start, tasks: Tasks) -> None:
    with collector() as kept:
        began_at = time.time_ns()
        start("w", monitoring_traces_endpoint=kept.url).says("traces to")
        insert(tasks, "a", "x", priority=2, options={"limit": 5, "secret": CANARY})
        run = run_of(kept, "a")
        assert kept.paths[0] == "/v1/traces"
        assert run.span.name == "run"
        assert run.span.kind == Span.SPAN_KIND_CONSUMER
        assert began_at < run.span.start_time_unix_nano < time.time_ns()
        assert 0 < run.seconds < 30
        assert run.span.status.code == Status.STATUS_CODE_UNSET
        assert run.attributes["hotstream.waited_s"] >= 0
        assert {
            "hotstream.platform": "traced",
            "hotstream.task_type": "search",
            "hotstream.priority": 2,
            "hotstream.run_number": 1,
            "hotstream.outcome": "completed",
            "hotstream.items": 1,
        }.items() <= run.attributes.items()
        assert run.resource["service.name"] == "hotstream"
        assert run.resource["service.instance.id"].startswith("w-")


def test_pages_are_below_their_run(start: Start, tasks: Tasks) -> None:
    with collector() as kept:
        start(
            "w",
            monitoring_traces_endpoint=f"{kept.url}/v1/traces",
            platforms_traced_base_url=kept.url,
            platforms_traced_respect_robots="false",
        )
        insert(tasks, "a", "fetches")
        run = run_of(kept, "a")
        assert run.attributes["hotstream.items"] == 3
        pages = until(lambda: len(found := kept.below(run)) == 2 and found, what="the pages")
        got, refused = sorted(pages, key=lambda page: page.span.start_time_unix_nano)
        assert {page.span.trace_id for page in pages} == {run.span.trace_id}
        for page in pages:
            assert page.span.kind == Span.SPAN_KIND_CLIENT
            assert page.span.start_time_unix_nano >= run.span.start_time_unix_nano
            assert page.span.end_time_unix_nano <= run.span.end_time_unix_nano
        # The collector itself, which knows no GET.
        assert got.attributes == {
            "server.address": kept.url.removeprefix("http://"),
            "url.path": "/v1/traces/",
            "hotstream.way": "http",
            "http.response.status_code": 501,
            "error.type": "501",
        }
        assert refused.attributes["error.type"] == "forbidden_address"
        assert "http.response.status_code" not in refused.attributes
        assert not any(CANARY.encode() in body for body in kept.bodies)


def test_what_went_wrong_is_told_without_secrets(start: Start, tasks: Tasks) -> None:
    with collector() as kept:
        start("w", monitoring_traces_endpoint=kept.url, scheduler_retry_base_delay=0.1)
        insert(tasks, "blocked", "blocked", retry_count=0, name=CANARY)
        run = run_of(kept, "blocked")
        assert run.span.status.code == Status.STATUS_CODE_ERROR
        assert "no way to http://***@site.example/" in run.span.status.message
        assert run.attributes["hotstream.outcome"] == "failed"
        assert run.attributes["error.type"] == "blocked"
        insert(tasks, "again", "again")
        until(lambda: len(kept.of("again")) == 2, what="both runs")
        first, second = sorted(
            kept.of("again"), key=lambda run: int(run.attributes["hotstream.run_number"])
        )
        assert first.attributes["hotstream.outcome"] == "retry"
        assert first.attributes["error.type"] == "transient"
        assert second.attributes["hotstream.outcome"] == "completed"
        # Claimed, and then not understood: there was no run to begin with.
        insert(tasks, "elsewhere", "x", platform="unknown", retry_count=0)
        assert run_of(kept, "elsewhere").attributes["error.type"] == "invalid_task"
        assert not any(CANARY.encode() in body for body in kept.bodies)


def test_the_last_outcome_is_sent_before_a_worker_ends(
    start: Start, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization=Bearer {CANARY}")
    with collector() as kept:
        daemon = start("w", monitoring_traces_endpoint=kept.url, scheduler_shutdown_grace=0.1)
        insert(tasks, "a", "waits")
        daemon.says("claimed")
        assert not kept.spans
        assert daemon.stop() == 0
        [run] = kept.of("a")
        assert run.attributes["hotstream.outcome"] == "retry"
        assert kept.authorizations == [f"Bearer {CANARY}"]
        assert CANARY not in daemon.log


@pytest.mark.parametrize("how", ["down", "hangs"])
def test_a_collector_that_is_gone_delays_nothing_and_fills_no_log(
    start: Start, tasks: Tasks, how: str
) -> None:
    [port] = free_ports(1)
    address = f"http://user:{CANARY}@127.0.0.1:{port}"
    with ExitStack() as standing:
        if how == "hangs":
            standing.enter_context(collector(port, hang=True))
        daemon = run_without_collector(start, tasks, address)
    with collector(port) as back:
        insert(tasks, "back", "back")
        daemon.says("takes them again")
        run_of(back, "back")
    began_at = time.monotonic()
    insert(tasks, "last", "last")
    assert daemon.stop() == 0
    assert time.monotonic() - began_at < 15


def run_without_collector(start: Start, tasks: Tasks, address: str) -> Daemon:
    daemon = start("w", monitoring_traces_endpoint=address)
    began_at = time.monotonic()
    order = {"priority": 5, "immediate": False, "created_at": datetime.now(UTC)}
    tasks.insert_many(
        [
            {"task_id": f"t{n}", "platform": "traced", "keywords": [f"k{n}"], "status": 0, **order}
            for n in range(200)
        ]
    )
    until(lambda: tasks.count_documents({"status": 2}) == 200, what="all tasks", timeout_s=30)
    ran_s = time.monotonic() - began_at
    line = daemon.says("does not take them")
    assert f"http://{address.partition('@')[2]} " in line
    for n in range(10):
        insert(tasks, f"later{n}", f"later{n}")
        until(lambda n=n: tasks.find_one({"task_id": f"later{n}", "status": 2}), what="later")
    told = [line for line in daemon.log.splitlines() if "traces" in line.lower()]
    assert len(told) == 2, told
    assert CANARY not in daemon.log
    assert ran_s < 20
    return daemon


def test_it_costs_nothing_when_off() -> None:
    code = (
        "import sys\n"
        "from hotstream_reactive.app import make_worker, open_traces\n"
        "from hotstream_reactive.engine.events import Events\n"
        "from hotstream_reactive.settings import Settings\n"
        "assert open_traces(Settings(), Events(), worker_id='w') is None\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from hotstream_reactive.cli.main import run\n"
        "sys.exit(run(['start-daemon', '--embedded']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "HOTSTREAM_MONITORING_TRACES_ENDPOINT": f"http://u:{CANARY}@127.0.0.1:4318",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 78, done.stderr
    assert "pip install 'hotstream-reactive[otel]'" in done.stderr
    assert CANARY not in done.stderr
