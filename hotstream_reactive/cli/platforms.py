"""`list-platforms`, and finding a platform by its name."""

from __future__ import annotations

import difflib
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import msgspec

from hotstream_reactive.cli import output
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.output import Column
from hotstream_reactive.cli.session import Session
from hotstream_reactive.errors import NotFound, PluginError
from hotstream_reactive.platforms.base import PlatformAdapter
from hotstream_reactive.plugins import PLATFORMS, BrokenPlugin, Registry, load_plugins
from hotstream_reactive.settings import Settings
from hotstream_reactive.text import clean

BUILT_IN = "built in"


def platform_class(registry: Registry, name: str) -> type[PlatformAdapter]:
    """The adapter class of a platform.

    Raises:
        NotFound: there is none of this name.
        PluginError: there is one, but it cannot be loaded.
    """
    if found := registry.platforms.get(name):
        return found
    for broken in registry.broken:
        if broken.name == name and broken.group in (PLATFORMS, ""):
            raise PluginError(f"{broken}\nMend or remove it.")
    known = sorted(registry.platforms)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise NotFound(
        f"no platform {clean(name, 80)!r} here.{hint}\nKnown: {', '.join(known) or 'none'}"
    )


def registry_of(settings: Settings) -> Registry:
    """All plugins; for commands that name the broken ones themselves."""
    return load_plugins([Path(folder) for folder in settings.plugins.plugin_dirs])


def origin(cls: type, group: str = PLATFORMS) -> str:
    """Where a plugin comes from: ``built in``, the name of a distribution, or a file."""
    top = cls.__module__.partition(".")[0]
    if top == "hotstream_reactive":
        return BUILT_IN
    for entry in entry_points(group=group):
        if entry.dist is not None and entry.module.partition(".")[0] == top:
            return entry.dist.name
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return str(file or cls.__module__)


def describe(settings: Settings, registry: Registry) -> list[dict[str, Any]]:
    """The platforms by name, as `list-platforms` shows them."""
    return [
        {
            "name": name,
            "enabled": settings.platform(name).enabled,
            "requests_per_minute": settings.platform(name).rate_limit.requests_per_minute,
            "extractor": name in registry.extractors,
            "source": origin(cls),
        }
        for name, cls in sorted(registry.platforms.items())
    ]


def describe_broken(broken: list[BrokenPlugin]) -> list[dict[str, Any]]:
    """What was left out, and why."""
    return [msgspec.structs.asdict(plugin) for plugin in broken]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def list_platforms(session: Session, *, as_json: bool) -> int:
    """List the platforms that tasks can name, and the plugins that are broken.

    \b
    Examples:
      hotstream list-platforms
      hotstream list-platforms --json | jq -r .platforms[].name
    """
    session.log(quiet=True)
    settings = session.settings
    registry = registry_of(settings)
    platforms = describe(settings, registry)
    if as_json:
        broken = describe_broken(registry.broken)
        output.emit_json({"platforms": platforms, "broken": broken})
        return 0
    output.print_table(
        [
            Column("platform", least=8),
            Column("enabled", least=7),
            Column("requests/min", least=12, keep=2, right=True),
            Column("extractor", least=9, keep=1),
            Column("source", least=8),
        ],
        [
            [
                row["name"],
                tr("yes" if row["enabled"] else "no"),
                row["requests_per_minute"],
                tr("yes" if row["extractor"] else "no"),
                tr(row["source"]),
            ]
            for row in platforms
        ],
    )
    print_broken(registry.broken)
    return 0


def print_broken(plugins: list[BrokenPlugin]) -> None:
    """Name the plugins that were left out."""
    for plugin in plugins:
        output.line(f"{tr('broken:')} {tr(str(plugin))}")
