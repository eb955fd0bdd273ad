"""`search` and `monitor`: read a platform now, without queue and database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hotstream_reactive.cli.arguments import key_value, text
from hotstream_reactive.cli.at_once import (
    output_of,
    output_options,
    registry_with,
    run_now,
    task_of,
)
from hotstream_reactive.cli.complete import platforms
from hotstream_reactive.cli.platforms import platform_class, registry_of
from hotstream_reactive.cli.session import Session
from hotstream_reactive.platforms.base import PlatformAdapter

DEFAULT_PLATFORM = "twitter"
_DEFAULT_LIMIT = 20

_limit = click.option(
    "-l",
    "--limit",
    type=click.IntRange(1, 100_000),
    default=_DEFAULT_LIMIT,
    show_default=True,
    help="Items wanted; of each account, for monitor.",
)
_since = click.option("--since", type=text, metavar="DATE", help="Not before this day, 2026-01-31.")
_until = click.option("--until", type=text, metavar="DATE", help="Before this day.")
_option = click.option(
    "--option", "options", type=key_value, multiple=True, help="More options; JSON is understood."
)


@click.command()
@click.argument("platform", type=text, shell_complete=platforms)
@click.argument("keywords", type=text, nargs=-1, required=True)
@_limit
@_since
@_until
@_option
@output_options
@click.pass_obj
def search(session: Session, /, *, platform: str, keywords: tuple[str, ...], **given: Any) -> int:
    """Search a platform now and print what it gives; needs no worker and no MongoDB.

    The rules of fetching are those of a worker: robots.txt, pace, proxies, guards. Each argument is
    one keyword. The exit code is 0 when the platform answered, also with nothing, else 1; what came
    before a failure is printed all the same.

    \b
    Examples:
      hotstream search twitter "change streams" MongoDB --limit 50
      hotstream search juejin mongodb --since 2026-01-01 --jsonl | jq -r .title
      hotstream search medium databases -o articles.csv
    """
    return _look(session, "search", platform, keywords, given)


@click.command()
@click.argument("accounts", type=text, nargs=-1, required=True, metavar="[PLATFORM] ACCOUNTS...")
@click.option(
    "--platform",
    type=text,
    shell_complete=platforms,
    help=f"Their platform; else the first word when it names one, else {DEFAULT_PLATFORM}.",
)
@_limit
@_since
@_until
@_option
@output_options
@click.pass_obj
def monitor(
    session: Session, /, *, accounts: tuple[str, ...], platform: str | None, **given: Any
) -> int:
    """Read the newest posts of accounts now; needs no worker and no MongoDB.

    As `search` otherwise. An account that cannot be read does not keep the others from being read.

    \b
    Examples:
      hotstream monitor NASA ESA --limit 5
      hotstream monitor medium @netflixtechblog --json
      hotstream monitor --platform juejin 2788017216685118 -o articles.jsonl
    """
    if platform is None:
        platform = DEFAULT_PLATFORM
        if len(accounts) > 1 and accounts[0] in registry_of(session.settings).platforms:
            platform, *rest = accounts
            accounts = tuple(rest)
    return _look(session, "monitor", platform, accounts, given)


def _look(
    session: Session, verb: str, platform: str, targets: tuple[str, ...], given: dict[str, Any]
) -> int:
    session.log(silent=True)
    path: Path | None = given["path"]
    output = output_of(
        given["form"], as_json=given["as_json"], as_jsonl=given["as_jsonl"], path=path
    )
    registry = registry_with(session, platform)
    adapter = platform_class(registry, platform)
    if verb == "monitor" and adapter.monitor_accounts is PlatformAdapter.monitor_accounts:
        raise click.UsageError(
            f"platform {platform!r} cannot monitor accounts: use `hotstream search {platform}`, "
            f"or another platform"
        )
    named = {name: given[name] for name in ("since", "until") if given[name] is not None}
    options = {"limit": given["limit"], **named, **dict(given["options"])}
    task = task_of(verb, platform, list(dict.fromkeys(targets)), options)
    return run_now(session, registry, task, output)
