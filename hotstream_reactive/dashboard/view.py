"""The screen: a snapshot drawn into so many columns and rows.

Pure: the same snapshot, size, time and focus give the same lines. Nothing wraps and nothing
scrolls; what does not fit is left out in a fixed order, or counted.
"""

from __future__ import annotations

from collections.abc import Hashable

import msgspec
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from hotstream_reactive.dashboard import fleet, summary, tasks
from hotstream_reactive.dashboard.focus import Focus
from hotstream_reactive.dashboard.look import MUTED, STRONG, WARN, Look, Piece, line
from hotstream_reactive.dashboard.snapshot import Snapshot
from hotstream_reactive.dashboard.table import NARROW, Section, table

SMALLEST_WIDTH, SMALLEST_HEIGHT = 40, 10
#: From this width on, workers and platforms stand side by side.
_SIDE_BY_SIDE = 110
#: From this height on, sections are set apart by an empty line.
_AIRY = 30
#: Below this height a panel takes the place of the totals too.
_LOW = 20


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of a screen, and the tasks that can be selected, from top to bottom."""

    lines: list[Text]
    keys: list[Hashable]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Print the lines."""
        for text in self.lines:
            yield text
            yield "\n"


def draw(
    snapshot: Snapshot, *, width: int, height: int, now: float, look: Look, focus: Focus
) -> Screen:
    """The screen of exactly `height` lines, none wider than `width`."""
    if width < SMALLEST_WIDTH or height < SMALLEST_HEIGHT:
        return Screen(lines=[summary.one_line(snapshot, width, now, look)], keys=[])
    head = [summary.header(snapshot, width, now, look)]
    most = 2 if height < 20 else 3 if height < 24 or width >= NARROW else 5
    head += summary.totals(snapshot, width, now, look, most=most)
    if focus.panel and height < _LOW:
        del head[1:]
    if height >= _AIRY:
        head.insert(1, Text(""))
        head.append(Text(""))
    foot = [footer(snapshot, width, look, focus)]
    room = height - len(head) - len(foot)
    keys: list[Hashable] = []
    if focus.panel:
        body = _panel(focus, width, room, look)
    else:
        body, keys = _sections(snapshot, width, room, now, look, focus, airy=height >= _AIRY)
    body += [Text("")] * (room - len(body))
    return Screen(lines=[*head, *body[:room], *foot], keys=keys)


def _sections(
    snapshot: Snapshot,
    width: int,
    room: int,
    now: float,
    look: Look,
    focus: Focus,
    *,
    airy: bool,
) -> tuple[list[Text], list[Hashable]]:
    running = tasks.running(snapshot, now, look, focus.wants, room)
    waiting = tasks.waiting(snapshot, now, look, focus.wants, room)
    failures = tasks.failures(snapshot, now, look, focus.wants, room)
    events = fleet.events(snapshot, now, look, focus.wants, room)
    workers = fleet.workers(snapshot, now, look)
    platforms = fleet.platforms(snapshot, now, look)
    if focus.filter:
        for section in (running, waiting, events):
            section.empty = look.words("nothing matches the filter")
    pair = width >= _SIDE_BY_SIDE
    stacked = [running, waiting, failures, workers, *([] if pair else [platforms]), events]
    half = (width - 4) // 2
    extra = platforms.wanted(half) if pair else 0
    heights = share(stacked, width, room, airy=airy, beside={id(workers): extra})
    lines: list[Text] = []
    for section in stacked:
        height = heights[id(section)]
        if not height:
            continue
        if pair and section is workers:
            drawn = _beside(workers, platforms, half, height, look)
        else:
            drawn = table(section, width=width, height=height, look=look, selected=focus.selected)
        lines += drawn
        if airy and len(lines) < room:
            lines.append(Text(""))
    keys = [e.key for s in (running, waiting, failures) if heights[id(s)] for e in s.entries]
    return lines, list(dict.fromkeys(keys))


