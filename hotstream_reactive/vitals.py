"""Signs of life: what a worker writes into a small file, and what `hotstream health` reads there.

One file per worker process, `<pid>.json`, replaced as a whole every other second. Its times are
monotonic and so are the reader's, so no step of a clock matters; both run on the same machine or in
the same container. The file says nothing by itself: a worker that hangs stops writing it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

import msgspec

#: Seconds between two files of one worker.
BEAT_S = 2.0
#: An event loop that has not come round for so long is stuck, or its process is stopped.
LONGEST_LAG_S = 20.0
#: A stream that has been dead for so long matters when the sweeps do not answer either.
LONGEST_STREAM_GAP_S = 60.0
LONGEST_SWEEP_GAP_S = 30.0
LONGEST_DATABASE_GAP_S = 60.0


class Vitals(msgspec.Struct, kw_only=True, frozen=True):
    """Signs of life of one worker; times are seconds of the monotonic clock.

    `process_began` tells the process from a later one with the same pid. `stream` is the state of
    the change stream, since `stream_since`. `swept_at` is when the last sweep was answered or had
    no slot to fill, `database_at` when MongoDB last answered: both begin with the start. The
    `patience` values are how long these two may be silent, given the configured intervals.
    """

    worker_id: str
    pid: int
    process_began: str | None
    beat_at: float
    stream: str
    stream_since: float
    swept_at: float
    sweep_patience_s: float = LONGEST_SWEEP_GAP_S
    database_at: float
    database_patience_s: float = LONGEST_DATABASE_GAP_S


class Condition(StrEnum):
    """How a worker is, from good to bad."""

    ALIVE = "alive"
    DEAF = "deaf"
    DEAD = "dead"


def process_began(pid: int) -> str | None:
    """When a living process began; None when there is none, or where this cannot be known."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]


def write(folder: Path, vitals: Vitals) -> None:
    """Replace this worker's file.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{vitals.pid}.json"
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(vitals))
    new.replace(path)


def remove(folder: Path, pid: int) -> None:
    """Forget a worker that has ended in order."""
    with suppress(OSError):
        (folder / f"{pid}.json").unlink(missing_ok=True)


def forget_the_dead(folder: Path) -> None:
    """Remove the files of workers that were killed; a worker that starts takes their place."""
    for vitals in read_all(folder):
        if _is_dead(vitals):
            remove(folder, vitals.pid)


def read_all(folder: Path) -> Iterator[Vitals]:
    """The signs of life of all workers that write into this folder."""
    for path in sorted(folder.glob("*.json")):
        # It may be gone by now, and a file of another version is none of ours.
        with suppress(OSError, msgspec.MsgspecError):
            yield msgspec.json.decode(path.read_bytes(), type=Vitals)


def judge(vitals: Vitals, now: float | None = None) -> tuple[Condition, str]:
    """How this worker is, and why, in one line; `now` is a monotonic time."""
    now = time.monotonic() if now is None else now
    if _is_dead(vitals):
        return Condition.DEAD, f"process {vitals.pid} has ended without a farewell"
    lag_s = now - vitals.beat_at
    if lag_s > LONGEST_LAG_S:
        return Condition.DEAF, f"its event loop has not come round for {lag_s:.0f} s"
    database_s, swept_s = now - vitals.database_at, now - vitals.swept_at
    if database_s > vitals.database_patience_s:
        return Condition.DEAF, f"MongoDB has not answered for {database_s:.0f} s"
    gap_s = 0.0 if vitals.stream == "live" else now - vitals.stream_since
    if gap_s > LONGEST_STREAM_GAP_S and swept_s > vitals.sweep_patience_s:
        return Condition.DEAF, (
            f"the stream is {vitals.stream} for {gap_s:.0f} s, "
            f"and no sweep was answered for {swept_s:.0f} s"
        )
    return Condition.ALIVE, (
        f"stream {vitals.stream}, loop {lag_s:.1f} s ago, MongoDB {database_s:.1f} s ago"
    )


def _is_dead(vitals: Vitals) -> bool:
    if Path("/proc/self/stat").exists():
        return process_began(vitals.pid) != vitals.process_began
    try:
        os.kill(vitals.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's, so it is there
        return False
    return False
