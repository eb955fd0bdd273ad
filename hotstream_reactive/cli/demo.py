"""`demo`: the whole story on one machine, in under a minute.

A real replica set, a site on loopback that looks like Nitter, a real daemon in a process of its
own, and this process as the external application: it writes task documents with plain inserts and
updates, and reads on a change stream of its own what becomes of them.
"""

from __future__ import annotations

import time
from collections import deque

import anyio
import click
import msgspec
from rich.console import Console

from hotstream_reactive.cli import output
from hotstream_reactive.cli.demo_app import WORDS, Application, DemoFailed, head, say
from hotstream_reactive.cli.demo_parts import daemon, embedded
from hotstream_reactive.cli.items import print_items
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.output import Column
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.mongo.client import Mongo, connected
from hotstream_reactive.platforms.twitter.demo_site import NitterSite

LONGEST_S = 55.0
#: Slow enough that a person sees progress, quick enough for a demo.
SITE_DELAY_S = 0.35
#: One of them is the express lane, so three ordinary tasks run at once.
SLOTS = 4


@click.command()
@click.pass_obj
def demo(session: Session) -> int:
    """Show the main job end to end: insert, pick up, scrape, store, complete.

    Needs no MongoDB, no Docker and no network: it brings its own.

    \b
    Examples:
      hotstream demo
      hotstream --debug demo
    """
    session.log(quiet=True)
    console = output.console()
    return run_async(lambda: _demo(console))


async def _demo(console: Console) -> int:
    began = time.monotonic()
    with anyio.move_on_after(LONGEST_S) as patience:
        async with embedded(console) as uri, NitterSite(delay_s=SITE_DELAY_S) as site:
            say(console, "site", f"a small Nitter-style site serves at {site.url}")
            async with daemon(uri, site.url, console, slots=SLOTS) as log:
                await _tell(console, uri, log)
    if patience.cancelled_caught:
        raise DemoFailed(f"the demo took longer than {LONGEST_S:g} s: is this machine very busy?")
    say(console, "done", tr("in {} s").format(f"{time.monotonic() - began:.1f}"))
    return 0


async def _tell(console: Console, uri: str, log: deque[str]) -> None:
    """Act as the external application and show what happens."""
    settings = msgspec.structs.replace(Session(config=None, overrides={}, debug=False).settings)
    mongodb = msgspec.structs.replace(settings.mongodb, uri=uri, driver="pymongo")
    async with connected(
        msgspec.structs.replace(settings, mongodb=mongodb), app_name="demo"
    ) as mongo:
        app = Application(mongo, console)
        async with anyio.create_task_group() as group:
            await group.start(app.watch)
            try:
                await _story(app, console)
            except DemoFailed as error:
                tail = "\n".join(log)
                raise DemoFailed(f"{error}\nthe daemon's last lines:\n{tail}") from None
            group.cancel_scope.cancel()
        _show_tasks(console, app)
        await _show_items(console, mongo)


async def _story(app: Application, console: Console) -> None:
    head(console, "An external application inserts tasks, as in the README")
    await app.insert("search_001", task_type="search", keywords=["fog", "comets"], limit=50)
    await app.insert("monitor_001", task_type="monitor", accounts=["nightdome"], limit=30)
    await app.until("search_001", TaskStatus.RUNNING)
    await app.until("monitor_001", TaskStatus.RUNNING)
    await app.insert("endless_001", task_type="search", keywords=["the"], limit=1000)
    await app.until("endless_001", TaskStatus.RUNNING)

    head(console, "All ordinary slots are busy: these wait; one is promoted by updateOne")
    for number in (1, 2, 3):
        await app.insert(f"waiting_{number}", task_type="monitor", accounts=["slowtrain"], limit=20)
    await app.edit("waiting_3", {"priority": 1, "immediate": True}, "promoted 5→1")

    head(console, "A running task is cancelled by updateOne")
    await app.until_items("endless_001", 20)
    await app.edit("endless_001", {"status": int(TaskStatus.CANCELLED)}, "cancelled")
    await app.until_ended("endless_001")
    await app.until("waiting_3", TaskStatus.RUNNING)
    for name in ("search_001", "monitor_001", "waiting_1", "waiting_2", "waiting_3"):
        await app.until(name, TaskStatus.COMPLETED)
    if not app.seen["waiting_3"].started < app.seen["waiting_1"].started:
        raise DemoFailed("waiting_3 was promoted but did not start before waiting_1")

    head(console, "The daemon is idle: an immediate task")
    await app.insert(
        "urgent_001",
        task_type="search",
        keywords=["茶叶"],
        limit=10,
        priority=1,
        immediate=True,
    )
    await app.until("urgent_001", TaskStatus.COMPLETED)


def _show_tasks(console: Console, app: Application) -> None:
    head(console, "What became of the tasks")
    columns = [
        Column("task", least=10),
        Column("state", least=9),
        Column("picked up after", least=8, right=True),
        Column("ran for", least=6, right=True),
        Column("items", least=5, right=True),
    ]
    rows = [
        [
            task_id,
            WORDS[TaskStatus(seen.status)],
            f"{(seen.started - seen.inserted) * 1000:.1f} ms" if seen.started else "–",
            f"{seen.ended - seen.started:.2f} s" if seen.started and seen.ended else "–",
            seen.items,
        ]
        for task_id, seen in app.seen.items()
    ]
    output.print_table(columns, rows, out=console)


async def _show_items(console: Console, mongo: Mongo) -> None:
    count = await mongo.items.count_documents({})
    head(console, f"{count} items in data_items, the last ones")
    items = await mongo.items.find({}, sort=[("_id", -1)], limit=5).to_list(None)
    print_items(items, out=console)
