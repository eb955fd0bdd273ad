"""taskiq on a Redis stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import place
from benchmarks.peers.peer import Peer

SETTINGS = (
    "taskiq on a Redis stream (appendonly, appendfsync always): one process, 400 tasks at once, "
    "acknowledged when executed, 100 read at a time, uvloop where it installs it"
)


@contextmanager
def open_peer(mongodb_uri: str, stamps: Path) -> Iterator[Peer]:
    """The worker of taskiq with a Redis of its own."""
    place.program("redis-server", "apt-get install redis-server")
    programs = place.python("taskiq", "taskiq>=0.11,<1", "taskiq-redis>=1,<2", "uvloop")
    options = ["--workers", "1", "--max-async-tasks", "400", "--max-prefetch", "400"]
    ack = ["--ack-type", "when_executed", "--log-level", "ERROR"]
    with place.redis() as uri:
        yield Peer(
            name="taskiq",
            settings=SETTINGS,
            worker=[str(programs / "taskiq"), "worker", "taskiq_jobs:broker", *options, *ack],
            client=[str(programs / "python"), "taskiq_jobs.py"],
            uri=uri,
            stamps=stamps,
        )
