"""What outsiders could reach: queries by the command line, ports of a worker, texts in options."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemons import Daemon, Yard, slow_task
from pymongo.database import Database

from hotstream_reactive.mongo.mongod import free_ports
from tests.cli.command import Cli, bare_environment
from tests.fault_report import Measure

Db = Database[dict[str, Any]]
#: Would match everything, run code in the server, or take it hours, were they more than texts.
INJECTED = ['{"$ne":null}', '{"$where":"sleep(9000)"}', '{"$gt":""}', "$where", '{"$expr":true}']
REGEX_BOMB = "(a+)+$"


@pytest.fixture
def cli(mongo_server: Any, database_name: str, tmp_path: Path) -> Cli:
    where = {"MONGODB_URI": mongo_server.uri, "MONGODB_DATABASE": database_name}
    return Cli(tmp_path, bare_environment() | where)


@pytest.mark.fault("H4", "filters of the command line that are queries")
def test_filters_are_texts(cli: Cli, sync_database: Db, measured: Measure) -> None:
    sync_database.tasks.insert_many([slow_task(f"t{n}") for n in range(3)])
    content = "a" * 40_000 + "!"
    sync_database.data_items.insert_many(
        [{"platform": "slow", "id": f"i{n}", "task_id": "t0", "content": content} for n in range(9)]
    )
    with profiled(sync_database) as listing:
        for text in INJECTED:
            for option in ("--platform", "--worker"):
                assert cli("list", option, text, "--json").json["tasks"] == []
    with profiled(sync_database) as reading:
        for text in INJECTED:
            for option in ("--platform", "--author", "--task", "--contains"):
                assert cli("query-data", option, text, "--json").json["count"] == 0
        began = time.monotonic()
        assert cli("query-data", "--contains", REGEX_BOMB, "--json").json["count"] == 0
        measured("a regular expression that explodes", time.monotonic() - began, bound=2)
    with profiled(sync_database) as editing:
        for text in INJECTED:
            for verb in ("cancel", "retry", "promote"):
                assert cli(verb, "--platform", text, "-y").out == "no task matches\n"
                assert cli(verb, text, "-y").code == 3
            assert cli("show", text).code == 3
            assert cli("explain", text).code == 3
    assert sync_database.tasks.count_documents({"status": 0}) == 3, "nothing was changed"
    for asked, number in ((listing, 2), (reading, 4), (editing, 5)):
        assert len(asked) >= len(INJECTED) * number, "or the test would prove nothing"
        assert not {"$where", "$function"} & keys(asked), asked
    # Beside the aggregation there is the look of whoever connects, whether he may read at all.
    longest = max(command["maxTimeMS"] for command in listing if "aggregate" in command) / 1000
    measured("longest that a list may take the server", longest, bound=2)
    # Items are also searched by their text, of which there is no index, and tasks by the thousand.
    longest = max(command["maxTimeMS"] for command in reading + editing) / 1000
    measured("longest that other reads may take", longest, bound=20)


@contextmanager
def profiled(database: Db) -> Iterator[list[dict[str, Any]]]:
    """The reads of tasks and items that this database is asked for."""
    asked: list[dict[str, Any]] = []
    database.command("profile", 2)
    try:
        yield asked
    finally:
        database.command("profile", 0)
        for entry in database["system.profile"].find({}):
            command = entry["command"]
            if {command.get("find"), command.get("aggregate")} & {"tasks", "data_items"}:
                asked.append(command)
        database.drop_collection("system.profile")


def keys(value: Any) -> set[str]:
    """All names of fields and operators in a command."""
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def listens(daemon: Daemon) -> list[str]:
    """The addresses at which a process waits for connections."""
    links = (descriptor.readlink() for descriptor in Path(f"/proc/{daemon.pid}/fd").iterdir())
    own = {str(link) for link in links if str(link).startswith("socket:")}
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{daemon.pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and f"socket:[{rest[5]}]" in own:
                host, _, port = local.partition(":")
                packed = bytes.fromhex(host)
                if table == "tcp" and sys.byteorder == "little":
                    packed = packed[::-1]
                name = socket.inet_ntoa(packed) if table == "tcp" else host
                found.append(f"{name}:{int(port, 16)}")
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.fault("H7", "ports of a worker: none, or figures to look at")
def test_a_worker_has_no_port_but_that_of_its_figures(fleet: Yard) -> None:
    quiet = fleet.daemon("quiet").ready()
    fleet.tasks.insert_one(slow_task("a", n=2))
    fleet.reaches("a", 2)
    assert listens(quiet) == []
    [port] = free_ports(1)
    told = fleet.daemon("told", MONITORING_METRICS_ADDRESS=f"127.0.0.1:{port}").ready()
    told.says("figures at")
    assert listens(told) == [f"127.0.0.1:{port}"], "where it was told to, and nowhere else"
    before = fleet.tasks.find_one({"task_id": "a"})
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = httpx.request(method, f"http://127.0.0.1:{port}/metrics", content=b"status=0")
        assert answer.status_code in (200, 405), "there is nothing to be done by it"
    for path in ("/tasks", "/../config.toml", "/debug"):
        text = httpx.get(f"http://127.0.0.1:{port}{path}").text
        assert "mongodb://" not in text
    assert fleet.tasks.find_one({"task_id": "a"}) == before
