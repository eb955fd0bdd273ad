"""The example programs, as a reader runs them, against a real worker."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon_lab import daemons

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
#: Where `.ci/run` puts what npm brings, and where a developer may have it.
MODULES = [ROOT / "build" / "node" / "node_modules"]
PLATFORM = """
from hotstream_reactive import DataItem, PermanentError, PlatformAdapter


class NearAdapter(PlatformAdapter):
    platform_name = "near"

    async def search(self, keywords, options):
        if keywords == ["broken"]:
            raise PermanentError("no such thing")
        for n in range(3):
            yield DataItem(id=f"{self.context.task_id}_{n}", platform="near", content=keywords[0])
"""


def modules() -> Path | None:
    """The folder in which Node finds the driver."""
    path = os.environ.get("NODE_PATH")
    places = [*MODULES, *([Path(path)] if path else [])]
    return next((place for place in places if (place / "mongodb").is_dir()), None)


def command(name: str, keyword: str, folder: Path) -> list[str]:
    if name == "producer.py":
        return [sys.executable, str(EXAMPLES / name), "near", keyword]
    path = os.pathsep.join([os.environ["PATH"], *(str(place / ".bin") for place in MODULES)])
    if name == "producer.js":
        shell = shutil.which("mongosh", path=path) or pytest.skip("there is no mongosh")
        return [shell, "--quiet", os.environ["MONGODB_URI"], str(EXAMPLES / name)]
    node, driver = shutil.which("node"), modules()
    if node is None or driver is None:
        pytest.skip("there is no node with the driver: npm install --prefix build/node mongodb")
    # A module looks for others beside itself.
    (folder / "node_modules").symlink_to(driver)
    shutil.copy(EXAMPLES / name, folder)
    return [node, str(folder / name), "near", keyword]


@pytest.fixture
def worker(
    mongo_server: Any, database_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "near.py").write_text(PLATFORM)
    monkeypatch.setenv("MONGODB_URI", mongo_server.uri)
    monkeypatch.setenv("MONGODB_DATABASE", database_name)
    monkeypatch.setenv("PLATFORM", "near")
    with daemons(mongo_server.uri, database_name, tmp_path, plugins) as start:
        start("w")
        yield


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("name", ["producer.py", "producer.mjs", "producer.js"])
def test_a_producer_follows_its_task(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    asked = command(name, "hello", tmp_path / "own")
    for keyword, code, last in (("hello", 0, "3 items"), ("broken", 1, "no such thing")):
        monkeypatch.setenv("KEYWORD", keyword)
        asked = [keyword if word in ("hello", "broken") else word for word in asked]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        lines = done.stdout.splitlines()
        assert last in lines[-1], done.stdout
        items = [line for line in lines if line.startswith("item ")]
        assert len(items) == (3 if code == 0 else 0)
        assert all(line.endswith(" hello") for line in items)
        if name != "producer.js":
            assert any(line.startswith("task 100%") for line in lines) == (code == 0)


def test_every_example_is_explained_and_run() -> None:
    explained = (EXAMPLES / "README.md").read_text("utf-8")
    for path in EXAMPLES.glob("producer.*"):
        assert f"[{path.name}]({path.name})" in explained
