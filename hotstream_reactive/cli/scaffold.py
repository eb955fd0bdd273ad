"""Writes the package of a new plugin."""

from __future__ import annotations

import keyword
import re
import shutil
import tempfile
from collections.abc import Collection
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

import click

from hotstream_reactive.errors import RefusedByState
from hotstream_reactive.text import clean

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def check_name(name: str, taken: Collection[str]) -> None:
    """Let a name pass that can be a platform, a module and a part of a class name.

    Raises:
        BadParameter: it cannot, and here is one that can.
    """
    if not _NAME.fullmatch(name) or name.endswith("_") or "__" in name or keyword.iskeyword(name):
        close = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:32].rstrip("_")
        hint = f"; {close!r} would do" if _NAME.fullmatch(close) and close != name else ""
        raise click.BadParameter(
            f"{clean(name, 60)!r} cannot name a plugin: use up to 32 lower-case letters, digits "
            f"and single _ between them, beginning with a letter{hint}"
        )
    if name in taken:
        raise click.BadParameter(
            f"there is a platform {name!r} already, and a plugin cannot replace it; "
            f"choose another name (see hotstream list-platforms)"
        )


def write_plugin(name: str, target: Path) -> list[str]:
    """Write the package into a directory that does not exist yet, all of it or nothing.

    Args:
        name: as `check_name` lets it pass.
        target: the new directory; the one around it must exist.

    Returns:
        The paths of the files below `target`.

    Raises:
        RefusedByState: there is something already.
        BadParameter: the directory around it does not exist.
    """
    target = target.absolute()
    if target.is_symlink() or (
        target.exists() and not (target.is_dir() and not any(target.iterdir()))
    ):
        raise RefusedByState(
            f"{target} exists already and is left as it is; name another with --dir"
        )
    if not target.parent.is_dir():
        raise click.BadParameter(
            f"{target.parent} does not exist: make it first", param_hint="--dir"
        )
    values = {
        "name": name,
        "package": f"hotstream_{name}",
        "distribution": f"hotstream-{name.replace('_', '-')}",
        "title": "".join(part.capitalize() for part in name.split("_")),
    }
    template = resources.files("hotstream_reactive.cli") / "plugin_template"
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as made:
        written = _fill(template, Path(made) / "plugin", values)
        if target.exists():
            target.rmdir()  # it is empty; should it be no longer, this fails and nothing is lost
        shutil.move(Path(made) / "plugin", target)
    return sorted(written)


def _fill(source: Traversable, target: Path, values: dict[str, str], below: str = "") -> list[str]:
    target.mkdir()
    written: list[str] = []
    for entry in source.iterdir():
        name = values["package"] if entry.name == "package" else entry.name.removesuffix(".txt")
        if entry.is_dir():
            written += _fill(entry, target / name, values, f"{below}{name}/")
        else:
            text = Template(entry.read_text("utf-8")).substitute(values)
            (target / name).write_text(text, "utf-8")
            written.append(below + name)
    return written
