"""Users with little privilege, encrypted connections, and secrets that must stay inside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bson import json_util
from daemons import Document, Yard, slow_task, wait_until, yard
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from servers import ROOT_PASSWORD, Authority, mongod, replica_set_with_users, wait_for

#: In every secret of these tests; must be nowhere outside.
CANARY = "canary4711"
DATABASE = "hotstream"
LEAKY = """
from hotstream_reactive.platforms.base import PlatformAdapter


class LeakyAdapter(PlatformAdapter):
    platform_name = "leaky"

    async def authenticate(self, credentials):
        self.context.log.warning(f"signing in with {dict(credentials)}")
        return True

    async def search(self, keywords, options):
        proxy = self.context.fetch.proxies[0]
        self.context.log.info(f"going through {proxy}")
        cookie = self.context.platform.password
        raise RuntimeError(f"GET {proxy}/x failed, Cookie: session={cookie}")
        yield {}
"""


def hotstream(
    folder: Path, *arguments: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hotstream_reactive", *arguments],
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1"} | (env or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a replica set with roles and one user for each, made as documented."""
    folder = tmp_path_factory.mktemp("guarded")
    with replica_set_with_users(folder) as address:
        uri = f"mongodb://root:{ROOT_PASSWORD}@{address}/?replicaSet=rs0&authSource=admin"
        for word in ("created", "updated"):
            done = hotstream(folder, "init", "--roles", "--json", env={"MONGODB_URI": uri})
            assert done.returncode == 0, done.stderr
            assert set(json.loads(done.stdout)["roles"].values()) == {word}
        with MongoClient[Document](uri) as client:
            for name in ("worker", "producer", "viewer"):
                role = f"hotstream{name.capitalize()}"
                client[DATABASE].command("createUser", name, pwd=CANARY, roles=[role])
            client[DATABASE].tasks.drop_indexes()
        yield address


def uri_of(address: str, user: str) -> str:
    return f"mongodb://{user}:{CANARY}@{address}/?replicaSet=rs0&authSource={DATABASE}"


@pytest.fixture
def secured(guarded: str, tmp_path: Path) -> Iterator[Yard]:
    """Daemons as the user `worker`; the test itself writes as `producer`."""
    root = f"mongodb://root:{ROOT_PASSWORD}@{guarded}/?replicaSet=rs0&authSource=admin"
    with (
        MongoClient[Document](uri_of(guarded, "producer")) as client,
        MongoClient[Document](root) as everything,
        yard(tmp_path, uri_of(guarded, "worker"), client[DATABASE]) as place,
    ):
        yield place
        place.close()
        for name in everything[DATABASE].list_collection_names():
            everything[DATABASE][name].delete_many({})


def test_the_doctor_finds_a_worker_of_least_privilege_healthy(guarded: str, tmp_path: Path) -> None:
    done = hotstream(tmp_path, "doctor", "--json", env={"MONGODB_URI": uri_of(guarded, "worker")})
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    for name in ("privileges", "stream", "transactions"):
        assert checks[name]["state"] == "ok", checks[name]


