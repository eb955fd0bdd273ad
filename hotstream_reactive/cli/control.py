"""`pause`, `resume`, `limit`: write a control, which every worker obeys within a second.

They do what `updateOne` in a shell would, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from hotstream_reactive.cli import output
from hotstream_reactive.cli.arguments import text
from hotstream_reactive.cli.complete import platforms
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.model.controls import (
    FASTEST_RATE,
    MOST_RUNNING,
    SLOWEST_RATE,
    control_id,
)
from hotstream_reactive.mongo.client import connected
from hotstream_reactive.mongo.controls import ControlStore

_LIMITS = ("max_running", "requests_per_minute")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.command()
@click.argument("platform", type=text, shell_complete=platforms, required=False)
@click.option("--reason", type=text, help="Why, for whoever looks; up to 500 characters.")
@_as_json
@click.pass_obj
def pause(session: Session, *, platform: str | None, reason: str | None, as_json: bool) -> int:
    """Start no more tasks of PLATFORM, or none at all; running tasks go on.

    \b
    Examples:
      hotstream pause twitter --reason "the instances are down"
      hotstream pause
    """
    _demand_name(platform)
    if reason is not None and len(reason) > 500:
        raise click.BadParameter("more than 500 characters", param_hint="--reason")
    fields: dict[str, Any] = {"paused": True}
    if reason:
        return _write(session, platform, {**fields, "reason": reason}, as_json=as_json)
    return _write(session, platform, fields, unset=["reason"], as_json=as_json)


@click.command()
@click.argument("platform", type=text, shell_complete=platforms, required=False)
@_as_json
@click.pass_obj
def resume(session: Session, *, platform: str | None, as_json: bool) -> int:
    """Start tasks of PLATFORM again, or of the engine; what waits starts at once.

    A pause of the engine and one of a platform are apart: each is resumed by itself.

    \b
    Examples:
      hotstream resume twitter
      hotstream resume
    """
    _demand_name(platform)
    return _write(session, platform, {"paused": False}, unset=["reason"], as_json=as_json)


@click.command()
@click.argument("platform", type=text, shell_complete=platforms)
@click.option(
    "--max-running",
    type=click.IntRange(0, MOST_RUNNING),
    help="Tasks that run at the same time, in the whole fleet; 0 is no limit.",
)
@click.option(
    "--requests-per-minute",
    type=click.FloatRange(SLOWEST_RATE, FASTEST_RATE),
    help="Requests of all workers together.",
)
@click.option("--clear", is_flag=True, help="Take back both, so that config.toml holds again.")
@_as_json
@click.pass_obj
def limit(
    session: Session,
    *,
    platform: str,
    max_running: int | None,
    requests_per_minute: float | None,
    clear: bool,
    as_json: bool,
) -> int:
    """Limit how many tasks of PLATFORM run, or how fast they ask, in the whole fleet.

    \b
    Examples:
      hotstream limit twitter --max-running 2 --requests-per-minute 30
      hotstream limit twitter --clear
    """
    _demand_name(platform)
    given = dict(zip(_LIMITS, (max_running, requests_per_minute), strict=True))
    fields = {name: _whole(value) for name, value in given.items() if value is not None}
    if clear == bool(fields):
        raise click.UsageError("give --max-running, --requests-per-minute or both, or --clear")
    return _write(session, platform, fields, unset=_LIMITS if clear else (), as_json=as_json)


def _demand_name(platform: str | None) -> None:
    """Refuse an empty name: a slip in a script must not pause the whole engine."""
    if platform is not None and not platform.strip():
        raise click.BadParameter("it is empty", param_hint="PLATFORM")


def _whole(value: float) -> float:
    return int(value) if value == value // 1 else value


def _write(
    session: Session,
    platform: str | None,
    fields: Mapping[str, Any],
    *,
    unset: Iterable[str] = (),
    as_json: bool,
) -> int:
    session.log(quiet=True)

    async def write() -> dict[str, Any]:
        async with (
            session.settings_with_database(create=False) as settings,
            connected(settings) as mongo,
        ):
            store = ControlStore(mongo.controls)
            return await store.write(control_id(platform), fields, unset=unset)

    document = run_async(write)
    if as_json:
        output.emit_json({"control": document})
    else:
        output.line(output.to_json(document))
    return 0
