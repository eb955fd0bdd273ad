"""What the tests of the fetch layer find on this machine."""

from __future__ import annotations

import os
import subprocess

import pytest

from hotstream_reactive.errors import BlockedError
from hotstream_reactive.fetch import chromium


def _installed() -> str:
    from playwright.sync_api import sync_playwright

    try:
        with sync_playwright() as playwright:
            return chromium.find(
                os.environ.get("HOTSTREAM_CHROMIUM", ""), playwright.chromium.executable_path
            )
    except BlockedError:
        return ""


#: The Chromium to test with; empty when there is none.
CHROMIUM = _installed()
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium")


def descendants(mark: str = "", of: int | None = None) -> list[int]:
    """Processes below this one (or `of`), at any depth, with `mark` in their command."""
    table = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,ppid=,args="], check=True, capture_output=True, text=True
    ).stdout
    rows = [line.split(None, 2) for line in table.splitlines()]
    parents = {int(pid): int(parent) for pid, parent, *_ in rows}
    root = os.getpid() if of is None else of

    def below(pid: int) -> bool:
        while pid > 1:
            pid = parents.get(pid, 0)
            if pid == root:
                return True
        return False

    return [int(row[0]) for row in rows if mark in row[-1] and below(int(row[0]))]
