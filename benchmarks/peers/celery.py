"""Celery 5 on Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import place
from benchmarks.peers.peer import Peer

SETTINGS = (
    "Celery on Redis (appendonly, appendfsync always): prefork with one process per core, "
    "acks_late (at least once, as HotStream), prefetch 100, results ignored, no gossip and mingle"
)


@contextmanager
def open_peer(mongodb_uri: str, stamps: Path) -> Iterator[Peer]:
    """Celery with a Redis of its own."""
    place.program("redis-server", "apt-get install redis-server")
    programs = place.python("celery", "celery[redis]>=5.4,<6")
    options = ["--without-gossip", "--without-mingle", "--loglevel", "ERROR"]
    with place.redis() as uri:
        yield Peer(
            name="Celery",
            settings=SETTINGS,
            worker=[str(programs / "celery"), "-A", "celery_jobs", "worker", *options],
            client=[str(programs / "python"), "celery_jobs.py"],
            uri=uri,
            stamps=stamps,
        )