@pytest.mark.fault("H8", "roles of least privilege, authentication on")
def test_each_role_can_do_its_work_and_no_more(secured: Yard, guarded: str) -> None:
    settings = {"HISTORY_ENABLED": "true", "SCHEDULER_RETRY_BASE_DELAY": "0.1"}
    daemon = secured.daemon("one", **settings).ready()
    daemon.says("stream live")
    daemon.says("recorder began")
    secured.tasks.insert_one(slow_task("a", n=7))
    assert secured.reaches("a", 2)["result_count"] == 7
    secured.tasks.insert_one(slow_task("b", n=1000, pause=0.05))
    secured.owner("b")
    secured.tasks.update_one({"task_id": "b"}, {"$set": {"status": 4}})
    daemon.says("cancelled")
    viewer = {"MONGODB_URI": uri_of(guarded, "viewer"), "MONGODB_DATABASE": DATABASE}
    wait_until(lambda: hotstream(secured.folder, "history", "a", env=viewer).returncode == 0)
    daemon.send(signal.SIGTERM)
    assert daemon.wait() == 0
    for word in ("not authorized", "Unauthorized", "refused", "code 13"):
        assert word not in daemon.log, daemon.log
    for verb in (
        ("list",),
        ("show", "a"),
        ("explain", "a"),
        ("task-stats",),
        ("query-data",),
        ("dashboard", "--once"),
        ("dashboard", "--json"),
        ("history", "a"),
    ):
        done = hotstream(secured.folder, *verb, env=viewer)
        assert done.returncode == 0, (verb, done.stderr, daemon.log)
    refused = hotstream(secured.folder, "cancel", "a", "--yes", env=viewer)
    assert refused.returncode != 0
    with (
        MongoClient[Document](uri_of(guarded, "worker")) as worker,
        MongoClient[Document](uri_of(guarded, "producer")) as producer,
        MongoClient[Document](uri_of(guarded, "viewer")) as looks,
    ):
        for attempt in (
            lambda: worker[DATABASE].tasks.insert_one({"task_id": "x"}),
            lambda: worker[DATABASE].tasks.delete_many({}),
            lambda: worker[DATABASE].controls.insert_one({"_id": "engine"}),
            worker.elsewhere.things.find_one,
            lambda: producer[DATABASE].data_items.insert_one({}),
            lambda: producer[DATABASE].workers.delete_many({}),
            lambda: looks[DATABASE].tasks.update_one({}, {"$set": {"status": 4}}),
            lambda: looks.admin.command("listDatabases", nameOnly=False)["databases"][5],
        ):
            with pytest.raises((OperationFailure, IndexError)):
                attempt()


