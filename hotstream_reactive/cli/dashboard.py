"""`dashboard`: what the fleet does, live on the terminal, or once for a script."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, TextIO

import anyio
import click
import msgspec

from hotstream_reactive.cli import output
from hotstream_reactive.cli.common import in_utc, plain
from hotstream_reactive.cli.language import chosen, tr
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.dashboard import data
from hotstream_reactive.dashboard.beside import Beside, LogAside
from hotstream_reactive.dashboard.focus import Focus
from hotstream_reactive.dashboard.follow import Follower
from hotstream_reactive.dashboard.lines import Lines
from hotstream_reactive.dashboard.live import Live
from hotstream_reactive.dashboard.look import Look
from hotstream_reactive.dashboard.signals import obey_signals
from hotstream_reactive.dashboard.snapshot import Server, Snapshot
from hotstream_reactive.dashboard.terminal import Terminal
from hotstream_reactive.dashboard.view import draw
from hotstream_reactive.dashboard.words import Words
from hotstream_reactive.engine.events import Event, Events
from hotstream_reactive.mongo.board import Board
from hotstream_reactive.mongo.client import connected
from hotstream_reactive.settings import Settings
from hotstream_reactive.text import redact_uri

How = Literal["live", "lines", "once", "json", "plain"]
_ONCE_WIDTH, _ONCE_HEIGHT = 120, 46


@click.command()
@click.option("--once", "how", flag_value="once", help="Print one screen and end.")
@click.option("--json", "how", flag_value="json", help="Print one JSON object and end.")
@click.option(
    "--lines", "how", flag_value="lines", help="A line for each change (the default in a pipe)."
)
@click.pass_obj
def dashboard(session: Session, *, how: How | None) -> int:
    """Show live what runs, what waits and why, what failed, and who works.

    It reads, and writes nothing unless a key asks for it; a user who may only read is enough. Ends
    with q or Ctrl-C. With --plain it prints lines to grep, and ends.

    \b
    Examples:
      hotstream dashboard
      hotstream dashboard --json | jq .totals
      hotstream dashboard --plain | grep ^running
    """
    session.log(silent=True)
    usual: How = "plain" if plain() else "live" if has_screen(sys.stdout) else "lines"
    return run_async(lambda: _show(session, how or usual, look_of(sys.stdout)))


def has_screen(stream: TextIO) -> bool:
    """Whether a live screen can be drawn there."""
    return stream.isatty() and os.environ.get("TERM", "dumb") not in {"dumb", ""}


def look_of(stream: TextIO) -> Look:
    """Language and glyphs for a stream."""
    ascii_only = "utf" not in (stream.encoding or "ascii").lower()
    return Look(Words(chosen(), tr), ascii_only=ascii_only, utc=in_utc())


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[tuple[Board, Snapshot]]:
    """A connection of the dashboard's own, and an empty snapshot of what is behind it.

    Raises:
        DatabaseUnavailable, DatabaseRefused: see `Mongo.connect`.
    """
    # Whatever the workers use: here every event of the stream is decoded, and this driver does it
    # without a change of threads.
    mongodb = msgspec.structs.replace(settings.mongodb, driver="pymongo")
    chosen = msgspec.structs.replace(settings, mongodb=mongodb)
    async with connected(chosen, app_name="hotstream/dashboard") as mongo:
        server = Server(host=_host(mongodb.uri), database=mongodb.database)
        yield Board(mongo), Snapshot(server=server)


def _host(uri: str) -> str:
    """The first host of an address, without credentials."""
    hosts = redact_uri(uri).partition("://")[2].removeprefix("***@")
    first, comma, others = hosts.partition("/")[0].partition("?")[0].partition(",")
    return f"{first} +{others.count(',') + 1}" if comma else first


@asynccontextmanager
async def beside_worker(
    settings: Settings, events: Events, log: LogAside, *, worker_id: str
) -> AsyncIterator[None]:
    """Show the dashboard while the block runs; `log` is where the log of this process goes."""
    panel = Beside(
        lambda: open_desk(settings),
        look_of(sys.stdout),
        log,
        zombie_timeout_s=settings.scheduler.zombie_timeout,
        worker_id=worker_id,
    )

    def tell(event: Event) -> None:
        if event.action == "draining":
            panel.draining(float(event.details["grace_s"]))

    events.listen(tell)
    async with panel.shown(), anyio.create_task_group() as group:
        group.start_soon(panel.obey_signals)
        yield
        group.cancel_scope.cancel()


async def _show(session: Session, how: How, look: Look) -> int:
    async with (
        session.settings_with_database(create=False) as settings,
        open_desk(settings) as (board, snapshot),
    ):
        match how:
            case "live":
                await _live(board, snapshot, look, settings)
            case "lines":
                await _lines(board, snapshot)
            case _:
                await _once(board, snapshot, look, how)
    return 0


async def _live(board: Board, snapshot: Snapshot, look: Look, settings: Settings) -> None:
    terminal = Terminal(sys.stdout, sys.stdin)
    zombie_timeout_s = settings.scheduler.zombie_timeout
    live = Live(board, snapshot, terminal, look, zombie_timeout_s=zombie_timeout_s)
    async with anyio.create_task_group() as group:
        group.start_soon(obey_signals, live, terminal)
        await live.run()
        group.cancel_scope.cancel()
    for line in live.last_words():
        click.echo(line)


async def _lines(board: Board, snapshot: Snapshot) -> None:
    lines = Lines(board, snapshot, click.echo)
    async with anyio.create_task_group() as group:
        group.start_soon(_until_told, group.cancel_scope)
        await lines.run()
    click.echo(lines.summary())


async def _until_told(scope: anyio.CancelScope) -> None:
    import signal

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
        async for _ in received:
            scope.cancel()
            return


async def _once(board: Board, snapshot: Snapshot, look: Look, how: How) -> None:
    follower = Follower(board, snapshot)
    await follower.once()
    now = follower.now()
    if how == "json":
        output.emit_json(data.as_tree(snapshot, now))
    elif how == "plain":
        for line in data.lines(data.as_tree(snapshot, now)):
            click.echo(line)
    else:
        _print_once(snapshot, look, now)


def _print_once(snapshot: Snapshot, look: Look, now: float) -> None:
    """One screen, as wide as the terminal and as high as it needs to be."""
    out = output.console(wide=_ONCE_WIDTH)
    screen = draw(
        snapshot, width=out.width, height=_ONCE_HEIGHT, now=now, look=look, focus=Focus(keys=False)
    )
    while screen.lines and not screen.lines[-2:-1][0].plain.strip():
        screen.lines.pop(-2)
    for line in screen.lines[:-1]:
        line.rstrip()
        out.print(line, soft_wrap=True)
