"""`test-nitter`: which Nitter instances answer, asked one by one and without the queue."""

from __future__ import annotations

import time
from typing import Any

import anyio
import click
import msgspec

from hotstream_reactive.cli import output
from hotstream_reactive.cli.arguments import text
from hotstream_reactive.cli.at_once import Gathered, registry_with, task_of
from hotstream_reactive.cli.items import print_items
from hotstream_reactive.cli.output import Column
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.errors import ConfigError, HotStreamError
from hotstream_reactive.model.task import Task
from hotstream_reactive.plugins import Registry
from hotstream_reactive.settings import PlatformSettings, Settings
from hotstream_reactive.text import redact

_PLATFORM = "twitter"
_AT_ONCE = 4


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What one instance answered; `outcome` is ``ok``, ``empty``, or the kind of the error."""

    instance: str
    outcome: str
    message: str | None = None
    duration_ms: int
    items: list[dict[str, Any]] = []


@click.command()
@click.argument("account", type=text)
@click.option(
    "-l", "--limit", type=click.IntRange(1, 1000), default=5, show_default=True, help="Posts."
)
@click.option("--instance", type=text, metavar="URL", help="Ask only this one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def test_nitter(
    session: Session, *, account: str, limit: int, instance: str | None, as_json: bool
) -> int:
    """Ask each configured Nitter instance for an account, and show what it answered.

    Needs no MongoDB. The exit code is 0 when one of them gave posts, else 1.

    \b
    Examples:
      hotstream test-nitter NASA --limit 3
      hotstream test-nitter NASA --instance http://localhost:8080
    """
    session.log(silent=True)
    settings = session.settings
    registry = registry_with(session, _PLATFORM)
    instances = _instances(settings, instance)
    task = task_of("monitor", _PLATFORM, [account], {"limit": limit})
    answers = run_async(lambda: _ask_all(settings, registry, instances, task))
    if as_json:
        output.emit_json({"account": account, "instances": answers})
    else:
        _show(answers)
    return 0 if any(answer.outcome == "ok" for answer in answers) else 1


def _instances(settings: Settings, given: str | None) -> list[str]:
    """The addresses to ask.

    Raises:
        ConfigError: there is none, or the given one is no address.
    """
    if given is None:
        if instances := settings.platform(_PLATFORM).instances:
            return instances
        raise ConfigError(
            "no Nitter instance is configured.\n"
            "Name one with --instance, or set platforms.twitter.instances in config.toml or "
            "HOTSTREAM_PLATFORMS_TWITTER_INSTANCES."
        )
    try:
        checked = msgspec.convert({"instances": [given]}, PlatformSettings)
    except msgspec.ValidationError:
        raise ConfigError(
            "--instance: expected an address starting with http:// or https://"
        ) from None
    return checked.instances


async def _ask_all(
    settings: Settings, registry: Registry, instances: list[str], task: Task
) -> list[Answer]:
    answers: dict[str, Answer] = {}
    places = anyio.Semaphore(_AT_ONCE)

    async def ask(instance: str) -> None:
        async with places:
            answers[instance] = await _ask(settings, registry, instance, task)

    async with anyio.create_task_group() as group:
        for instance in instances:
            group.start_soon(ask, instance)
    return [answers[instance] for instance in instances]


async def _ask(settings: Settings, registry: Registry, instance: str, task: Task) -> Answer:
    only = msgspec.structs.replace(settings.platform(_PLATFORM), enabled=True, instances=[instance])
    platforms = {**settings.platforms, _PLATFORM: only}
    gathered = Gathered(msgspec.structs.replace(settings, platforms=platforms), registry, task)
    began = time.monotonic()
    try:
        items = [item async for item in gathered.items()]
        summary = gathered.summary()
    except HotStreamError as error:
        items, summary = [], {"outcome": "error", "message": redact(str(error))}
    return Answer(
        instance=redact(instance),
        outcome=summary["outcome"],
        message=summary["message"],
        duration_ms=round((time.monotonic() - began) * 1000),
        items=items,
    )


def _show(answers: list[Answer]) -> None:
    output.print_table(
        [
            Column("instance", least=16),
            Column("answer", least=10),
            Column("posts", least=5, right=True),
            Column("ms", least=5, keep=2, right=True),
            Column("what it said", least=16, keep=1),
        ],
        [[a.instance, a.outcome, len(a.items), a.duration_ms, a.message] for a in answers],
    )
    first = next((answer for answer in answers if answer.items), None)
    if first is not None:
        click.echo()
        print_items(first.items)
