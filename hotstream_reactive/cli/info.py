"""`info`: what is installed here and what it talks to; also when there is no database."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import click

from hotstream_reactive.cli import output
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.output import padded
from hotstream_reactive.cli.platforms import (
    describe,
    describe_broken,
    print_broken,
    registry_of,
)
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.errors import ConfigError, DatabaseError
from hotstream_reactive.mongo import reads
from hotstream_reactive.mongo.client import connected
from hotstream_reactive.settings import Settings
from hotstream_reactive.text import redact, redact_uri, size
from hotstream_reactive.version import __version__

_LABEL_CELLS = 12
_MOST_WORKERS = 5


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def info(session: Session, *, as_json: bool) -> int:
    """Show versions, the database, plugins and counts; nothing is started.

    \b
    Examples:
      hotstream info
      hotstream info --json | jq .mongodb
    """
    session.log(quiet=True)
    settings = session.settings
    registry = registry_of(settings)
    path = session.loaded.path
    facts = {
        "version": __version__,
        "python": platform.python_version(),
        "driver": {"name": settings.mongodb.driver, "version": version(settings.mongodb.driver)},
        "mongodb": run_async(lambda: _database(session)),
        "config_file": None if path is None else str(path.absolute()),
        "platforms": describe(settings, registry),
        "extractors": sorted(registry.extractors),
        "storages": sorted(registry.storages),
        "plugins_broken": describe_broken(registry.broken),
    }
    if as_json:
        output.emit_json(facts)
    else:
        _show(facts)
        print_broken(registry.broken)
    return 0


async def _database(session: Session) -> dict[str, Any]:
    """What the server says of itself, or why it does not answer."""
    settings = session.settings_if_reachable()
    unknown: dict[str, Any] = {
        "reachable": False,
        "database": session.settings.mongodb.database,
        "address": None,
        "embedded": not session.settings.mongodb.uri,
        "server_version": None,
        "topology": None,
        "counts": None,
        "workers": None,
        "error": None,
    }
    if settings is None:
        error = "the embedded MongoDB of this folder is not running: hotstream start-daemon"
        return unknown | {"error": error}
    unknown["address"] = redact_uri(settings.mongodb.uri)
    try:
        return unknown | await _ask(settings)
    except (DatabaseError, ConfigError) as error:
        return unknown | {"error": redact(str(error))}


async def _ask(settings: Settings) -> dict[str, Any]:
    async with connected(settings) as mongo:
        assert mongo.server is not None
        return {
            "reachable": True,
            "server_version": mongo.server.version,
            "topology": mongo.server.topology,
            "counts": await reads.sizes(mongo),
            "workers": await reads.workers(mongo),
        }


def _worker(worker: reads.WorkerSeen) -> str:
    """A worker with what it takes of this machine or another, and when it was last heard of."""
    told = (size(worker.memory_bytes), output.moment(worker.heartbeat_age_s))
    said = ", ".join(fact for fact in told if fact)
    return f"{output.shown(worker.worker_id, 64)}{f' ({said})' if said else ''}"


def _show(facts: dict[str, Any]) -> None:
    server = facts["mongodb"]
    lines = [
        ("hotstream", f"{facts['version']}, Python {facts['python']}"),
        ("driver", "{name} {version}".format(**facts["driver"])),
        ("config", facts["config_file"] or tr("none, all defaults")),
        ("mongodb", server["address"] or tr("embedded, in this folder")),
    ]
    if server["reachable"]:
        numbers = ", ".join(f"{number} {name}" for name, number in server["counts"].items())
        lines += [
            ("server", f"MongoDB {server['server_version']}, {server['topology']}"),
            ("database", f"{server['database']}: {numbers}"),
            ("workers", ", ".join(map(_worker, server["workers"][:_MOST_WORKERS])) or tr("none")),
        ]
    else:
        lines += [
            ("server", tr(f"not reachable: {server['error']}")),
            ("database", server["database"]),
        ]
    lines += [
        ("platforms", ", ".join(row["name"] for row in facts["platforms"]) or tr("none")),
        ("extractors", ", ".join(facts["extractors"]) or tr("none")),
        ("storages", ", ".join(facts["storages"]) or tr("none")),
    ]
    for label, text in lines:
        output.line(f"{padded(tr(label), _LABEL_CELLS)}{text}")
