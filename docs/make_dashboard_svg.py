"""Makes docs/images/dashboard.svg from a real run: `python docs/make_dashboard_svg.py`.

An embedded replica set, a site on loopback, a daemon in a process of its own, and this program as
the external application that writes tasks; then one screen of the dashboard, as it is.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from hotstream_reactive.cli.dashboard import open_desk
from hotstream_reactive.cli.demo_parts import daemon, embedded
from hotstream_reactive.dashboard.focus import Focus
from hotstream_reactive.dashboard.follow import Follower
from hotstream_reactive.dashboard.look import Look
from hotstream_reactive.dashboard.snapshot import Snapshot
from hotstream_reactive.dashboard.view import draw
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.platforms.twitter.demo_site import NitterSite
from hotstream_reactive.settings import MongoSettings, Settings

TARGET = Path(__file__).parent / "images" / "dashboard.svg"
WIDTH, HEIGHT = 120, 40
SLOTS = 5
#: Long enough for runs to end, fail, and wait for their next try.
STORY_S = 150.0
LONGEST_WAIT_S = 60.0
THEME = TerminalTheme(
    (250, 250, 248),
    (40, 44, 52),
    [
        *((40, 44, 52), (190, 60, 50), (60, 130, 70), (180, 110, 20)),
        *((30, 100, 190), (140, 70, 150), (30, 130, 140), (110, 110, 110)),
    ],
)


async def main() -> None:
    """Run the story and draw it."""
    quiet = Console(file=io.StringIO())
    async with embedded(quiet) as uri, NitterSite(delay_s=0.9) as site:
        settings = Settings(mongodb=MongoSettings(uri=uri, driver="pymongo"))
        async with (
            daemon(uri, site.url, quiet, slots=SLOTS),
            open_desk(settings) as (board, snapshot),
            anyio.create_task_group() as group,
        ):
            changed, changes = anyio.create_memory_object_stream[None](100_000)
            follower = Follower(board, snapshot, changed=lambda: changed.send_nowait(None))
            group.start_soon(follower.run)
            await story(settings, snapshot, changes)
            draw_svg(snapshot, follower.now())
            group.cancel_scope.cancel()


async def story(
    settings: Settings, snapshot: Snapshot, changes: MemoryObjectReceiveStream[None]
) -> None:
    """Write tasks like an application, until there is something of everything to see."""
    mongo = Mongo(settings.mongodb, app_name="story")
    began = anyio.current_time()
    number = 0
    try:
        while anyio.current_time() - began < STORY_S:
            number += 1
            await mongo.tasks.insert_one(task(number))
            await anyio.sleep(2.6)
        for _ in range(16):
            number += 1
            await mongo.tasks.insert_one(task(number, limit=120))
        await mongo.tasks.update_one(
            {"task_id": f"search_{number:03}"}, {"$set": {"priority": 1, "immediate": True}}
        )
        with anyio.move_on_after(LONGEST_WAIT_S):
            async for _ in changes:
                if worth_seeing(snapshot):
                    break
    finally:
        await mongo.close()


def worth_seeing(snapshot: Snapshot) -> bool:
    """Whether runs are in several phases, and some tasks wait for a slot."""
    far = [row.progress for row in snapshot.running.values()]
    return len(far) >= SLOTS - 1 and max(far) > 0.4 and min(far) < 0.3 and snapshot.due() >= 4


def task(number: int, *, limit: int = 60) -> dict[str, Any]:
    """A task document as an application writes it."""
    now = datetime.now(UTC)
    topics = [("fog", "Fog over the bay"), ("comets", "Comets, daily"), ("the", "City watch")]
    word, name = topics[number % 3]
    search = {"task_type": "search", "keywords": [word], "name": name}
    monitor = {"task_type": "monitor", "accounts": ["slowtrain"], "name": "Slow trains, all day"}
    kind = monitor if number % 4 == 0 else search
    if number == 30:
        kind = {"task_type": "monitor", "accounts": ["nobody_here"], "name": "An account that left"}
    document = {
        "task_id": f"{kind['task_type']}_{number:03}",
        "platform": "twitter",
        "status": 0,
        "priority": 3 if number % 7 == 0 else 5,
        "immediate": False,
        "options": {"limit": limit},
        "retry_count": 3,
        "timeout": 1800,
        "created_at": now,
        **kind,
    }
    if number in {20, 40}:
        document["run_at"] = now + timedelta(minutes=2 * number)
    if number == 41:
        document["priority"] = "high"
    return document


def draw_svg(snapshot: Snapshot, now: float) -> None:
    """One screen as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    focus = Focus(selected=snapshot.waiting_rows(now)[0].key if snapshot.waiting else None)
    # Whatever this machine is called has no place in the documentation.
    snapshot = msgspec.structs.replace(snapshot)
    snapshot.server.host = snapshot.server.primary = "db1.example:27017"
    snapshot.server.replica_set = "rs0"
    names = {worker.worker_id: f"worker-{n}" for n, worker in enumerate(snapshot.workers, 1)}
    snapshot.workers = [
        msgspec.structs.replace(worker, worker_id=names[worker.worker_id], host="web-1")
        for worker in snapshot.workers
    ]
    for row in snapshot.running.values():
        row.worker = names.get(row.worker, row.worker)
    for told in snapshot.happenings:
        if "worker" in told.facts:
            told.facts["worker"] = names.get(str(told.facts["worker"]), "worker-1")
    screen = draw(snapshot, width=WIDTH, height=HEIGHT, now=now, look=Look(), focus=focus)
    for line in screen.lines:
        console.print(line, soft_wrap=True)
    TARGET.parent.mkdir(exist_ok=True)
    svg = console.export_svg(title="hotstream dashboard", theme=THEME, unique_id="dashboard")
    TARGET.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    anyio.run(main)
