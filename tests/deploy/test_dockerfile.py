"""The Dockerfile keeps the rules of a linter for Dockerfiles, and those of this project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.conftest import ROOT
from tests.deploy.dockerfile import Instruction, health, only, stages

STAGES = stages((ROOT / "Dockerfile").read_text("utf-8"))
LAST = STAGES[-1]
RUNS = [one for stage in STAGES for one in stage if one.word == "RUN"]


def test_hadolint_finds_nothing() -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    linter = shutil.which("hadolint", path=path) or pytest.skip("there is no hadolint")
    asked = [linter, "--no-color", str(ROOT / "Dockerfile")]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_is_built_in_one_stage_and_runs_in_another() -> None:
    assert len(STAGES) >= 2
    assert any(one.word == "COPY" and "--from=" in one.rest for one in LAST)
    assert not any("pip install" in one.rest for one in LAST), "no tools of the build remain"


@pytest.mark.parametrize("stage", STAGES)
def test_the_base_is_pinned(stage: list[Instruction]) -> None:
    assert re.match(r"[\w./-]+:\d+\.\d+-slim-[a-z]+( AS \w+)?$", stage[0].rest), stage[0].rest


@pytest.mark.parametrize("run", RUNS)
def test_nothing_is_left_behind_by_installers(run: Instruction) -> None:
    if "apt-get install" in run.rest:
        assert run.rest.startswith("apt-get update && "), "lists of this very layer"
        assert "--no-install-recommends" in run.rest
        assert "-y" in run.rest
        assert "rm -rf /var/lib/apt/lists/*" in run.rest
    if "pip install" in run.rest:
        assert "--no-cache-dir" in run.rest
    assert not re.search(r"\bsudo\b|\bcurl\b.*\|\s*(ba)?sh|apt-get (dist-)?upgrade", run.rest)


def test_it_does_not_run_as_root_and_can_write_where_it_must() -> None:
    user = only(LAST, "USER").rest
    assert int(user) >= 10_000, (
        "a number, which Kubernetes can tell from root's; none of the host's"
    )
    [making] = [one.rest for one in LAST if f"--uid {user} " in one.rest]
    name = re.search(rf"useradd --no-log-init --create-home --uid {user} (\w+)", making)[1]
    for volume in only(LAST, "VOLUME").arguments:
        assert re.search(rf"install -d -o {name} -g {name} .*{volume}\b", making), volume


def test_signals_reach_the_worker() -> None:
    assert only(LAST, "ENTRYPOINT").arguments == ["tini", "--", "hotstream"]
    assert only(LAST, "CMD").arguments == ["start-daemon"]
    assert only(LAST, "STOPSIGNAL").rest == "SIGTERM"
    installed = " ".join(one.rest for one in LAST if one.word == "RUN")
    for package in ("tini", "chromium", "fonts-noto-cjk"):
        assert package in installed.split()


def test_its_health_is_asked_for_without_a_shell() -> None:
    assert health(LAST) == ["hotstream", "health"]


def test_what_is_copied_exists_and_what_is_private_stays_outside() -> None:
    for one in STAGES[0]:
        if one.word == "COPY":
            *sources, _ = one.rest.split()
            assert all((ROOT / source).exists() for source in sources), one.rest
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    for private in (".git", ".venv", ".hotstream", "output", "logs"):
        assert private in ignored
