"""What is published: the wheel, installed as a stranger would, on every Python there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import hotstream_reactive
from hotstream_reactive.version import __version__

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
TYPED = """
from hotstream_reactive import DataItem, PlatformAdapter

reveal_type(DataItem(id="a", platform="b", content="c").content)
class Mine(PlatformAdapter):
    platform_name = 3
"""


def pythons() -> dict[str, str]:
    """The interpreters of this machine that can make environments, by version; pyenv's too."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": sys.executable}
    for version in VERSIONS:
        beside = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        for path in (shutil.which(f"python{version}"), *map(str, beside)):
            # A shim may stand for a version that is not there.
            check = [str(path), "-c", "import venv, ensurepip"]
            if path and not subprocess.run(check, capture_output=True, check=False).returncode:
                found.setdefault(version, path)
    return found


def run(*command: str, cwd: Path) -> str:
    """What it printed; none of the settings of whoever runs the tests reach it."""
    ours = ("HOTSTREAM_", "MONGODB_", "PYTHON", "VIRTUAL_ENV")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT), cwd=folder)
    [built] = folder.glob("*.whl")
    return built


def test_it_holds_the_package_its_types_and_nothing_else(wheel: Path) -> None:
    assert wheel.name.startswith(f"hotstream_reactive-{__version__}-py3-none-any")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert "hotstream_reactive/py.typed" in names
        assert "hotstream_reactive/config.toml" in names
        assert {name.split("/")[0] for name in names} == {
            "hotstream_reactive",
            f"hotstream_reactive-{__version__}.dist-info",
        }
        inside = {name for name in names if name.startswith("hotstream_reactive/")}
        there = {
            str(path.relative_to(ROOT))
            for path in (ROOT / "hotstream_reactive").rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }
        assert there <= inside, "what the checkout has, the wheel has"
        [metadata] = [name for name in names if name.endswith("/METADATA")]
        described = archive.read(metadata).decode()
    for extra in ("embedded", "metrics", "otel", "socks", "import"):
        assert f"Provides-Extra: {extra}" in described


def test_the_changelog_tells_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## {re.escape(__version__)}\b", text, re.M)


def versions() -> list[Any]:
    """All of them; those beside the one that runs the tests take their time."""
    mine = f"{sys.version_info.major}.{sys.version_info.minor}"
    return [pytest.param(v, marks=[] if v == mine else pytest.mark.slow) for v in VERSIONS]


@pytest.mark.parametrize("version", versions())
def test_it_works_in_an_empty_environment(version: str, wheel: Path, tmp_path: Path) -> None:
    found = pythons()
    if version not in found:
        pytest.skip(f"there is no Python {version} here")
    run(found[version], "-m", "venv", "env", cwd=tmp_path)
    python = str(tmp_path / "env" / "bin" / "python")
    hotstream = str(tmp_path / "env" / "bin" / "hotstream")
    pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(*pip, f"{wheel}[embedded]", cwd=tmp_path)
    assert f"hotstream, version {__version__}" in run(hotstream, "--version", cwd=tmp_path)
    names = ", ".join(hotstream_reactive.__all__)
    run(python, "-W", "error", "-c", f"from hotstream_reactive import {names}", cwd=tmp_path)
    platforms = run(hotstream, "list-platforms", cwd=tmp_path)
    for platform in ("twitter", "medium", "juejin", "zhihu"):
        assert platform in platforms
    run(hotstream, "demo", cwd=tmp_path)


def test_its_types_reach_a_program(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(TYPED)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "mine.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (
        'Revealed type is "builtins.str"' in done.stdout or 'Revealed type is "str"' in done.stdout
    )
    assert "Incompatible types in assignment" in done.stdout
    assert "import-untyped" not in done.stdout
