"""What compose.replset.yml starts, started without Docker: the same commands, on loopback.

Key file, three mongod that ask for it, the script that makes set and users, the roles, then a
worker with the address, command and health check of the file, which runs a task that the service
`producer` writes, is looked at by the service `dashboard`, and stops at SIGTERM.
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
PASSWORDS = {
    "MONGO_ADMIN_PASSWORD": "admin4711",
    "HOTSTREAM_WORKER_PASSWORD": "worker4711",
    "HOTSTREAM_PRODUCER_PASSWORD": "producer4711",
    "HOTSTREAM_VIEWER_PASSWORD": "viewer4711",
}
IMAGE = stages((ROOT / "Dockerfile").read_text("utf-8"))[-1]
TINI, DASHES, *ENTRY = only(IMAGE, "ENTRYPOINT").arguments
PLATFORM = """
from hotstream_reactive import DataItem, PlatformAdapter


class NearAdapter(PlatformAdapter):
    platform_name = "near"

    async def search(self, keywords, options):
        for n, word in enumerate(keywords):
            yield DataItem(id=f"near_{n}", platform="near", content=word)
"""


class Started(NamedTuple):
    """The three nodes, and how the services that prepare them are run once more."""

    hosts: list[str]
    initiate: Callable[[], subprocess.CompletedProcess[str]]
    give_roles: Callable[[], subprocess.CompletedProcess[str]]


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
            environment = service["environment"] | PASSWORDS | {"MONGO_HOSTS": ",".join(hosts)}
            assert set(environment) == set(service["environment"])
            return subprocess.run(
                [places.get(word, word) for word in service["command"]],
                env=os.environ | environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )

        def give_roles() -> subprocess.CompletedProcess[str]:
            return command_of(compose, "init", hosts, folder)

        for service in (initiate, give_roles):
            done = service()
            assert done.returncode == 0, done.stdout + done.stderr
        yield Started(hosts, initiate, give_roles)


def environment_of(compose: Compose, service: str, hosts: list[str]) -> dict[str, str]:
    """The environment of a service, with the hosts of this machine and the passwords."""
    environment: dict[str, str] = compose["services"][service]["environment"]
    address = environment["MONGODB_URI"]
    for variable, password in PASSWORDS.items():
        address = address.replace(f"${{{variable}:?set {variable}}}", password)
    for number, host in enumerate(hosts, 1):
        address = address.replace(f"mongo{number}:27017", host)
    return environment | {
        "MONGODB_URI": address,
        "HOTSTREAM_PLATFORMS_TWITTER_INSTANCES": "",
        "HOTSTREAM_PLUGINS_PLUGIN_DIRS": "plugins",
    }


def in_the_image(command: list[str]) -> list[str]:
    """A command of the image as it is called here: its Python is this one."""
    assert command[0] == "hotstream"
    return [sys.executable, "-m", "hotstream_reactive", *command[1:]]


def command_of(
    compose: Compose, service: str, hosts: list[str], folder: Path, *instead: str
) -> subprocess.CompletedProcess[str]:
    """`docker compose run --rm service`, perhaps with another command."""
    command = instead or compose["services"][service]["command"]
    return subprocess.run(
        in_the_image([*ENTRY, *command]),
        cwd=folder,
        env=os.environ | environment_of(compose, service, hosts),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def client_of(compose: Compose, service: str, hosts: list[str]) -> MongoClient[Any]:
    return MongoClient(environment_of(compose, service, hosts)["MONGODB_URI"])


def test_three_members_and_users_of_least_privilege_who_need_their_passwords(
    replica_set: Started, compose: Compose
) -> None:
    with client_of(compose, "init", replica_set.hosts) as client:
        members = client.admin.command("replSetGetConfig")["config"]["members"]
        assert [member["host"] for member in members] == replica_set.hosts
        users = client.hotstream.command("usersInfo")["users"]
        roles = {user["user"]: [role["role"] for role in user["roles"]] for user in users}
        assert roles == {
            "worker": ["hotstreamWorker"],
            "producer": ["hotstreamProducer"],
            "viewer": ["hotstreamViewer"],
        }
    with (
        MongoClient[Any](f"mongodb://{replica_set.hosts[0]}/?replicaSet=rs0") as nobody,
        pytest.raises(OperationFailure, match="requires authentication"),
    ):
        nobody.hotstream.tasks.find_one()
    with client_of(compose, "worker-1", replica_set.hosts) as worker:
        for refused in (
            worker.other.tasks.find_one,
            lambda: worker.hotstream.tasks.insert_one({"task_id": "mine"}),
            lambda: worker.hotstream.controls.insert_one({"_id": "engine", "paused": True}),
        ):
            with pytest.raises(OperationFailure, match="not authorized"):
                refused()
    with client_of(compose, "dashboard", replica_set.hosts) as viewer:
        assert viewer.hotstream.tasks.find_one() is None
        with pytest.raises(OperationFailure, match="not authorized"):
            viewer.hotstream.tasks.insert_one({"task_id": "mine"})


def test_all_of_it_can_be_run_again_also_when_another_node_is_primary(
    replica_set: Started, compose: Compose
) -> None:
    first = replica_set.hosts[0]
    with (
        client_of(compose, "init", replica_set.hosts) as client,
        MongoClient[Any](
            f"mongodb://admin:{PASSWORDS['MONGO_ADMIN_PASSWORD']}@{first}/?directConnection=true"
        ) as node,
    ):
        # A user whose password and roles are no more those of the file.
        client.hotstream.command("updateUser", "viewer", pwd="other", roles=["readWrite"])
        node.admin.command("replSetStepDown", 60, secondaryCatchUpPeriodSecs=10)
        until(lambda: client.admin.command("hello")["me"] != first, what="another primary")
        for service in (replica_set.initiate, replica_set.give_roles):
            done = service()
            assert done.returncode == 0, done.stdout + done.stderr
        [user] = client.hotstream.command("usersInfo", "viewer")["users"]
        assert [role["role"] for role in user["roles"]] == ["hotstreamViewer"]
        node.admin.command("replSetFreeze", 0)
    with client_of(compose, "dashboard", replica_set.hosts) as viewer:
        assert viewer.hotstream.tasks.find_one() is None


def test_a_node_is_healthy(replica_set: Started, compose: Compose, mongosh: str) -> None:
    for number, host in enumerate(replica_set.hosts, 1):
        word, shell, *rest = compose["services"][f"mongo{number}"]["healthcheck"]["test"]
        assert (word, shell) == ("CMD", "mongosh")
        subprocess.run([mongosh, host, *rest], check=True, capture_output=True, timeout=60)


def test_a_worker_as_in_the_file_works_and_stops(
    replica_set: Started, compose: Compose, tmp_path: Path
) -> None:
    service = compose["services"]["worker-1"]
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "near.py").write_text(PLATFORM)
    environment = os.environ | environment_of(compose, "worker-1", replica_set.hosts)

    def run(service: str, *instead: str) -> str:
        done = command_of(compose, service, replica_set.hosts, tmp_path, *instead)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    with subprocess.Popen(
        in_the_image([*ENTRY, *service["command"]]),
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
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
            run("producer", "create-task", "a", "search", "near", "-k", "x,y")
            with client_of(compose, "dashboard", replica_set.hosts) as client:
                tasks = client.hotstream.tasks
                until(lambda: tasks.find_one({"task_id": "a", "status": 2}), what="the task")
                assert client.hotstream.data_items.count_documents({"platform": "near"}) == 2
                assert tasks.find_one({"task_id": "a"})["worker_id"].startswith("worker-1-")
            assert "worker-1" in run("dashboard", "dashboard", "--once")
            assert "completed" in run("dashboard", "list")
            assert "completed" in run("producer")
            followed = subprocess.run(
                [sys.executable, str(ROOT / "examples" / "follow.py"), "a"],
                env=os.environ | environment_of(compose, "dashboard", replica_set.hosts),
                capture_output=True,
                text=True,
                check=True,
            )
            assert followed.stdout.splitlines()[-1] == "2 items"
            daemon.send_signal(signal.SIGTERM)
            grace_s = float(service["stop_grace_period"].rstrip("s"))
            _, log = daemon.communicate(timeout=grace_s)
            assert daemon.returncode == 0, log
            for word in ("not authorized", "Unauthorized", "refused"):
                assert word not in log, log
        finally:
            daemon.kill()
