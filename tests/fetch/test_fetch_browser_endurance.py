"""Many pages: memory, file handles and processes stay flat.

`HOTSTREAM_ENDURANCE_PAGES` sets how many (200 when unset); the figures are printed with `-s`.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import NamedTuple

import pytest

from hotstream_reactive.fetch.browser import BrowserPool
from hotstream_reactive.fetch.guard import AddressGuard
from hotstream_reactive.fetch.http import DEFAULT_USER_AGENT
from hotstream_reactive.settings import FetchSettings
from tests.fetch.surroundings import CHROMIUM, descendants
from tests.site.nitter import MisbehavingSite

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

if not CHROMIUM:
    pytest.skip("there is no Chromium", allow_module_level=True)

PAGES = int(os.environ.get("HOTSTREAM_ENDURANCE_PAGES", "200"))
RECYCLED_AFTER = 80
EVERY = 20
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_MEBIBYTE = 2**20


class Figures(NamedTuple):
    """Of this process and of all below it."""

    own_mb: float
    below_mb: float
    handles: int
    processes: int


def figures(strangers: set[int]) -> Figures:
    """Without processes of other tests, such as a database that lives for the whole suite."""
    gc.collect()
    below = {*descendants()} - strangers
    return Figures(
        own_mb=round(_resident_mb(os.getpid()), 1),
        below_mb=round(sum(_proportional_mb(pid) for pid in below), 1),
        handles=len(list(Path("/proc/self/fd").iterdir())),
        processes=len([pid for pid in below if _proportional_mb(pid) > 0]),
    )


def _resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES / _MEBIBYTE


def _proportional_mb(pid: int) -> float:
    """Memory of a process, with shared pages divided by those who share them."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        return 0.0  # gone in the meantime, as the `ps` that listed it
    return 0.0


@pytest.mark.fault("F4", "hundreds of pages in one process")
async def test_many_pages(capsys):
    settings = FetchSettings(timeout=20, chromium=CHROMIUM, browser_max_pages=RECYCLED_AFTER)
    seen: list[Figures] = []
    strangers = {*descendants()}
    async with MisbehavingSite() as site, BrowserPool().lease() as pool:
        accounts = list(site.accounts)
        for number in range(PAGES):
            visit = await pool.fetch(
                f"{site.url}/{accounts[number % len(accounts)]}",
                settings=settings,
                user_agent=DEFAULT_USER_AGENT,
                ready=".timeline",
                guard=AddressGuard([site.url]),
            )
            assert "timeline-item" in visit.response.text
            if number % EVERY == EVERY - 1:
                seen.append(figures(strangers))
        assert pool._live.browser.contexts == []
    after = figures(strangers)
    with capsys.disabled():
        print()
        for number, one in enumerate(seen):
            print(f"after {(number + 1) * EVERY:4} pages: {one}")
        print(f"after the last holder: {after}")
    # The first figures are those of a process that has not met everything yet.
    early, late = seen[1], seen[-1]
    assert late.own_mb - early.own_mb < 15
    assert late.handles - early.handles <= 4
    assert max(one.processes for one in seen) <= early.processes + 3
    assert max(one.below_mb for one in seen) < 2 * early.below_mb
    assert (after.processes, after.below_mb) == (0, 0.0)
