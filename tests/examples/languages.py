"""How each example program is run here, as its documentation says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
#: Where `.ci/run` puts what npm brings, and where a developer may have it.
NODE_MODULES = ROOT / "build" / "node" / "node_modules"
#: Where Debian puts the drivers (golang-mongodb-mongo-driver-dev, libmongodb-java).
GO_PATH = Path("/usr/share/gocode")
GO_CACHE = ROOT / "build" / "go-cache"
JAVA_DRIVER = Path(os.environ.get("HOTSTREAM_MONGO_JAR", "/usr/share/java/mongo-java-driver.jar"))


def command(name: str, arguments: list[str], folder: Path) -> list[str]:
    """The command of an example; skips the test where its language or driver is missing.

    Args:
        folder: an empty one, for what has to be built.
    """
    path = EXAMPLES / name
    match path.suffix:
        case ".py":
            return [sys.executable, str(path), *arguments]
        case ".js":
            shell = _found("mongosh", NODE_MODULES / ".bin")
            return [shell, "--quiet", os.environ["MONGODB_URI"], str(path)]
        case ".mjs":
            # A module looks for others beside itself.
            (folder / "node_modules").symlink_to(_modules())
            shutil.copy(path, folder)
            return [_found("node"), str(folder / name), *arguments]
        case ".go":
            return [_built_by_go(path, folder), *arguments]
        case ".java":
            return [*_java(folder), str(path), *arguments]
    raise AssertionError(f"nobody says how to run {name}")


def _found(program: str, *places: Path) -> str:
    path = os.pathsep.join([os.environ["PATH"], *map(str, places)])
    return shutil.which(program, path=path) or pytest.skip(f"there is no {program}")


def _modules() -> Path:
    """The folder in which Node finds the driver."""
    places = [NODE_MODULES, Path(os.environ.get("NODE_PATH") or "none")]
    found = next((place for place in places if (place / "mongodb").is_dir()), None)
    return found or pytest.skip("no driver for node: npm install --prefix build/node mongodb")


def _built_by_go(path: Path, folder: Path) -> str:
    go = _found("go")
    if not (GO_PATH / "src" / "go.mongodb.org").is_dir():
        pytest.skip("no driver for Go: Debian's golang-mongodb-mongo-driver-dev")
    environment = {"GO111MODULE": "off", "GOPATH": str(GO_PATH), "GOCACHE": str(GO_CACHE)}
    program = str(folder / "producer")
    for step in (["vet", str(path)], ["build", "-o", program, str(path)]):
        done = subprocess.run(
            [go, *step], env=os.environ | environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return program


def _java(folder: Path) -> list[str]:
    java, javac = _found("java"), _found("javac")
    if not JAVA_DRIVER.exists():
        pytest.skip("no driver for Java: Debian's libmongodb-java")
    shim = sorted((Path(__file__).parent / "java").rglob("*.java"))
    compile_it = [javac, "-cp", str(JAVA_DRIVER), "-d", str(folder), *map(str, shim)]
    subprocess.run(compile_it, check=True)
    return [java, "-cp", os.pathsep.join([str(folder), str(JAVA_DRIVER)])]