def share(
    sections: list[Section], width: int, room: int, *, airy: bool, beside: dict[int, int]
) -> dict[int, int]:
    """How many lines each section gets: first everybody's least, in order, then the rest in turn.

    `beside` are lines that a section's neighbour wants, by the section's identity.
    """
    gap = 1 if airy else 0
    wanted = {id(s): max(s.wanted(width), beside.get(id(s), 0)) for s in sections}
    given = dict.fromkeys(wanted, 0)
    left = room
    # What runs, what comes and what happened tell more than who does it.
    first, second, third, *rest = sections
    for section in (first, second, sections[-1], third, *rest[:-1]):
        least = min(max(section.demanded(width), min(2, wanted[id(section)])), wanted[id(section)])
        if least and least + gap <= left:
            given[id(section)] = least
            left -= least + gap
    growing = True
    while left > 0 and growing:
        growing = False
        for section in sections:
            step = section.lines_per_entry(width)
            place = id(section)
            if given[place] and given[place] < wanted[place] and left >= step:
                step = min(step, wanted[place] - given[place])
                given[place] += step
                left -= step
                growing = True
    return given


def _beside(left: Section, right: Section, half: int, height: int, look: Look) -> list[Text]:
    one = table(left, width=half, height=height, look=look, narrow=False)
    two = table(right, width=half, height=height, look=look, narrow=False)
    lines = []
    for place in range(max(len(one), len(two))):
        text = one[place] if place < len(one) else Text("")
        text.pad_right(half + 4 - text.cell_len)
        if place < len(two):
            text.append_text(two[place])
        lines.append(text)
    return lines


def _panel(focus: Focus, width: int, room: int, look: Look) -> list[Text]:
    """Help or an explanation, in place of the tables."""
    cells = width - 4
    wrapped = [(part, style) for text, style in focus.panel for part in look.wrap(text, cells)]
    if len(wrapped) > room - 3:  # then the beginning of everything is worth more
        wrapped = [(look.fit(text, cells).rstrip(), style) for text, style in focus.panel if text]
    room -= 1
    if len(wrapped) <= room - 2:
        wrapped = [("", ""), *wrapped, ("", "")]
    if len(wrapped) > room:
        more = len(wrapped) - room + 1
        wrapped = [*wrapped[: room - 1], (f"+{more} {look.words('more')}", MUTED)]
    closing = (look.words("any key closes this"), MUTED)
    return [line([("  ", ""), piece]) for piece in [*wrapped, closing]]


def footer(snapshot: Snapshot, width: int, look: Look, focus: Focus) -> Text:
    """The keys; or a question, an answer, or the CLI verbs where there are no keys."""
    w = look.words
    said: list[Piece]
    if focus.question:
        said = [(look.fit(focus.question, width), STRONG)]
    elif focus.typing:
        cursor = look.glyph("cursor")
        hint = w("Enter keeps the filter, Esc clears it")
        said = [(f"/{look.plain(focus.filter)}{cursor}  ", STRONG), (hint, MUTED)]
    elif focus.message or snapshot.trouble:
        said = [(look.fit(focus.message or snapshot.trouble, width), WARN)]
    elif not focus.keys:
        verbs = "hotstream promote|cancel|retry|explain TASK"
        said = [(f"{w('read-only here; use')} {verbs}  ", MUTED), (w("Ctrl-C ends"), MUTED)]
    else:
        said = [(f"/{look.plain(focus.filter)}  ", WARN)] if focus.filter else []
        said += _keys(width - sum(cell_len(text) for text, _ in said), look, logs=focus.logs)
    text = line(said)
    if text.cell_len > width:
        text.truncate(width, overflow="crop")
    return text


def _keys(width: int, look: Look, *, logs: bool) -> list[Piece]:
    """As many keys as fit; how to leave and where to read of the others stays."""
    arrows = look.glyph("up") + look.glyph("down")
    keys = [(arrows, "select"), ("p", "promote"), ("c", "cancel"), ("r", "retry")]
    keys += [("e", "explain"), ("/", "filter"), *([("l", "log")] if logs else [])]
    keys += [("?", "help"), ("q", "quit")]
    while True:
        pieces: list[Piece] = []
        for key, name in keys:
            pieces += [(key, STRONG), (f" {look.words(name)}  ", MUTED)]
        if len(keys) <= 2 or sum(cell_len(text) for text, _ in pieces) - 2 <= width:
            return pieces
        keys.pop(-3)
