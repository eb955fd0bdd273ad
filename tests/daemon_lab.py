"""Real workers for tests: `start-daemon` in a process of its own, with plugins of the test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def until(condition: Callable[[], Any], *, timeout_s: float = 15.0, what: str = "") -> Any:
    """Wait until the condition holds, and give what it gave."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"it did not happen in time: {what}"
        time.sleep(0.02)


class Daemon:
    """A worker process; `log` is what it wrote so far."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("HOTSTREAM_", "MONGO"))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hotstream_reactive", "start-daemon"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environ | settings,
            cwd=folder,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._lines.append(line)

    @property
    def log(self) -> str:
        return "".join(self._lines)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def says(self, text: str, *, timeout_s: float = 20.0) -> str:
        """Wait for a line of the log with this text, and give the line."""

        def line() -> str | None:
            return next((line for line in list(self._lines) if text in line), None)

        with contextlib.suppress(AssertionError):
            return str(until(lambda: line() or not self.running, timeout_s=timeout_s) and line())
        raise AssertionError(f"{text!r} is not in the log:\n{self.log}")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, timeout_s: float = 20.0) -> int:
        """Its exit code."""
        code = self._process.wait(timeout_s)
        self._reader.join(5)
        return code

    def stop(self) -> int:
        """Let it drain; gives its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def end(self) -> None:
        """Leave nothing behind, in whatever state it is."""
        if self.running:
            self._process.kill()
        self._process.wait(10)
        self._reader.join(5)
        if self._process.stderr is not None:
            self._process.stderr.close()


@contextlib.contextmanager
def daemons(
    uri: str, database: str, folder: Path, plugins: Path
) -> Iterator[Callable[..., Daemon]]:
    """`start(name, scheduler_stuck_after=3)` starts a worker with these settings."""
    started: list[Daemon] = []

    def start(name: str, *, ready: bool = True, **settings: object) -> Daemon:
        environ = {
            "HOTSTREAM_MONGODB_URI": uri,
            "HOTSTREAM_MONGODB_DATABASE": database,
            "HOTSTREAM_PLUGINS_PLUGIN_DIRS": str(plugins),
            "HOTSTREAM_FRAMEWORK_WORKER_ID": name,
            **{f"HOTSTREAM_{key.upper()}": str(value) for key, value in settings.items()},
        }
        daemon = Daemon(folder / name, environ)
        started.append(daemon)
        if ready:
            daemon.says(" ready ")
        return daemon

    try:
        yield start
    finally:
        for daemon in started:
            daemon.end()
