"""Programs that write a task and follow it, in every language, against a real worker."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.examples.languages import EXAMPLES, command

PRODUCERS = sorted(path.name for path in EXAMPLES.glob("[pP]roducer.*"))


def test_no_language_is_forgotten() -> None:
    assert {Path(name).suffix for name in PRODUCERS} == {".go", ".java", ".js", ".mjs", ".py"}


def test_every_example_is_explained() -> None:
    explained = (EXAMPLES / "README.md").read_text("utf-8")
    for path in EXAMPLES.iterdir():
        if path.is_file() and path.name != "README.md":
            assert f"[{path.name}]({path.name})" in explained


@pytest.mark.parametrize("name", PRODUCERS)
def test_a_producer_watches_no_more_than_its_role_allows(name: str) -> None:
    """Not the whole database: the role hotstreamProducer is for some collections of it."""
    text = re.sub(r"\s", "", (EXAMPLES / name).read_text("utf-8")).lower()
    [watched] = re.findall(r"([\w.\")(]*)\.watch\(", text)
    assert "tasks" in watched, watched


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("name", PRODUCERS)
def test_a_producer_follows_its_task(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    asked = command(name, ["near", "hello"], tmp_path / "own")
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


def test_go_is_written_as_go_wants_it() -> None:
    gofmt = shutil.which("gofmt") or pytest.skip("there is no gofmt")
    asked = [gofmt, "-d", "-e", str(EXAMPLES / "producer.go")]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_java_can_be_read(tmp_path: Path) -> None:
    """Also where there is no driver: then names are missing, and nothing else is wrong."""
    javac = shutil.which("javac") or pytest.skip("there is no javac")
    source = str(EXAMPLES / "Producer.java")
    asked = [javac, "-XDrawDiagnostics", "-Xmaxerrs", "1000", "-d", str(tmp_path), source]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    wrong = [line for line in done.stderr.splitlines() if "compiler.err" in line]
    assert wrong, "there is no driver in the class path"
    missing = r"compiler\.err\.(doesnt\.exist|cant\.resolve|static\.imp\.only)"
    assert not [line for line in wrong if not re.search(missing, line)]
