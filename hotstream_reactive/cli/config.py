"""`config`: the settings in force, each with its source, and `config import`."""

from __future__ import annotations

from typing import Any

import click

from hotstream_reactive.cli import output
from hotstream_reactive.cli.config_import import import_config
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.output import Column
from hotstream_reactive.cli.session import Session
from hotstream_reactive.settings import Settings, redacted, to_builtins
from hotstream_reactive.settings_file import LoadedSettings


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--check", is_flag=True, help="Only say whether the configuration can be used.")
@click.pass_context
def config(ctx: click.Context, *, as_json: bool, check: bool) -> int:
    """Show every setting in force and where it comes from; secrets are shown as ***.

    The exit code is 78 when a setting cannot be used, and every wrong one is named.

    \b
    Examples:
      hotstream config
      hotstream --config /etc/hotstream/config.toml config --check
      hotstream config import configs/hotstream.yaml
    """
    if ctx.invoked_subcommand:
        if as_json or check:
            raise click.UsageError("options of a verb stand behind it")
        return 0
    session: Session = ctx.obj
    loaded = session.loaded
    session.log(quiet=True)  # opens the log file, so that its settings are tried too
    file = None if loaded.path is None else str(loaded.path.absolute())
    settings = _with_sources(loaded)
    if as_json:
        output.emit_json(
            {"config_file": file, "ok": True} | ({} if check else {"settings": settings})
        )
    elif check:
        changed = sum(row["source"] != "default" for row in settings.values())
        where = file or tr("no file")
        output.line(tr(f"ok: {where}; {changed} settings are not from the defaults"))
    else:
        rows = [[key, output.to_json(row["value"]), row["source"]] for key, row in settings.items()]
        columns = [
            Column("key", least=20),
            Column("value", least=12),
            Column("source", least=7, keep=1),
        ]
        output.print_table(columns, rows)
    return 0


config.add_command(import_config)


def _with_sources(loaded: LoadedSettings) -> dict[str, dict[str, Any]]:
    """The settings by dotted key, without secrets."""
    return {
        key: {"value": redacted(key, _value(loaded.settings, key)), "source": source}
        for key, source in loaded.sources.items()
    }


def _value(settings: Settings, key: str) -> Any:
    """The value of a dotted key; the name of a platform may itself hold no dot."""
    node: Any = to_builtins(settings)
    for name in key.split("."):
        node = node[name]
    return node
