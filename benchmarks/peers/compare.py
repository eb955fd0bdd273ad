"""Pick-up and throughput of HotStream and of each peer, in turn on the same machine."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import anyio

from benchmarks import rig
from benchmarks.latency import pick_up
from benchmarks.peers import agenda, celery, pgqueuer, taskiq
from benchmarks.peers.peer import Open, Peer, PeerError
from benchmarks.peers.place import MissingRuntimeError
from benchmarks.report import Found
from benchmarks.throughput import drain

PEERS: dict[str, Open] = {
    "Agenda": agenda.open_peer,
    "Celery": celery.open_peer,
    "taskiq": taskiq.open_peer,
    "pgqueuer": pgqueuer.open_peer,
}
TARGETS = {"Agenda": ("≤ 0.5", "≥ 10"), "Celery": ("", "≥ 5"), "pgqueuer": ("≤ 1", "≥ 1")}
BLOCKS = 3
#: Jobs for those that do some hundreds a second.
FEW = {"Agenda", "Celery", "taskiq"}


async def run(driver: str, scale: float) -> Found:
    """Each peer against HotStream, block by block; the floor is the peer, not the bare driver."""
    found = Found(part="peers")
    for name, open_peer in PEERS.items():
        with rig.server() as uri, tempfile.NamedTemporaryFile(suffix=".stamps") as stamps:
            try:
                with ExitStack() as stack:
                    peer = stack.enter_context(open_peer(uri, Path(stamps.name)))
                    await _compare(found, peer, uri, driver, scale)
            except (MissingRuntimeError, PeerError) as error:
                found.notes.append(f"{name} is skipped: {error}")
            else:
                found.notes.append(peer.settings)
    return found


async def _drain(peer: Peer, jobs: int) -> float:
    """Jobs per second of the peer's worker."""
    rates: list[float] = []

    async def look() -> None:
        rates.append(await peer.ask("drain", jobs))

    with ExitStack() as stack:
        async with anyio.create_task_group() as group:
            # The client looks before the worker begins: a quick one would be over before.
            group.start_soon(look)
            await anyio.sleep(2.0)
            stack.enter_context(peer.working())
    return rates[0]


async def _compare(found: Found, peer: Peer, mongodb_uri: str, driver: str, scale: float) -> None:
    jobs = max(1000, int((5_000 if peer.name in FEW else 20_000) * scale))
    pick_up_target, rate_target = TARGETS.get(peer.name, ("", ""))
    async with rig.client(mongodb_uri) as outside:
        # The peer's queue is full before its worker starts; HotStream's while it is paused.
        await peer.ask("fill", jobs)
        theirs = await _drain(peer, jobs)
        ours, _, _ = await drain(mongodb_uri, outside["drained"], max(2000, jobs), 1, driver)
        found.add(
            f"no-op jobs per second, HotStream to {peer.name}",
            ours,
            "/s",
            floor=theirs,
            target=rate_target,
        )
        each = max(3, int(300 * scale) // BLOCKS)
        mine: list[float] = []
        others: list[float] = []
        async with rig.workers(mongodb_uri, "picked", driver=driver):
            with peer.working():
                # The worker connects; the first job is not measured.
                await anyio.sleep(3.0)
                await peer.ask("latency", 1)
                for _ in range(BLOCKS):
                    others += await peer.ask("latency", each)
                    mine += await pick_up(outside["picked"], each)
    found.add_durations(
        f"pick-up, HotStream to {peer.name}", mine, others, (pick_up_target, "", "")
    )
    found.durations[f"pick-up, {peer.name}"] = others