@pytest.mark.slow
@pytest.mark.fault("H9", "TLS to MongoDB with a CA of one's own")
def test_tls(tmp_path: Path) -> None:
    ours, foreign = Authority(tmp_path / "ca", "ours"), Authority(tmp_path / "other", "foreign")
    tls = ["--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(ours.server())]
    tls += ["--tlsCAFile", str(ours.certificate), "--tlsAllowConnectionsWithoutCertificates"]
    with mongod(tmp_path / "server", "--replSet", "rs0", *tls) as address:
        options = f"tls=true&tlsCAFile={ours.certificate}"
        with MongoClient[Document](
            f"mongodb://{address}/?directConnection=true&{options}"
        ) as client:
            wait_for(client, "maxWireVersion")
            members = [{"_id": 0, "host": address}]
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
            wait_for(client, "isWritablePrimary")
        uri = f"mongodb://{address}/?replicaSet=rs0"
        with (
            MongoClient[Document](f"{uri}&{options}") as client,
            yard(tmp_path, f"{uri}&{options}", client[DATABASE]) as place,
        ):
            for driver in ("motor", "pymongo"):
                daemon = place.daemon(driver, MONGODB_DRIVER=driver).ready()
                daemon.says("stream live")
                place.tasks.insert_one(slow_task(driver, n=2))
                place.reaches(driver, 2)
                daemon.send(signal.SIGTERM)
                assert daemon.wait() == 0
            for name, wrong in (
                ("plain", ""),
                ("foreign", f"&tls=true&tlsCAFile={foreign.certificate}"),
                ("system", "&tls=true"),
            ):
                place.uri = uri + wrong
                place.daemon(name).says("waiting for MongoDB", timeout_s=30)


@pytest.mark.fault("H1", "secrets in every output")
def test_no_secret_leaves(secured: Yard, guarded: str) -> None:
    folder = secured.folder
    (folder / "plugins").mkdir()
    (folder / "plugins" / "leaky.py").write_text(LEAKY)
    state = folder / "session.json"
    cookie = {"name": "z_c0", "value": CANARY, "domain": ".zhihu.com", "path": "/"}
    cookie |= {"expires": time.time() + 9999, "secure": True, "httpOnly": True, "sameSite": "Lax"}
    state.write_text(json.dumps({"cookies": [cookie], "origins": []}))
    state.chmod(0o600)
    proxy = f"http://user:{CANARY}@127.0.0.1:9"
    secrets = {
        "FETCH_PROXIES": proxy,
        "FETCH_RETRIES": "0",
        "MONITORING_LOG_FILE": str(folder / "worker.log"),
        "FRAMEWORK_LOG_LEVEL": "TRACE",
        "HISTORY_ENABLED": "true",
        "PLATFORMS_LEAKY_PASSWORD": CANARY,
        "PLATFORMS_LEAKY_PROXIES": proxy,
        "PLATFORMS_LEAKY_CONFIG": f'{{cookies = "{CANARY}", deep = {{api_key = "{CANARY}"}}}}',
        "PLATFORMS_TWITTER_INSTANCES": f"http://user:{CANARY}@nitter.invalid",
        "PLATFORMS_ZHIHU_ENABLED": "true",
        "PLATFORMS_ZHIHU_BROWSER": "never",
        "PLATFORMS_ZHIHU_STORAGE_STATE": str(state),
        "PLATFORMS_MEDIUM_BROWSER": "never",
    }
    daemon = secured.daemon("one", **secrets).ready()
    names = ("leaky", "twitter", "zhihu", "medium")
    for name in names:
        secured.tasks.insert_one(
            {**slow_task(name), "platform": name, "retry_count": 0, "timeout": 20}
        )
    # One that is refused: its reason repeats what stands in it.
    wrong = {**slow_task("wrong"), "options": {"limit": f"mongodb://u:{CANARY}@h/"}}
    secured.tasks.insert_one(wrong)
    ended = {"task_id": {"$in": [*names, "wrong"]}, "status": {"$in": [2, 3]}}
    wait_until(lambda: secured.tasks.count_documents(ended) == 5, 60, daemon.log[-2000:])
    assert "***" in daemon.log, "something was there to be hidden"

    said = {"log": daemon.log, "log file": (folder / "worker.log").read_text()}
    said["health file"] = "".join(
        path.read_text() for path in (folder / ".hotstream" / "health").glob("*.json")
    )
    env = {f"HOTSTREAM_{name}": value for name, value in secrets.items()} | {
        "HOTSTREAM_PLUGINS_PLUGIN_DIRS": str(folder / "plugins"),
        "HOTSTREAM_MONGODB_DATABASE": DATABASE,
        "HOTSTREAM_MONGODB_URI": uri_of(guarded, "worker"),
        "HOTSTREAM_MONITORING_LOG_FILE": "",
    }
    broken = {"HOTSTREAM_MONGODB_URI": f"mongodb://u:{CANARY}@127.0.0.1:1/?x={CANARY}"}
    verbs: list[tuple[tuple[str, ...], dict[str, str]]] = [
        ((*verb,), {})
        for verb in (
            ("config",),
            ("config", "--json"),
            ("info",),
            ("doctor", "--json"),
            ("health", "--json"),
            ("dashboard", "--once"),
            ("dashboard", "--json"),
            ("dashboard", "--plain"),
            ("list",),
            ("list", "--json"),
            ("show", "leaky"),
            ("show", "leaky", "--json"),
            ("explain", "wrong"),
            ("history", "leaky"),
            ("query-data",),
            ("list-platforms", "--json"),
            ("--debug", "show", "leaky"),
        )
    ] + [(("--debug", "task-stats"), broken), (("--debug", "info"), broken)]
    for verb, other in verbs:
        done = hotstream(folder, *verb, env=env | other)
        assert done.stdout + done.stderr, verb
        said[" ".join(verb)] = done.stdout + done.stderr
    mine = {"task_id": {"$ne": "wrong"}}
    for name in ("tasks", "task_runs"):
        said[name] = json_util.dumps(list(secured.database[name].find(mine)))
    for task in secured.database.tasks.find({"task_id": "wrong"}):
        said["error_message"] = task["error_message"]
    said["workers"] = json_util.dumps(list(secured.database.workers.find({})))
    said["process list"] = " ".join(
        path.read_text(errors="replace").replace("\0", " ")
        for path in children_and_self(daemon.pid)
    )
    told = {
        where: text[max(0, text.find(CANARY) - 200) :][:400]
        for where, text in said.items()
        if CANARY in text
    }
    assert told == {}


def children_and_self(pid: int) -> list[Path]:
    """The command lines of a process and of all that it started."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    family = {pid}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return [Path("/proc", str(member), "cmdline") for member in family]
