"""Tables whose columns fill the width exactly, or leave it in a fixed order.

A heading is the title of its section and names the columns, all in one line. On a narrow screen an
entry takes two lines.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from rich.cells import cell_len
from rich.text import Text

from hotstream_reactive.dashboard.facts import Failure, Happening, TaskRow
from hotstream_reactive.dashboard.look import ACCENT, MUTED, STRONG, Look, Piece, line

#: Below this width an entry takes two lines.
NARROW = 61
#: From this width on there is room for wider gaps.
_ROOMY = 100
#: Columns that need no name.
_UNNAMED = frozenset({"id", "what"})
#: The mark of the selected row, and a space.
_MARGIN = 2


class Column(NamedTuple):
    """A column of `least` to `most` cells; the one with the lowest `drop` leaves first, 0 never.

    Of what room is left over, each takes its share by `weight`.
    """

    name: str
    least: int
    most: int
    drop: int = 0
    right: bool = False
    weight: int = 1


#: Whether a row is let through by the filter.
Wanted = Callable[[TaskRow | Failure | Happening], bool]


class Entry(msgspec.Struct, kw_only=True):
    """A row: what stands in each column; `key` is None for one that cannot be selected."""

    cells: Mapping[str, Piece]
    key: Hashable = None
    bar: float | None = None


class Section(msgspec.Struct, kw_only=True):
    """A part of the screen.

    `narrow` are the columns of the two lines of an entry on a narrow screen; `least` entries are
    shown before others get more than theirs. `empty` is said when there is no entry. What does not
    fit is `counted` in the heading.
    """

    title: str
    columns: Sequence[Column]
    narrow: tuple[Sequence[Column], Sequence[Column]]
    entries: Sequence[Entry]
    total: int
    least: int = 1
    empty: str = ""
    note: str = ""
    counted: bool = True

    def lines_per_entry(self, width: int) -> int:
        """How many lines an entry takes."""
        return 2 if width < NARROW and self.narrow[1] else 1

    def wanted(self, width: int) -> int:
        """Lines for the heading and everything below it; 0 for a section without anything."""
        if not self.entries:
            return 2 if self.empty else 0
        return 1 + len(self.entries) * self.lines_per_entry(width)

    def demanded(self, width: int) -> int:
        """Lines for the heading and the least number of entries."""
        shown = min(max(len(self.entries), 1), self.least)
        return min(self.wanted(width), 1 + shown * self.lines_per_entry(width))


def fitting(columns: Sequence[Column], width: int, gap: int) -> list[tuple[Column, int]]:
    """The columns there is room for, with their widths, which add up to at most `width`."""
    shown = list(columns)
    going = sorted((column for column in columns if column.drop), key=lambda column: column.drop)
    for column in going:
        if sum(c.least + gap for c in shown) - gap <= width:
            break
        shown.remove(column)
    widths = {column.name: column.least for column in shown}
    left = width - sum(widths.values()) - gap * (len(shown) - 1)
    while left > 0 and any(widths[c.name] < c.most for c in shown):
        for column in shown:
            more = min(column.weight, column.most - widths[column.name], left)
            widths[column.name] += more
            left -= more
    if left < 0 and shown:
        # Even what never leaves must not be wider than the screen.
        first = shown[0].name
        widths[first] = max(widths[first] + left, 1)
    return [(column, widths[column.name]) for column in shown]


def table(
    section: Section,
    *,
    width: int,
    height: int,
    look: Look,
    selected: Hashable = None,
    narrow: bool | None = None,
) -> list[Text]:
    """The section in at most `height` lines.

    `narrow` is for a table in a part of a wide screen, which keeps its columns.
    """
    if height < 1 or not section.wanted(width):
        return []
    gap = 2 if width >= _ROOMY else 1
    inner = width - _MARGIN
    narrow = width < NARROW if narrow is None else narrow
    per_entry = 2 if narrow and section.narrow[1] else 1
    layout = fitting(section.narrow[0] if narrow else section.columns, inner, gap)
    second = fitting(section.narrow[1], inner - 2, gap) if per_entry == 2 else []
    entries, hidden = _window(section, max((height - 1) // per_entry, 1), selected)
    lines = [_heading(section, layout, width, gap, look, named=not narrow, hidden=hidden)]
    if not section.entries:
        lines.append(line([(" " * _MARGIN, ""), (look.fit(section.empty, inner), MUTED)]))
    for entry in entries:
        here = selected is not None and entry.key == selected
        lines.append(_row(entry, layout, gap, look, here=here, indent=0))
        if second:
            lines.append(_row(entry, second, gap, look, here=False, indent=2))
    return lines[:height]


def _window(section: Section, room: int, selected: Hashable) -> tuple[Sequence[Entry], int]:
    """The entries on show, the selected one among them, and how many are not."""
    entries = section.entries
    room = min(room, len(entries))
    keys = [entry.key for entry in entries]
    place = keys.index(selected) if selected is not None and selected in keys else 0
    first = min(max(place - room + 1, 0), len(entries) - room)
    return entries[first : first + room], section.total - room if section.counted else 0


def _heading(
    section: Section,
    layout: list[tuple[Column, int]],
    width: int,
    gap: int,
    look: Look,
    *,
    named: bool,
    hidden: int,
) -> Text:
    """The title, how many entries do not fit, and the columns' names where there is room."""
    more = f"+{look.count(hidden)} {look.words('more')}" if hidden else ""
    notes = [look.plain(note) for note in (section.note, more) if note]
    pieces: list[Piece] = [(look.plain(section.title), STRONG)]
    pieces += [(f" {note}", MUTED) for note in notes]
    used = sum(cell_len(text) for text, _ in pieces)
    begin = _MARGIN
    for place, (column, size) in enumerate(layout):
        if named and place and begin > used and column.name not in _UNNAMED:
            label = look.fit(look.words(column.name), size, right=column.right)
            pieces += [(" " * (begin - used), ""), (label, MUTED)]
            used = begin + size
        begin += size + gap
    rest = width - used - 1
    if rest > 0 and not named:
        pieces.append((" " + look.glyph("rule") * rest, MUTED))
    return line(pieces)


def _row(
    entry: Entry,
    layout: list[tuple[Column, int]],
    gap: int,
    look: Look,
    *,
    here: bool,
    indent: int,
) -> Text:
    mark = look.glyph("here") + " " if here else " " * _MARGIN
    pieces: list[Piece] = [(mark + " " * indent, ACCENT)]
    for place, (column, size) in enumerate(layout):
        if place:
            pieces.append((" " * gap, ""))
        if column.name == "progress" and entry.bar is not None:
            pieces += look.bar(entry.bar, size)
            continue
        text, style = entry.cells.get(column.name, ("", ""))
        style = f"{style} {STRONG}".strip() if here and place == 0 else style
        pieces.append((look.fit(text, size, right=column.right), style))
    return line(pieces)
