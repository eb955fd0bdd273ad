"""Writes docs/cli.md from the commands themselves; with --check only says whether it is up to date.

Usage: python docs/make_cli_reference.py [--check]
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from generated import write_or_check

from hotstream_reactive.cli.common import CommonOption
from hotstream_reactive.cli.main import EXIT_CODES, VERBS, hotstream

TARGET = Path(__file__).with_name("cli.md")
_HEAD = """\
# The command line

<!-- Written by docs/make_cli_reference.py from the commands; do not edit. -->

`hotstream …` and `python -m hotstream_reactive.cli …` are the same. Data goes to stdout, messages
to stderr; `--json` prints one object with `schema_version` (`watch`: one per change), with times in
ISO 8601, UTC. What comes from documents, pages and plugins is cleaned of everything that a terminal
obeys. Ids and names are compared as they are: a value such as `{"$ne": null}` is a text.

`--plain` is for scripts and screen readers: no colours, no bars, a table as lines with tabs between
the values, without headings, nothing cut. Times are relative for people, and absolute with `--utc`;
logs (`watch`, `history`) always have them in UTC. Help and messages are in English or Chinese (see
[the words](glossary.md)); JSON, documents and logs are the same in both.
"""
_CODES = {
    0: "done",
    1: "a task or a check failed",
    2: "wrong usage",
    3: "not found",
    4: "refused by the state of the task",
    65: "a task document is wrong",
    69: "MongoDB does not answer",
    70: "internal error",
    74: "a file or the storage cannot be read or written",
    77: "MongoDB refused the user",
    78: "wrong configuration",
    124: "waited too long",
    130: "interrupted",
}


def reference() -> str:
    """The whole page."""
    missing = {code for _, code in EXIT_CODES} - _CODES.keys()
    assert not missing, f"exit codes without a meaning: {missing}"
    parts = [_HEAD, "## Exit codes\n", "| code | meaning |", "|---|---|"]
    parts += [f"| {code} | {meaning} |" for code, meaning in _CODES.items()]
    context = click.Context(hotstream, info_name="hotstream")
    parts += [
        "",
        "## Options of every verb",
        "",
        "They stand before the verb;",
        "`--lang`, `--plain` and `--utc` also behind it.",
        "",
    ]
    parts += _options(hotstream, context)
    parts += ["", "## Verbs", "", "| verb | |", "|---|---|"]
    parts += [f"| [`{name}`](#{name}) | {verb.help} |" for name, verb in sorted(VERBS.items())]
    for name in sorted(VERBS):
        command = hotstream.get_command(context, name)
        assert command is not None
        below = click.Context(command, context, name)
        parts += ["", f"### {name}", "", *_verb(command, below)]
        if isinstance(command, click.Group):
            for inner, part in sorted(command.commands.items()):
                inside = click.Context(part, below, inner)
                parts += ["", f"#### {name} {inner}", "", *_verb(part, inside)]
    return "\n".join(parts) + "\n"


def _verb(command: click.Command, context: click.Context) -> Iterator[str]:
    words = " ".join(command.collect_usage_pieces(context))
    yield f"`{context.command_path} {words}`"
    yield ""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        lines = paragraph.splitlines()
        if lines[0] != "\b":
            yield " ".join(lines)
        elif lines[1].endswith(":"):
            yield from ("```sh", *(line.strip() for line in lines[2:]), "```")
        else:
            yield " ".join(line.strip() for line in lines[1:])
        yield ""
    yield from _options(command, context)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    # Arguments explain themselves in the text.
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    options = [one for one in options if not one.hidden and "--help" not in one.opts]
    if command is not hotstream:
        options = [one for one in options if not isinstance(one, CommonOption)]
    if options:
        yield "| option | |"
        yield "|---|---|"
    for param in options:
        names = _names(param).replace("|", "\\|")
        yield f"| `{names}` | {' '.join([param.help or '', *_range(param)])} |"


def _names(option: click.Option) -> str:
    """As click writes them, whose own way differs from version to version."""
    names = ", ".join(option.opts)
    if option.secondary_opts:
        return f"{names} / {', '.join(option.secondary_opts)}"
    if option.is_flag or option.count:
        return names
    if isinstance(option.type, click.Choice):
        return f"{names} {'|'.join(map(str, option.type.choices))}"
    if isinstance(option.type, click.Path | click.File):
        return f"{names} FILE"
    numbers = {"integer": "N", "integer range": "N", "float": "N", "float range": "N"}
    return f"{names} {option.metavar or numbers.get(option.type.name, 'TEXT')}"


def _range(option: click.Option) -> Iterator[str]:
    """The bounds of a number, and the default where it is worth showing."""
    kind = option.type
    if isinstance(kind, click.IntRange | click.FloatRange):
        bounds = [f"from {kind.min:g}"] if kind.min is not None else []
        bounds += [f"to {kind.max:.12g}"] if kind.max is not None else []
        yield f"A number {' '.join(bounds)}."
    if option.show_default and not option.is_flag:
        yield f"Default: {option.default}."


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, reference(), made_by=Path(__file__).name))
