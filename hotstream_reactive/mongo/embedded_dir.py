"""The kept data directory of an embedded replica set: who owns it, and which ports it had."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from hotstream_reactive.errors import EmbeddedMongoError

# A dead owner's guardian needs up to ten seconds to end a mongod that does not listen.
_OLD_OWNER_TIMEOUT_S = 20.0
_POLL_S = 0.02

_locks_of_this_process: weakref.WeakSet[IO[bytes]] = weakref.WeakSet()


def read_ports(base: Path) -> list[int] | None:
    """The ports of the nodes at the last run; None before the first one."""
    try:
        state = json.loads((base / "replicaset.json").read_bytes())
        return [int(port) for port in state["ports"]]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise EmbeddedMongoError(
            f"{base / 'replicaset.json'} is damaged ({error}): remove this file, data is elsewhere"
        ) from error


def write_ports(base: Path, ports: Sequence[int]) -> None:
    """Keep the ports for the next run."""
    new = base / "replicaset.json.new"
    new.write_text(json.dumps({"ports": list(ports)}), encoding="utf-8")
    new.replace(base / "replicaset.json")


def lock_directory(base: Path) -> IO[bytes]:
    """Take the directory for this process; the lock is passed on to the guardians and mongods.

    So it is free only when the last mongod of a dead owner has ended: this waits for that.

    Raises:
        EmbeddedMongoError: a living process owns the directory; the message names both.
    """
    deadline_s = time.monotonic() + _OLD_OWNER_TIMEOUT_S
    # Unbuffered, so that closing the copy in a forked child cannot write anything.
    lock = os.fdopen(os.open(base / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600), "r+b", 0)
    with contextlib.ExitStack() as on_error:
        on_error.callback(lock.close)
        while not _try_lock(lock):
            pid, _, started = os.pread(lock.fileno(), 100, 0).decode().partition(" ")
            if pid and _start_of(pid) == started:
                raise EmbeddedMongoError(
                    f"{base} is in use by the embedded MongoDB of process {pid}: "
                    "stop that one, or choose another directory"
                )
            if time.monotonic() > deadline_s:
                left = ", ".join(_pids_of_mongods(base)) or "unknown"
                raise EmbeddedMongoError(
                    f"{base} is still in use although its owner, process {pid}, has ended: "
                    f"end its mongod (process {left}) and start again"
                )
            time.sleep(_POLL_S)
        os.ftruncate(lock.fileno(), 0)
        os.pwrite(lock.fileno(), f"{os.getpid()} {_start_of(str(os.getpid()))}".encode(), 0)
        on_error.pop_all()
    _locks_of_this_process.add(lock)
    return lock


def release_directory(lock: IO[bytes]) -> None:
    """Give the directory back after its last mongod has ended."""
    lock.truncate(0)  # else a process that lives on would still be taken for the owner
    lock.close()


def running_ports(base: Path) -> list[int] | None:
    """The ports of the set that a living process runs in this directory; None when none does."""
    try:
        pid, _, started = (base / "owner.lock").read_text(encoding="utf-8").partition(" ")
    except FileNotFoundError:
        return None
    return read_ports(base) if pid and _start_of(pid) == started else None


def _close_locks_of_the_parent() -> None:
    for lock in list(_locks_of_this_process):
        lock.close()


# Else a forked child (multiprocessing) that outlives the owner would keep the directory locked.
os.register_at_fork(after_in_child=_close_locks_of_the_parent)


def _try_lock(lock: IO[bytes]) -> bool:
    try:
        # flock and not lockf: it also tells apart two owners in one process, and is inherited.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start_of(pid: str) -> str | None:
    """When a living process began, which tells it from a later one with the same pid."""
    try:
        stat = Path("/proc", pid, "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # no such process
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]


def _pids_of_mongods(base: Path) -> Iterator[str]:
    for lock in base.glob("node*/mongod.lock"):
        yield lock.read_text(encoding="utf-8").strip()
