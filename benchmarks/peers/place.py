"""Where peers live: environments below a cache directory, servers in temporary folders."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hotstream-bench-peers"
#: Servers of the distributions that are not on PATH.
MORE_PATH = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


class MissingRuntimeError(Exception):
    """A peer cannot be measured here; the text says what is missing and how to get it."""


def program(name: str, remedy: str) -> str:
    """The path of a program of the machine.

    Raises:
        MissingRuntimeError: it is not installed.
    """
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *MORE_PATH]))
    if path is None:
        raise MissingRuntimeError(f"{name} is not installed: {remedy}")
    return path


def python(name: str, *packages: str) -> Path:
    """The folder of the programs of a throw-away environment with these packages.

    Raises:
        MissingRuntimeError: they cannot be installed.
    """
    folder = CACHE / name
    if not (folder / ".ready").exists():
        _install([sys.executable, "-m", "venv", "--clear", str(folder)])
        _install([str(folder / "bin/python"), "-m", "pip", "install", "--quiet", *packages])
        (folder / ".ready").touch()
    return folder / "bin"


def node(name: str, *packages: str) -> Path:
    """A throw-away folder with these npm packages.

    Raises:
        MissingRuntimeError: Node is missing or they cannot be installed.
    """
    npm = program("npm", "apt-get install npm")
    program("node", "apt-get install nodejs")
    folder = CACHE / name
    if not (folder / ".ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
        _install([npm, "install", "--silent", "--prefix", str(folder), *packages])
        (folder / ".ready").touch()
    return folder


def _install(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MissingRuntimeError(f"`{' '.join(command)}` failed: {last}")


@contextmanager
def redis() -> Iterator[str]:
    """A Redis that syncs its log before every answer, as MongoDB and PostgreSQL do; its address."""
    binary = program("redis-server", "apt-get install redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="hotstream-bench-redis-") as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        durable = ["--appendonly", "yes", "--appendfsync", "always"]
        with process([binary, *options, *durable]):
            _await_port(port)
            yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL at its default durability (`fsync`, `synchronous_commit` on); its address."""
    initdb = program("initdb", "apt-get install postgresql")
    binary = program("postgres", "apt-get install postgresql")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="hotstream-bench-postgres-") as folder:
        # It refuses to run as root.
        user = "nobody" if os.geteuid() == 0 else None
        if user:
            shutil.chown(folder, user)
        data = f"{folder}/data"
        made = subprocess.run(
            [initdb, "-D", data, "-U", "bench", "-A", "trust"],
            user=user,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise MissingRuntimeError(f"initdb failed: {made.stderr.strip()}")
        options = ["-p", str(port), "-h", "127.0.0.1", "-k", folder]
        with process([binary, "-D", data, *options], user=user):
            _await_port(port)
            yield f"postgresql://bench@127.0.0.1:{port}/postgres"


@contextmanager
def process(
    command: Sequence[str],
    *,
    environ: dict[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
) -> Iterator[None]:
    """A process, quiet, that is ended with the block."""
    started = subprocess.Popen(
        command,
        env={**os.environ, **(environ or {})},
        cwd=cwd or "/",
        user=user,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        started.terminate()
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def _await_port(port: int, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while True:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                # PostgreSQL listens a moment before it takes connections.
                time.sleep(0.5)
                return
        if time.monotonic() > deadline:
            raise MissingRuntimeError(f"a server did not open port {port} within {within_s:.0f} s")
        time.sleep(0.05)
