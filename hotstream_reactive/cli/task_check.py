"""Holding a task that is about to be written against what workers understand."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hotstream_reactive.cli.output import say
from hotstream_reactive.errors import InvalidTask
from hotstream_reactive.model.task import admit
from hotstream_reactive.plugins import Registry
from hotstream_reactive.settings import Settings
from hotstream_reactive.text import clean

_HEAD = re.compile(r"invalid task(, \d+ wrong fields)?: ")


def check(
    document: Mapping[str, Any], registry: Registry, settings: Settings, *, force: bool
) -> None:
    """Refuse a document that no worker could run; `force` lets names pass that are unknown here.

    Raises:
        InvalidTask: with every wrong field, its value and what was expected.
    """
    problems: list[str] = []
    try:
        admit(document)
    except InvalidTask as error:
        problems.append(_HEAD.sub("", str(error), count=1))
    if not force:
        problems += unknown_names(
            document["platform"], document["storage_config"]["type"], registry
        )
    if problems:
        raise InvalidTask(f"invalid task: {'; '.join(problems)}\nNothing was written.")
    platform = document["platform"]
    if not settings.platform(platform).enabled:
        say(
            f"warning: platforms.{platform}.enabled is false here: "
            f"a worker with this configuration will refuse the task"
        )


def unknown_names(platform: str, storage: str, registry: Registry) -> list[str]:
    """A line for the platform and for the storage, where no plugin here is called so."""
    named = (
        ("platform", platform, registry.platforms, "hotstream.platforms"),
        ("storage", storage, registry.storages, "hotstream.storages"),
    )
    return [
        f"{field}: {clean(repr(name), 80)} is not known here{_hint(name, known, registry, group)}"
        for field, name, known, group in named
        if name not in known
    ]


def _hint(name: str, known: Iterable[str], registry: Registry, group: str) -> str:
    for broken in registry.broken:
        if broken.name == name and broken.group in (group, ""):
            return f", its plugin is broken: {broken.reason}"
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    meant = f", did you mean {close[0]!r}?" if close else ""
    return f", expected one of {', '.join(names) or 'none'}{meant} (--force writes it all the same)"
