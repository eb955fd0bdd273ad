"""`init`, `config`, `info`, `list-platforms`, `doctor`, and the command line as a whole."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from hotstream_reactive.cli.main import VERBS
from hotstream_reactive.errors import EmbeddedMongoError
from hotstream_reactive.mongo.mongod import find_mongod, free_ports
from tests.cli.command import Cli

Db = Database[dict[str, Any]]
ROOT = Path(__file__).parents[2]
PASSWORD = "canary8642"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from hotstream_reactive.cli.main import run; run(['--help'])\n"
        "heavy = {'anyio', 'httpx', 'loguru', 'motor', 'pymongo', 'rich'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert all(verb in done.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"demo"}))
def test_every_verb_has_help_with_two_examples(offline: Cli, verb: str) -> None:
    result = offline(verb, "--help")
    assert result.code == 0
    assert len(re.findall(r"^ {4}.*hotstream .*$", result.out, re.MULTILINE)) >= 2
    assert max(len(line) for line in result.out.splitlines()) <= 100


def test_wrong_usage(offline: Cli) -> None:
    result = offline("task-stat")
    assert result.code == 2
    assert "Did you mean 'task-stats'" in result.err
    assert offline("task-stats", "--nope").code == 2


def test_no_server_answers(offline: Cli) -> None:
    offline.env["MONGODB_URI"] = "mongodb://127.0.0.1:1/"
    verbs = [
        ("task-stats",),
        ("query-data",),
        ("init",),
        ("create-task", "t", "search", "twitter", "-k", "a"),
    ]
    with ThreadPoolExecutor() as threads:
        for result in threads.map(lambda given: offline(*given), verbs):
            assert result.code == 69
            assert len(result.err.splitlines()) <= 3
            assert "mongodb.uri" in result.err.splitlines()[-1]


def test_init_says_what_it_did(cli: Cli, sync_database: Db) -> None:
    made = cli("init", "--json").json
    assert made["ok"]
    assert "tasks.task_id" in made["created"]
    assert made["existing"] == []
    assert {"tasks", "data_items", "task_runs"} <= set(sync_database.list_collection_names())
    again = cli("init", "--json").json
    assert (again["created"], again["existing"]) == ([], made["created"])
    assert "exists   index tasks.task_id\n" in cli("init").out


def test_init_says_what_it_could_not_do(cli: Cli, sync_database: Db) -> None:
    sync_database.tasks.insert_many([{"task_id": "double"}, {"task_id": "double"}])
    result = cli("init")
    assert result.code == 1
    assert "failed   index tasks.task_id" in result.out
    assert "created  index tasks.status" in result.out


def test_init_writes_the_configuration_with_all_defaults(offline: Cli) -> None:
    assert offline("init", "--write-config", "--json").json["created"] is True
    written = offline.folder / "config.toml"
    assert written.read_text(encoding="utf-8") == (ROOT / "config.toml").read_text(encoding="utf-8")
    written.write_text('[framework]\nlog_level = "ERROR"\n', encoding="utf-8")
    again = offline("init", "--write-config")
    assert (again.code, again.out) == (0, "exists   config.toml (left as it is)\n")
    assert "ERROR" in written.read_text(encoding="utf-8")


def test_config_names_the_source_of_every_value(offline: Cli) -> None:
    (offline.folder / "config.toml").write_text(
        "[scheduler]\ncheck_interval = 7\n", encoding="utf-8"
    )
    offline.env["HOTSTREAM_STORAGE_BATCH_SIZE"] = "11"
    result = offline("--database", "mine", "config", "--json").json
    settings = result["settings"]
    assert settings["scheduler.check_interval"] == {"value": 7.0, "source": "config.toml"}
    assert settings["storage.batch_size"]["source"] == "HOTSTREAM_STORAGE_BATCH_SIZE"
    assert settings["mongodb.database"] == {"value": "mine", "source": "flag"}
    assert settings["mongodb.driver"] == {"value": "motor", "source": "default"}
    text = offline("config").out
    assert re.search(r"^scheduler.check_interval +7.0 +config.toml$", text, re.MULTILINE)


def test_config_check(offline: Cli) -> None:
    assert offline("config", "--check").code == 0
    offline.env["HOTSTREAM_SCHEDULER_CHEK_INTERVAL"] = "1"
    offline.env["HOTSTREAM_STORAGE_BATCH_SIZE"] = "none"
    result = offline("config", "--check")
    assert result.code == 78
    assert "HOTSTREAM_SCHEDULER_CHECK_INTERVAL" in result.err
    assert "HOTSTREAM_STORAGE_BATCH_SIZE" in result.err
    assert offline("doctor", "--json").json["checks"][1]["state"] == "fail"


def test_info_with_and_without_a_server(cli: Cli) -> None:
    info = cli("info", "--json").json
    assert info["mongodb"]["reachable"] is True
    assert "replica set" in info["mongodb"]["topology"]
    assert info["mongodb"]["counts"] == {"tasks": 0, "data_items": 0, "task_runs": 0}
    assert info["driver"]["name"] == "motor"
    assert "json" in info["storages"]
    cli.env["MONGODB_URI"] = "mongodb://127.0.0.1:1/"
    info = cli("info", "--json").json
    assert info["mongodb"]["reachable"] is False
    assert "refused" in info["mongodb"]["error"]
    del cli.env["MONGODB_URI"]
    text = cli("info").out
    assert "start-daemon" in text
    assert list(cli.folder.iterdir()) == []


def test_list_platforms(offline: Cli) -> None:
    plugins = offline.folder / "plugins"
    plugins.mkdir()
    (plugins / "mine.py").write_text(
        "from hotstream_reactive.platforms import PlatformAdapter\n"
        "class Mine(PlatformAdapter):\n"
        "    async def search(self, keywords, options):\n        yield {}\n",
        encoding="utf-8",
    )
    (plugins / "torn.py").write_text("import no_such_module_anywhere\n", encoding="utf-8")
    offline.env["HOTSTREAM_PLUGINS_PLUGIN_DIRS"] = "plugins"
    offline.env["HOTSTREAM_PLATFORMS_TWITTER_RATE_LIMIT_REQUESTS_PER_MINUTE"] = "7"
    result = offline("list-platforms", "--json")
    by_name = {row["name"]: row for row in result.json["platforms"]}
    assert by_name["twitter"] == {
        "name": "twitter",
        "enabled": True,
        "requests_per_minute": 7,
        "extractor": True,
        "source": "built in",
    }
    assert by_name["mine"]["source"].endswith("mine.py")
    assert by_name["mine"]["extractor"] is False
    assert [broken["name"] for broken in result.json["broken"]] == ["torn"]
    assert "no_such_module_anywhere" in offline("list-platforms").out
    checks = offline("doctor", "--json").json["checks"]
    assert any(c["state"] == "fail" and "torn" in c["message"] for c in checks)


def test_doctor_on_a_healthy_server(cli: Cli, sync_database: Db) -> None:
    cli("init")
    report = cli("doctor", "--json").json
    states = {check["name"]: check["state"] for check in report["checks"]}
    assert report["ok"]
    for name in ("configuration", "server", "privileges", "stream", "transactions", "clock"):
        assert states[name] == "ok", report
    for name in ("indexes", "workers", "plugins", "output_dir"):
        assert states[name] == "ok", report
    assert states["twitter"] == "warn"
    assert "browser" in states
    assert all(check["remedy"] for check in report["checks"] if check["state"] != "ok")
    assert sync_database.doctor_trials.count_documents({}) == 0


def test_doctor_without_a_server_and_with_a_bad_disk(offline: Cli) -> None:
    (offline.folder / "file").write_text("", encoding="utf-8")
    offline.env["MONGODB_URI"] = "mongodb://127.0.0.1:1/"
    offline.env["HOTSTREAM_STORAGE_OUTPUT_DIR"] = "file/below"
    result = offline("doctor", "--json")
    states = {check["name"]: check["state"] for check in result.json["checks"]}
    assert result.code == 1
    assert (states["server"], states["output_dir"]) == ("fail", "fail")


def test_doctor_does_not_wait_for_a_plugin_that_hangs(offline: Cli) -> None:
    plugins = offline.folder / "plugins"
    plugins.mkdir()
    (plugins / "hangs.py").write_text("import threading\nthreading.Event().wait()\n", "utf-8")
    offline.env["HOTSTREAM_PLUGINS_PLUGIN_DIRS"] = "plugins"
    offline.env["MONGODB_URI"] = "mongodb://127.0.0.1:1/"
    began = time.monotonic()
    checks = offline("doctor", "--json").json["checks"]
    assert time.monotonic() - began < 30
    assert any(c["name"] == "plugins" and "timed out" in c["message"] for c in checks)


def test_doctor_tries_the_embedded_server(offline: Cli) -> None:
    _mongod()
    report = offline("doctor", "--json").json
    server = next(check for check in report["checks"] if check["name"] == "server")
    assert "started for this check" in server["message"]
    assert report["ok"]
    assert list(offline.folder.iterdir()) == []


def _mongod() -> Path:
    try:
        return find_mongod()
    except EmbeddedMongoError as error:
        pytest.skip(f"needs a mongod to start: {error}")


@pytest.fixture
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A standalone server that asks for a password, as ``host:port``."""
    [port] = free_ports(1)
    folder = tmp_path_factory.mktemp("guarded")
    server = subprocess.Popen(
        [_mongod(), "--auth", "--dbpath", folder, "--port", str(port), "--bind_ip", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
    )
    try:
        address = f"127.0.0.1:{port}"
        with MongoClient[dict[str, Any]](f"mongodb://{address}/") as client:
            client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
        with MongoClient[dict[str, Any]](f"mongodb://root:{PASSWORD}@{address}/") as client:
            reader = [{"role": "read", "db": "hotstream"}]
            client.admin.command("createUser", "reader", pwd=PASSWORD, roles=reader)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def test_doctor_on_a_standalone_server_with_passwords(offline: Cli, guarded: str) -> None:
    def report(user: str, password: str) -> tuple[dict[str, list[str]], str]:
        offline.env["MONGODB_URI"] = f"mongodb://{user}:{password}@{guarded}/?authSource=admin"
        result = offline("doctor", "--json")
        states: dict[str, list[str]] = {}
        for check in result.json["checks"]:
            states.setdefault(check["name"], []).append(check["state"])
        assert PASSWORD not in result.out + result.err
        return states, result.out

    states, text = report("root", PASSWORD)
    assert states["server"] == ["warn"]
    assert "standalone" in text
    assert states["privileges"] == ["ok"]
    assert "stream" not in states
    states, text = report("reader", PASSWORD)
    assert states["privileges"] == ["ok", "fail", "fail", "fail", "warn"]
    states, _ = report("root", f"{PASSWORD}x")
    assert states["authentication"] == ["fail"]
    assert offline("task-stats").code == 77


def test_an_embedded_server_keeps_what_is_created(offline: Cli) -> None:
    _mongod()
    assert offline("create-task", "kept", "search", "twitter", "-k", "a").code == 0
    assert offline("task-stats", "--json").json["by_status"]["pending"] == 1
