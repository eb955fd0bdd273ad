"""The processes of a browser, so that none is left behind. Linux only: elsewhere nothing is known.

Normally Playwright's driver ends the browser, and both end when this process does: they are tied to
it by pipes. That does not help against a browser or driver that hangs.
"""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_PROFILE_FLAG = "--user-data-dir="
# Only directories that Playwright made are removed.
_PROFILE_NAME = "playwright_"


class Process(NamedTuple):
    """A process; its start time tells it from a later one with the same number."""

    pid: int
    started: str


class BrowserProcesses(NamedTuple):
    """What one start of the browser brought to life."""

    driver: Process
    browser: Process
    profile: Path | None

    @property
    def are_alive(self) -> bool:
        """Whether driver and browser are both there."""
        return _is_alive(self.driver) and _is_alive(self.browser)

    def end_browser(self) -> None:
        """Kill the browser with all its processes, if it still lives."""
        _kill([*_below(self.browser), self.browser])

    def end(self) -> None:
        """Kill what is left of both, and remove the profile."""
        self.end_browser()
        _kill([self.driver])
        if self.profile is not None:
            shutil.rmtree(self.profile, ignore_errors=True)


def browser_processes(browser_pid: int) -> BrowserProcesses | None:
    """The processes of a browser that was just started; None where they cannot be seen."""
    browser = _process(browser_pid)
    parent = _parent(browser_pid)
    driver = _process(parent) if parent is not None else None
    # In another namespace of process numbers the parent would be somebody else.
    if browser is None or driver is None or _parent(driver.pid) != os.getpid():
        return None
    return BrowserProcesses(driver, browser, _profile(browser_pid))


def _profile(pid: int) -> Path | None:
    with suppress(OSError):
        for argument in (_PROC / str(pid) / "cmdline").read_bytes().decode().split("\0"):
            # Chromium runs its arguments together with blanks when it renames itself.
            for part in argument.split(" "):
                path = Path(part.removeprefix(_PROFILE_FLAG))
                if part.startswith(_PROFILE_FLAG) and path.name.startswith(_PROFILE_NAME):
                    return path
    return None


def _fields(pid: int) -> list[str]:
    """The fields of `stat` after the name: state, parent, …; empty when there is none."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return []


def _process(pid: int) -> Process | None:
    fields = _fields(pid)
    return Process(pid, fields[19]) if fields else None


def _parent(pid: int) -> int | None:
    fields = _fields(pid)
    return int(fields[1]) if fields else None


def _is_alive(process: Process) -> bool:
    fields = _fields(process.pid)
    return bool(fields) and fields[19] == process.started and fields[0] not in ("Z", "X")


def _kill(processes: list[Process]) -> None:
    for one in processes:
        if _is_alive(one):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(one.pid, signal.SIGKILL)


def _below(process: Process) -> list[Process]:
    """All descendants, as far as the ties between them still stand."""
    if not _is_alive(process):
        return []
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (parent := _parent(int(entry.name))) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found: list[Process] = []
    waiting = [process.pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if (one := _process(child)) is not None:
                found.append(one)
                waiting.append(child)
    return found
