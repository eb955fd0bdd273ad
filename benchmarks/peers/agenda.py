"""Agenda 6 on the very MongoDB that HotStream uses in the run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import place
from benchmarks.peers.peer import Peer

SETTINGS = (
    "Agenda on the same mongod (w: majority): change-stream notifications, concurrency 400, "
    "no lock limit, its own index, processEvery 1 second"
)


@contextmanager
def open_peer(mongodb_uri: str, stamps: Path) -> Iterator[Peer]:
    """Agenda in a database of its own."""
    folder = place.node("agenda", "agenda@^6", "@agendajs/mongo-backend@^4", "mongodb")
    # Node looks for packages beside the program.
    shutil.copy(place.PROGRAMS / "agenda_jobs.mjs", folder)
    node = [place.program("node", "apt-get install nodejs"), "agenda_jobs.mjs"]
    yield Peer(
        name="Agenda",
        settings=SETTINGS,
        worker=[*node, "worker"],
        client=node,
        uri=mongodb_uri,
        stamps=stamps,
        folder=folder,
    )
