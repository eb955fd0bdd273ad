"""compose.replset.yml keeps the rules of a deployment that heals itself and stops cleanly."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Any

import pytest

from hotstream_reactive.settings import SchedulerSettings
from tests.deploy.conftest import ROOT

MONGO = ["mongo1", "mongo2", "mongo3"]
WORKERS = ["worker-1", "worker-2"]
ONCE = ["keys", "replset", "init"]
#: Those whose command is `docker compose run`.
CALLED = ["dashboard", "producer"]
USERS = ["WORKER", "PRODUCER", "VIEWER"]


def seconds(duration: str) -> float:
    found = re.fullmatch(r"(\d+)s", duration)
    assert found, duration
    return float(found[1])


def service(compose: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"][name]
    return found


def test_three_nodes_two_workers_and_commands(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*MONGO, *WORKERS, *ONCE, *CALLED}


@pytest.mark.parametrize("name", [*ONCE, *CALLED])
def test_what_ends_is_not_started_again(compose: dict[str, Any], name: str) -> None:
    one = service(compose, name)
    assert one["restart"] == "no"
    assert (name in CALLED) == ("profiles" in one), "`up` starts none of those that are called"


@pytest.mark.parametrize("name", [*MONGO, *WORKERS])
def test_what_runs_for_long_is_watched_and_comes_back(compose: dict[str, Any], name: str) -> None:
    one = service(compose, name)
    assert one["restart"] == "unless-stopped"
    assert one["healthcheck"]["test"][0] == "CMD", "exec form: no shell between"
    assert seconds(one["healthcheck"]["timeout"]) <= seconds(one["healthcheck"]["interval"])
    assert {"max-size", "max-file"} <= set(one["logging"]["options"]), "logs have an end"


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_has_time_to_drain(compose: dict[str, Any], name: str) -> None:
    one = service(compose, name)
    assert one["healthcheck"]["test"] == ["CMD", "hotstream", "health"]
    assert seconds(one["stop_grace_period"]) >= SchedulerSettings().shutdown_grace + 10
    assert name in one["command"], "names in logs and documents are those of the services"
    assert one["depends_on"]["init"]["condition"] == "service_completed_successfully"
    assert seconds(one["shm_size"].replace("mb", "s")) >= 512, "Chromium needs shared memory"


@pytest.mark.parametrize("name", MONGO)
def test_every_node_has_data_of_its_own_and_asks_for_the_key(
    compose: dict[str, Any], name: str
) -> None:
    one = service(compose, name)
    assert f"{name}:/data/db" in one["volumes"]
    assert "keys:/keys:ro" in one["volumes"]
    assert one["command"][one["command"].index("--keyFile") + 1] == "/keys/replset.key"
    assert "ports" not in one, "nobody outside reaches the database unless asked to"
    # A primary waits 15 s for another one before it stops.
    assert seconds(one["stop_grace_period"]) >= 30


@pytest.mark.parametrize("name", [*WORKERS, *CALLED, "init"])
def test_our_containers_cannot_become_root(compose: dict[str, Any], name: str) -> None:
    one = service(compose, name)
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in one


def test_every_volume_is_declared_and_every_file_there(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        for volume in one.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), f"{name}: {source}"
            else:
                assert source in compose["volumes"], f"{name}: {source}"


def test_no_secret_stands_in_the_file(compose: dict[str, Any]) -> None:
    found = 0
    for name, one in compose["services"].items():
        for key, value in one.get("environment", {}).items():
            password = re.search(r"//[^:/]+:(.*?)@(?=\w)", value)
            secret = password[1] if password else value if "PASSWORD" in key else None
            if secret is not None:
                found += 1
                # `:?`: without it, `up` stops and says why.
                assert re.fullmatch(r"\$\{\w+:\?set \w+\}", secret), f"{name}: {key}"
    assert found == len([*WORKERS, *CALLED, "init", "ADMIN", *USERS])


def test_images_are_pinned(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        if "build" not in one:
            assert re.search(r":\d+\.\d+", one["image"]), f"{name}: {one['image']}"


def has_docker_compose() -> bool:
    """Whether there is a client; an engine is not needed to read a file."""
    if not shutil.which("docker"):
        return False
    asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return asked.returncode == 0


@pytest.mark.skipif(not has_docker_compose(), reason="there is no docker compose")
def test_docker_reads_it_too() -> None:
    done = subprocess.run(
        ["docker", "compose", "-f", str(ROOT / "compose.replset.yml"), "config", "--quiet"],
        env=os.environ
        | {
            f"{user}_PASSWORD": "a"
            for user in ("MONGO_ADMIN", *(f"HOTSTREAM_{name}" for name in USERS))
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
