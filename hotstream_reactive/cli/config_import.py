"""`config import`: the configuration of the original HotStream as `config.toml`."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import click

from hotstream_reactive.cli import output
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.original import Imported, convert
from hotstream_reactive.cli.session import Session
from hotstream_reactive.errors import ConfigError, NotFound
from hotstream_reactive.storages.files import published
from hotstream_reactive.text import clean

_INSTALL = "it needs two libraries more: pip install 'hotstream-reactive[import]'"


@click.command("import", short_help="Make config.toml from the YAML of the original HotStream.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it here instead of printing it; must not be there.",
)
@click.option("--force", is_flag=True, help="Replace the file of --output.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def import_config(
    session: Session, *, file: Path, target: Path | None, force: bool, as_json: bool
) -> int:
    """Make config.toml from FILE, the YAML configuration of the original HotStream.

    What has no counterpart here is named with the remedy. Passwords are left out: their place is
    the environment (MONGODB_URI). Needs `pip install 'hotstream-reactive[import]'`.

    \b
    Examples:
      hotstream config import configs/hotstream.yaml
      hotstream config import configs/hotstream.yaml --output config.toml
    """
    if force and target is None:
        raise click.UsageError("--force needs --output")
    yaml, tomli_w = _libraries()
    imported = _read(file, yaml)
    text = _head(file, imported) + tomli_w.dumps(imported.settings)
    if target is not None:
        _write(target, text, force=force)
    left_out = [one._asdict() for one in imported.left_out]
    if as_json:
        written = None if target is None else str(target.absolute())
        output.emit_json({"toml": text, "written": written, "left_out": left_out})
    elif target is None:
        click.echo(text, nl=False)
    if not as_json:
        for one in imported.left_out:
            output.say(f"left out {one.key} ({one.reason})")  # a colon would look like a secret
        if "default_type" not in imported.settings.get("storage", {}):
            output.say("storage.default_type is not set: the default was json and is mongodb here")
        if target is not None:
            output.say(f"written: {target}; try it: hotstream --config {target} config --check")
    return 0


def _libraries() -> tuple[ModuleType, ModuleType]:
    """PyYAML and tomli-w, which nothing else here needs."""
    try:
        import tomli_w
        import yaml
    except ImportError as error:
        raise NotFound(f"{error}\n{_INSTALL}") from error
    return yaml, tomli_w


def _read(file: Path, yaml: Any) -> Imported:
    """What the file holds.

    Raises:
        ConfigError: it is no YAML, or no configuration.
    """
    place = clean(str(file), 200)
    try:
        document = yaml.safe_load(file.read_bytes())
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{place}: not valid YAML: {_what(error)}") from None
    except yaml.YAMLError:
        raise ConfigError(f"{place}: not valid YAML: it holds bytes that are no text") from None
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
        # The library lets these through where a tag such as !!int does not fit its value.
        raise ConfigError(
            f"{place}: not valid YAML: a value does not fit its type, or is nested too deeply"
        ) from None
    try:
        return convert(document)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from None


def _what(error: Any) -> str:
    """Where the mistake is. Quotations are left out: a password can look like an alias."""
    said = clean(str(error.problem or "a mistake"), 120).partition("'")[0].partition('"')[0].strip()
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: {said}" if mark else said


def _head(file: Path, imported: Imported) -> str:
    lines = [
        f"Made from {clean(file.name, 100)} by `hotstream config import`.",
        "`hotstream init --write-config` writes a file with every setting and its meaning.",
    ]
    if any(one.key.startswith("mongodb.") for one in imported.left_out):
        lines.append("A password has no place here: set MONGODB_URI in the environment.")
    return "".join(f"# {line}\n" for line in lines) + "\n"


def _write(target: Path, text: str, *, force: bool) -> None:
    if force and target.is_file():
        with published(target.resolve()) as file:
            file.write(text)
        return
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.UsageError(
            tr("{} is there already; name another file, or give --force").format(
                clean(str(target), 200)
            )
        ) from None
