"""What compose.replset.yml starts, started without Docker: the same commands, on loopback.

Key file, three mongod that ask for it, the script that makes set and users, then a worker with the
address, command and health check of the file, which runs a task and stops at SIGTERM.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from hotstream_reactive.mongo.embedded import find_mongod
from hotstream_reactive.mongo.mongod import HOST, free_ports
from tests.daemon_lab import until
from tests.deploy.conftest import ROOT
from tests.deploy.dockerfile import health, only, stages
from tests.faults.servers import kept, wait_for

Compose = dict[str, Any]
ADMIN, WORKER = "admin4711", "worker4711"
IMAGE = stages((ROOT / "Dockerfile").read_text("utf-8"))[-1]
PLATFORM = """
from hotstream_reactive import DataItem, PlatformAdapter


class NearAdapter(PlatformAdapter):
    platform_name = "near"

    async def search(self, keywords, options):
        for n, word in enumerate(keywords):
            yield DataItem(id=f"near_{n}", platform="near", content=word)
"""


class Started(NamedTuple):
    """The three nodes, and how the script is run once more."""

    hosts: list[str]
    initiate: Callable[[], subprocess.CompletedProcess[str]]


def make_key(compose: Compose, folder: Path) -> Path:
    """Run the command of the service `keys`, here for this user."""
    keys = compose["services"]["keys"]
    [script] = keys["command"]
    mine = f"{os.getuid()}:{os.getgid()}"
    script = script.replace("/keys", shlex.quote(str(folder))).replace("999:999", mine)
    for _ in range(2):  # the second time the key stays as it is
        subprocess.run([*keys["entrypoint"], script.replace("$$", "$")], check=True)
    return folder / "replset.key"


@pytest.fixture(scope="module")
def replica_set(
    compose: Compose, mongosh: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Started]:
    folder = tmp_path_factory.mktemp("set")
    key = make_key(compose, folder)
    assert key.stat().st_mode & 0o777 == 0o400
    with ExitStack() as stack:
        hosts = []
        for number, port in enumerate(free_ports(3), 1):
            data = folder / f"data{number}"
            data.mkdir()
            command = [
                str(key) if word == "/keys/replset.key" else word
                for word in compose["services"][f"mongo{number}"]["command"]
                if word != "--bind_ip_all"
            ]
            command += ["--bind_ip", HOST, "--port", str(port), "--dbpath", str(data)]
            command = [str(find_mongod()), "--nounixsocket", *command]
            stack.enter_context(kept(command, folder / f"mongo{number}.out"))
            hosts.append(f"{HOST}:{port}")
        for host in hosts:
            with MongoClient[Any](f"mongodb://{host}/?directConnection=true") as client:
                wait_for(client, "maxWireVersion")

        def initiate() -> subprocess.CompletedProcess[str]:
            service = compose["services"]["replset"]
            places = {"mongosh": mongosh, "mongodb://127.0.0.1:27017/": f"mongodb://{hosts[0]}/"}
            places["/deploy/replset-init.js"] = str(ROOT / "deploy" / "replset-init.js")
            environment = {
                "MONGO_HOSTS": service["environment"]["MONGO_HOSTS"],
                "HOTSTREAM_DATABASE": service["environment"]["HOTSTREAM_DATABASE"],
                "MONGO_ADMIN_PASSWORD": ADMIN,
                "HOTSTREAM_DB_PASSWORD": WORKER,
            }
            assert set(environment) == set(service["environment"])
            environment["MONGO_HOSTS"] = ",".join(hosts)
            return subprocess.run(
                [places.get(word, word) for word in service["command"]],
                env=os.environ | environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )

        done = initiate()
        assert done.returncode == 0, done.stdout + done.stderr
        assert "replica set rs0 of 3 nodes is ready" in done.stdout
        yield Started(hosts, initiate)


def worker_address(compose: Compose, hosts: list[str]) -> str:
    """MONGODB_URI of the workers, with the hosts of this machine."""
    address = compose["services"]["worker-1"]["environment"]["MONGODB_URI"]
    address = address.replace("${HOTSTREAM_DB_PASSWORD:?set HOTSTREAM_DB_PASSWORD}", WORKER)
    for number, host in enumerate(hosts, 1):
        address = address.replace(f"mongo{number}:27017", host)
    return str(address)


def test_three_members_and_two_users_who_need_their_passwords(
    replica_set: Started, compose: Compose
) -> None:
    with MongoClient[Any](
        f"mongodb://admin:{ADMIN}@{replica_set.hosts[0]}/?replicaSet=rs0"
    ) as client:
        members = client.admin.command("replSetGetConfig")["config"]["members"]
        assert [member["host"] for member in members] == replica_set.hosts
        [user] = client.hotstream.command("usersInfo", "hotstream")["users"]
        assert user["roles"] == [{"role": "readWrite", "db": "hotstream"}]
    with (
        MongoClient[Any](f"mongodb://{replica_set.hosts[0]}/?replicaSet=rs0") as nobody,
        pytest.raises(OperationFailure, match="requires authentication"),
    ):
        nobody.hotstream.tasks.find_one()
    with (
        MongoClient[Any](worker_address(compose, replica_set.hosts)) as worker,
        pytest.raises(OperationFailure, match="not authorized"),
    ):
        worker.other.tasks.find_one()


def test_the_script_can_be_run_again(replica_set: Started) -> None:
    done = replica_set.initiate()
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_node_is_healthy(replica_set: Started, compose: Compose, mongosh: str) -> None:
    for number, host in enumerate(replica_set.hosts, 1):
        word, shell, *rest = compose["services"][f"mongo{number}"]["healthcheck"]["test"]
        assert (word, shell) == ("CMD", "mongosh")
        subprocess.run([mongosh, host, *rest], check=True, capture_output=True, timeout=60)


def in_the_image(command: list[str]) -> list[str]:
    """A command of the image as it is called here: its Python is this one."""
    assert command[0] == "hotstream"
    return [sys.executable, "-m", "hotstream_reactive", *command[1:]]


def test_a_worker_as_in_the_file_works_and_stops(
    replica_set: Started, compose: Compose, tmp_path: Path
) -> None:
    service = compose["services"]["worker-1"]
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "near.py").write_text(PLATFORM)
    environment = os.environ | {
        "MONGODB_URI": worker_address(compose, replica_set.hosts),
        "MONGODB_DATABASE": service["environment"]["MONGODB_DATABASE"],
        "HOTSTREAM_PLATFORMS_TWITTER_INSTANCES": "",
        "HOTSTREAM_PLUGINS_PLUGIN_DIRS": "plugins",
    }
    tini, dashes, *entry = only(IMAGE, "ENTRYPOINT").arguments
    assert (tini, dashes) == ("tini", "--")
    with subprocess.Popen(
        in_the_image([*entry, *service["command"]]), cwd=tmp_path, env=environment
    ) as daemon:
        try:
            for check in (service["healthcheck"]["test"][1:], health(IMAGE)):
                asked = in_the_image(check)
                until(
                    lambda asked=asked: (
                        subprocess.run(asked, cwd=tmp_path, check=False).returncode == 0
                    ),
                    what=str(check),
                )
            with MongoClient[Any](environment["MONGODB_URI"]) as client:
                tasks = client.hotstream.tasks
                tasks.insert_one({"task_id": "a", "platform": "near", "keywords": ["x", "y"]})
                until(lambda: tasks.find_one({"task_id": "a", "status": 2}), what="the task")
                assert client.hotstream.data_items.count_documents({"platform": "near"}) == 2
                assert tasks.find_one({"task_id": "a"})["worker_id"].startswith("worker-1-")
            shown = in_the_image([*entry, *compose["services"]["dashboard"]["command"], "--once"])
            seen = subprocess.run(
                shown, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
            )
            assert "worker-1" in seen.stdout
            daemon.send_signal(signal.SIGTERM)
            grace_s = float(service["stop_grace_period"].rstrip("s"))
            assert daemon.wait(grace_s) == 0
        finally:
            daemon.kill()
