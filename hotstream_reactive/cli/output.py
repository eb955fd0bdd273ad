"""What commands print: JSON for programs, tables and short lines for people.

Data goes to stdout, messages to stderr. Whatever comes from a document, a page or a plugin reaches
a terminal only through `clean`, and rich only as `Text`, which it never parses as markup.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TextIO

import click
import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hotstream_reactive.cli.common import in_utc, plain
from hotstream_reactive.cli.language import tr
from hotstream_reactive.model.task import TaskStatus
from hotstream_reactive.text import clean, redact

SCHEMA_VERSION = 1
#: Lines for a file or a pipe are as long as they need to be, within reason.
_WIDTH_WITHOUT_TERMINAL = 200
_GAP = 2
#: What a terminal obeys or is confused by, although JSON allows it as it stands.
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
#: Blue and orange, which more eyes can tell apart than green and red.
STYLES = {
    "ok": "blue",
    "warn": "dark_orange",
    "fail": "bold dark_orange",
    "running": "blue",
    "failed": "bold dark_orange",
    "invalid": "bold dark_orange",
}


class Column(NamedTuple):
    """A column of a table, measured in terminal cells.

    What does not fit is cut, to `least` cells at the least; where the terminal is too narrow even
    for that, the columns with the lowest `keep` are left out. 0 keeps a column always.
    """

    title: str
    least: int = 4
    most: int | None = None
    keep: int = 0
    right: bool = False


def emit_json(fields: Mapping[str, Any]) -> None:
    """Print one object, with the version of its shape."""
    click.echo(to_json({"schema_version": SCHEMA_VERSION, **fields}))


def to_json(value: Any) -> str:
    """JSON in one line: times in ISO 8601, foreign types as text, nothing a terminal obeys."""
    try:
        text = msgspec.json.encode(value, enc_hook=_plain).decode()
    except UnicodeEncodeError:  # half a surrogate pair, which no file in UTF-8 can hold
        tree = msgspec.to_builtins(value, enc_hook=_plain)
        text = json.dumps(tree, ensure_ascii=False).encode("utf-8", "replace").decode()
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(value: Any) -> Any:
    """Stand in for a type that JSON does not know, e.g. the driver's ObjectId or Int64."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, bytes):
        return bytes(value)
    return str(value)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Let the command line say what a reader that goes away means: nothing is wrong."""
        raise BrokenPipeError


def console(stream: TextIO | None = None, *, wide: int = _WIDTH_WITHOUT_TERMINAL) -> Console:
    """A console on a stream (stdout), as wide as the terminal; without one, plain and `wide`."""
    stream = stream or sys.stdout
    no_width = not stream.isatty() and "COLUMNS" not in os.environ
    return _Console(
        file=stream,
        width=wide if no_width else None,
        force_terminal=False if plain() else None,
        markup=False,
        highlight=False,
        emoji=False,
    )


def print_table(
    columns: Sequence[Column], rows: Iterable[Sequence[object]], *, out: Console | None = None
) -> None:
    """Print rows under headings, each row on one line, cut to the width of the terminal.

    With --plain there are no headings, tabs between the values, and nothing is cut.
    """
    out = out or console()
    if plain():
        for row in rows:
            out.file.write("\t".join(redact(shown(value, 1000)) for value in row) + "\n")
        return
    content = [[cell(value) for value in row] for row in rows]
    longest = [
        max([cell_len(tr(column.title)), *(row[place].cell_len for row in content)])
        for place, column in enumerate(columns)
    ]
    natural = [
        min(size, column.most or size) for size, column in zip(longest, columns, strict=True)
    ]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    widths = _widths(columns, natural, out.width)
    for place, width in widths.items():
        table.add_column(
            Text(tr(columns[place].title)),
            width=width,
            no_wrap=True,
            overflow="ellipsis",
            justify="right" if columns[place].right else "left",
        )
    for row in content:
        table.add_row(*(row[place] for place in widths))
    with out.capture() as captured:
        out.print(table)
    # The last column is padded to its width, which only gets in the way of `grep` and copying.
    lines = captured.get().splitlines()
    out.file.write("".join(f"{line.rstrip()}\n" for line in lines))


def _widths(columns: Sequence[Column], natural: Sequence[int], width: int) -> dict[int, int]:
    """The places of the columns for which there is room, with the cells that each gets.

    Rich itself would take equally from all columns, so that narrow ones disappear.
    """
    least = [min(column.least, wanted) for column, wanted in zip(columns, natural, strict=True)]
    shown = list(range(len(columns)))
    for place in sorted((n for n in shown if columns[n].keep), key=lambda n: columns[n].keep):
        if sum(least[n] + _GAP for n in shown) - _GAP <= width:
            break
        shown.remove(place)
    result = {n: natural[n] for n in shown}
    room = width - _GAP * (len(shown) - 1)
    for lowest in (least, [1] * len(columns)):
        for place in sorted(shown, key=lambda n: lowest[n] - result[n]):
            excess = sum(result.values()) - room
            if excess > 0:
                result[place] = max(lowest[place], result[place] - excess)
    return result


def cell(value: object) -> Text:
    """A value as it may stand on a terminal; words of a state get their colour."""
    text = shown(value)
    return Text(text, style=STYLES.get(text, ""))


def shown(value: object, limit: int = 200) -> str:
    """A value of unknown origin in one harmless line."""
    if value is None:
        return ""
    return clean(value if isinstance(value, str) else str(value), limit)


def say(message: str) -> None:
    """Tell the person something that is no data, unless --quiet was given."""
    context = click.get_current_context(silent=True)
    if context is not None and context.find_root().params.get("quiet"):
        return
    click.echo(redact(clean(tr(message), 1000)), err=True)


def line(message: str) -> None:
    """Print a line of data for people, redacted and harmless."""
    click.echo(redact(clean(message, 1000)))


def span(seconds: float) -> str:
    """A length of time for people, e.g. ``3 s``, ``5 min``, ``2 h``, ``12 d``."""
    for size, unit in ((172_800, "d"), (7_200, "h"), (120, "min")):
        if seconds >= size:
            number = seconds / {"d": 86_400, "h": 3_600, "min": 60}[unit]
            return f"{number:.0f} {tr(unit)}"
    return f"{max(seconds, 0.0):.0f} {tr('s')}"


def ago(seconds: float | None) -> str:
    """How long ago something was, for people; "" when that is not known."""
    if seconds is None:
        return ""
    return tr("in {}" if seconds < 0 else "{} ago").format(span(abs(seconds)))


def moment(age_s: float | None, relative: Callable[[float], str] | None = None) -> str:
    """When something was that is so old, for people; with --utc as a time, by this clock."""
    if age_s is None or not in_utc():
        return "" if age_s is None else (relative or ago)(age_s)
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def padded(text: str, width: int) -> str:
    """The text, filled with spaces to so many terminal cells."""
    return text + " " * (width - cell_len(text))


def status_word(status: object) -> str:
    """The word for a status in a document; ``invalid`` for what is none."""
    if isinstance(status, int | float) and not isinstance(status, bool):
        for known in TaskStatus:
            if known == status:
                return known.name.lower()
    return "invalid"
