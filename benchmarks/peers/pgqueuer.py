"""pgqueuer on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import place
from benchmarks.peers.peer import Peer

SETTINGS = (
    "pgqueuer on PostgreSQL (fsync and synchronous_commit on, its durable tables): one process, "
    "batches of 100, a pool of asyncpg, uvloop"
)


@contextmanager
def open_peer(mongodb_uri: str, stamps: Path) -> Iterator[Peer]:
    """pgqueuer with a PostgreSQL of its own."""
    place.program("postgres", "apt-get install postgresql")
    programs = place.python("pgqueuer", "pgqueuer>=1,<2", "asyncpg", "uvloop")
    pgq = str(programs / "pgq")
    with place.postgres() as uri:
        peer = Peer(
            name="pgqueuer",
            settings=SETTINGS,
            worker=[str(programs / "python"), "pgqueuer_jobs.py", "worker"],
            client=[str(programs / "python"), "pgqueuer_jobs.py"],
            uri=uri,
            stamps=stamps,
        )
        peer.run_once([pgq, "--pg-dsn", uri, "install", "--durability", "durable"])
        yield peer
