"""Writes docs/settings.md from the settings and the comments of config.toml.

Usage: python docs/make_settings_reference.py [--check]
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from generated import write_or_check

from hotstream_reactive.settings import PLATFORM_DEFAULTS, PlatformSettings, Settings
from hotstream_reactive.settings_file import ALIASES, FIELDS, PREFIX, expected, flat

TARGET = Path(__file__).with_name("settings.md")
CONFIG = Path(__file__).parents[1] / "config.toml"
_PLATFORM = "platforms.*."
_HEAD = """\
# Settings

<!-- Written by docs/make_settings_reference.py from the settings and config.toml; do not edit. -->

`config.toml` < environment < flags: what comes later stands. The file is the one of `--config`,
else of `HOTSTREAM_CONFIG`, else `config.toml` in the working directory, else none: every key has a
default. `hotstream init --write-config` writes a file with all of them, `hotstream config` shows
each value in force and where it comes from, and `hotstream config --check` names every wrong or
unknown one (exit code 78).

Durations are seconds and may be fractions. In the environment a list is written with commas, or as
in TOML; a table as in TOML; true and false also as yes, no, on, off, 1, 0. An empty variable is not
set. A worker reads its settings once, when it starts.
"""


def reference() -> str:
    """The whole page."""
    meanings = dict(_comments(CONFIG.read_text("utf-8")))
    missing = FIELDS.keys() - meanings.keys()
    assert not missing, f"settings without a comment in config.toml: {missing}"
    parts = [_HEAD]
    section = ""
    for key, field in FIELDS.items():
        if key.startswith(_PLATFORM):
            continue
        table, _, name = key.rpartition(".")
        if table != section:
            section = table
            parts += ["", f"## [{table}]", "", *_table_head()]
        default = _default(Settings, key)
        parts.append(_row(name, expected(field.type), default, meanings[key], _variables(key)))
    parts += ["", "## [platforms.NAME]", "", _about_platforms(), "", *_table_head()]
    for key, field in FIELDS.items():
        if key.startswith(_PLATFORM):
            name = key.removeprefix(_PLATFORM)
            default = _default(PlatformSettings, name)
            variable = f"`{PREFIX}PLATFORMS_NAME_{flat(name).upper()}`"
            parts.append(_row(name, expected(field.type), default, meanings[key], variable))
    parts += [
        "",
        "Defaults of single platforms:",
        "",
        "| platform | key | default |",
        "|---|---|---|",
    ]
    plain = msgspec.to_builtins(PlatformSettings())
    for platform, own in PLATFORM_DEFAULTS.items():
        for name, value in msgspec.to_builtins(own).items():
            if value != plain[name]:
                parts.append(f"| {platform} | `{name}` | `{json.dumps(value)}` |")
    return "\n".join(parts) + "\n"


def _about_platforms() -> str:
    return (
        "One table for each platform that needs one, by its name. In the variable `NAME` is the "
        "platform in capitals, other signs than letters and digits as `_`. `rate_limit.…` is a key "
        "of the table `[platforms.NAME.rate_limit]`."
    )


def _table_head() -> Iterator[str]:
    yield "| key | value | default | meaning | variable |"
    yield "|---|---|---|---|---|"


def _row(name: str, allowed: str, default: Any, meaning: str, variable: str) -> str:
    meaning = re.sub(r"docs/([\w/-]+)\.md", r"[\1](\1.md)", meaning)
    cells = [
        f"`{name}`",
        allowed.removesuffix(" in quotes"),
        f"`{json.dumps(default)}`",
        meaning,
        variable,
    ]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _variables(key: str) -> str:
    names = [f"{PREFIX}{flat(key).upper()}", *(name for name, to in ALIASES.items() if to == key)]
    return " or ".join(f"`{name}`" for name in names)


def _default(struct: type[msgspec.Struct], key: str) -> Any:
    node: Any = msgspec.to_builtins(struct())
    for name in key.split("."):
        node = node[name]
    return node


def _comments(text: str) -> Iterator[tuple[str, str]]:
    """The keys of config.toml with what stands above them; the platform's are commented out."""
    plain, mark, example = text.partition("# [platforms.twitter]\n")
    uncommented = re.sub(r"^# ?", "", mark + example, flags=re.M)
    table = ""
    above: list[str] = []
    for line in (plain + uncommented).splitlines():
        if found := re.fullmatch(r"\[(.+)\]", line):
            table, above = found[1].replace("platforms.twitter", "platforms.*"), []
        elif line.startswith("#"):
            above.append(line.removeprefix("#").strip())
        elif (found := re.match(r"(\w+) = ", line)) and not table.startswith("platforms.zhihu"):
            yield f"{table}.{found[1]}", " ".join(above)
            above = []
        elif not line:
            above = []


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, reference(), made_by=Path(__file__).name))
