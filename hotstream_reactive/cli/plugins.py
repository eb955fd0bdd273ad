"""`plugins`: begin one, list them, check them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hotstream_reactive.cli import output
from hotstream_reactive.cli.arguments import text
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.output import Column
from hotstream_reactive.cli.platforms import describe_broken, origin, print_broken, registry_of
from hotstream_reactive.cli.scaffold import check_name, write_plugin
from hotstream_reactive.cli.session import Session
from hotstream_reactive.errors import NotFound
from hotstream_reactive.plugins import EXTRACTORS, PLATFORMS, STORAGES, Registry
from hotstream_reactive.settings import Settings
from hotstream_reactive.text import clean

_KINDS = {PLATFORMS: "platform", EXTRACTORS: "extractor", STORAGES: "storage"}


@click.group()
def plugins() -> None:
    """Begin a plugin of your own, list what is installed, or check it.

    \b
    Examples:
      hotstream plugins new mysite
      hotstream plugins check mysite
      hotstream plugins list --json
    """


@plugins.command("new", short_help="Begin a plugin of your own.")
@click.argument("name", type=text)
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    help="Where to write it (./hotstream-NAME); must be new or empty.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def new(session: Session, *, name: str, directory: Path | None, as_json: bool) -> int:
    """Write the package of a new platform: adapter, extractor, recorded pages, and tests that pass.

    NAME is what tasks will call the platform: lower-case letters, digits and _.

    \b
    Examples:
      hotstream plugins new mysite
      hotstream plugins new mysite --dir ~/mysite
    """
    session.log(quiet=True)
    check_name(name, registry_of(session.settings).platforms)
    target = (directory or Path(f"hotstream-{name.replace('_', '-')}")).expanduser()
    written = write_plugin(name, target)
    if as_json:
        output.emit_json({"name": name, "directory": str(target.absolute()), "files": written})
        return 0
    for path in written:
        output.line(str(target / path))
    output.say(f"now: cd {target} && pip install -e '.[dev]' && pytest")
    output.say("then mend pages.py for your site; docs/plugins/ goes on from here")
    return 0


@plugins.command("list", short_help="List plugins, and what is broken.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def list_plugins(session: Session, *, as_json: bool) -> int:
    """List platforms, extractors and storages, where each comes from, and what is broken.

    \b
    Examples:
      hotstream plugins list
      hotstream plugins list --json | jq -r '.broken[].reason'
    """
    session.log(quiet=True)
    registry = registry_of(session.settings)
    found = _describe(registry)
    if as_json:
        output.emit_json({"plugins": found, "broken": describe_broken(registry.broken)})
        return 0
    output.print_table(
        [
            Column("kind", least=9),
            Column("name", least=8),
            Column("class", least=12, keep=1),
            Column("source", least=8),
        ],
        [[tr(row["kind"]), row["name"], row["class"], tr(row["source"])] for row in found],
    )
    print_broken(registry.broken)
    return 0


@plugins.command("check", short_help="Check that plugins can be used.")
@click.argument("name", type=text, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def check_plugins(session: Session, *, name: str | None, as_json: bool) -> int:
    """Check that every plugin, or the one called NAME, can be loaded, made and used.

    The exit code is 0 when all is well, 1 when something is broken, 3 when there is no NAME. What
    a plugin does with real pages is the matter of its tests: see hotstream_reactive.testing.

    \b
    Examples:
      hotstream plugins check
      hotstream plugins check mysite
    """
    session.log(quiet=True)
    registry = registry_of(session.settings)
    findings = [
        found for found in _check(registry, session.settings) if name in (None, found["name"])
    ]
    if not findings:
        raise NotFound(
            f"no plugin {clean(name or '', 80)!r} here; hotstream plugins list names them.\n"
            "Install its package into this Python, or name its folder in plugins.plugin_dirs."
        )
    if as_json:
        output.emit_json({"findings": findings})
    else:
        output.print_table(
            [
                Column("result", least=6),
                Column("kind", least=9),
                Column("name", least=8),
                Column("what is said about it", least=20),
            ],
            [[row["result"], tr(row["kind"]), row["name"], tr(row["message"])] for row in findings],
        )
        for row in findings:  # a table may have had no room for all of a reason
            if row["result"] == "fail":
                output.line(f"broken: {row['kind']} {row['name']!r}: {row['message']}")
    return int(any(found["result"] == "fail" for found in findings))


def _describe(registry: Registry) -> list[dict[str, Any]]:
    return [
        {"kind": kind, "name": name, "class": cls.__name__, "source": origin(cls, group)}
        for group, kind in _KINDS.items()
        for name, cls in sorted(getattr(registry, f"{kind}s").items())
    ]


def _check(registry: Registry, settings: Settings) -> list[dict[str, Any]]:
    """One finding per plugin: ``ok``, ``warn`` or ``fail``."""
    findings = []
    for found in _describe(registry):
        kind, name = found["kind"], found["name"]
        result, message = "ok", str(found["source"])
        if fault := _fault(getattr(registry, f"{kind}s")[name]):
            result, message = "fail", fault
        elif kind == "extractor" and name not in registry.platforms:
            result, message = "warn", "there is no platform of this name, so it reads nothing"
        elif kind == "platform" and name not in registry.extractors:
            result, message = "warn", "has no extractor: it must yield DataItem itself"
        elif kind == "platform" and not settings.platform(name).enabled:
            result, message = "warn", f"switched off: set platforms.{name}.enabled = true"
        findings.append({"result": result, "kind": kind, "name": name, "message": message})
    for broken in registry.broken:
        kind = _KINDS.get(broken.group, "file")
        message = f"{broken.reason} ({broken.origin})"
        findings.append({"result": "fail", "kind": kind, "name": broken.name, "message": message})
    return findings


def _fault(cls: type) -> str:
    """Why no object of a class can be made; empty when one can."""
    try:
        cls()
    except Exception as error:
        return f"cannot be made: {type(error).__name__}: {error}"
    return ""
