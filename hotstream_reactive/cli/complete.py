"""What the shell offers for ids of tasks and names of platforms.

It asks the database behind the options given so far, which has 0.3 s to answer. Whatever goes
wrong, or takes longer, means that nothing is offered; nothing is ever printed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # loaded within the time-box
    from click.shell_completion import CompletionItem

#: How long a person waits for the answer to the Tab key.
LONGEST_S = 0.3
_MOST = 50
#: An offer is typed on the person's command line: nothing in it may mean anything to a shell.
_HARMLESS = re.compile(r"[\w.+@][\w.+@%=:/,-]*")


def tasks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of tasks that begin like this; those given already are left out."""
    given = ctx.params.get(param.name or "") or ()
    found: list[str] = []
    with suppress(Exception):  # no failure is worth disturbing a half-typed line
        found = _in_time(_task_ids(ctx, incomplete))
    return _items([one for one in found if one not in given], incomplete)


def platforms(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the platforms that are installed here; those of plugin files need to be loaded."""
    names: set[str] = set()
    with suppress(Exception):  # likewise
        from importlib.metadata import entry_points

        from hotstream_reactive.plugins import BUILT_IN, PLATFORMS

        names = {*BUILT_IN[PLATFORMS], *(point.name for point in entry_points(group=PLATFORMS))}
    return _items(sorted(names), incomplete)


def _items(values: list[str], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    fit = (v for v in values if v.startswith(incomplete) and _HARMLESS.fullmatch(v))
    return [CompletionItem(value) for value in list(fit)[:_MOST]]


def _task_ids(ctx: click.Context, incomplete: str) -> Callable[[], list[str]]:
    """The look-up, with all that it needs already loaded."""
    from hotstream_reactive.cli.session import Session
    from hotstream_reactive.mongo.ids import task_ids

    # The callback that makes the session does not run while a shell asks.
    common = ctx.find_root().params
    config = common.get("config")
    session = Session(
        config=Path(config) if config else None,
        overrides={
            "mongodb.uri": common.get("mongodb_uri"),
            "mongodb.database": common.get("database"),
        },
        debug=False,
    )
    settings = session.settings_if_reachable()
    if settings is None:
        return list
    mongodb = settings.mongodb
    return lambda: task_ids(mongodb, prefix=incomplete, limit=_MOST, longest_s=LONGEST_S)


def _in_time(look: Callable[[], list[str]]) -> list[str]:
    """What the look-up finds within the time there is, nothing where it fails."""
    found: list[str] = []

    def run() -> None:
        with suppress(Exception):
            found.extend(look())

    # The driver looks for a server and reads names of hosts without regard for any time limit.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LONGEST_S)
    return list(found)
