"""The lines above the tables: where this is, how much there is to do, and how fast it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from hotstream_reactive.dashboard.look import ACCENT, MUTED, STRONG, WARN, Look, Piece, line
from hotstream_reactive.dashboard.snapshot import LIVE, ONCE, READS_ONLY, Snapshot
from hotstream_reactive.version import __version__

_GAP = "   "
#: An offset of the clocks below this is nobody's concern, in seconds.
_CLOCK_WORRY_S = 1.0


class Chip(NamedTuple):
    """A group of pieces that stays together; of two the one with the lower `keep` leaves first."""

    pieces: Sequence[Piece]
    keep: int = 9

    @property
    def size(self) -> int:
        """Its width in cells."""
        return sum(cell_len(text) for text, _ in self.pieces)


def header(snapshot: Snapshot, width: int, now: float, look: Look) -> Text:
    """Name, database, servers, reactive state, uptime and clock, as far as they fit."""
    w = look.words
    server = snapshot.server
    chips = [
        Chip([("hotstream", STRONG), (f" {__version__}", MUTED)], 10),
        Chip([(look.plain(f"{server.host}/{server.database}"), "")], 4),
        Chip([(look.plain(_topology(snapshot, look)), MUTED)], 3),
        Chip(_state(snapshot, now, look), 9),
    ]
    if snapshot.event_at is not None:
        age = look.span(now - snapshot.event_at)
        chips.append(Chip([(w("event {} ago").format(age), MUTED)], 5))
    since = min((k.started for k in snapshot.workers if k.started and k.lives(now)), default=None)
    if since is not None:
        chips.append(Chip([(f"{w('up')} {look.span(now - since)}", MUTED)], 2))
    if server.ahead_s is not None:
        style = WARN if abs(server.ahead_s) > _CLOCK_WORRY_S else MUTED
        chips.append(Chip([(f"{w('clock')} {_offset(server.ahead_s, look)}", style)], 1))
    return _one_line(chips, width)


def _topology(snapshot: Snapshot, look: Look) -> str:
    server, w = snapshot.server, look.words
    if server.sharded:
        return w("sharded")
    if server.replica_set is None:
        return w("standalone") if server.members else ""
    primary = f"{w('primary')} {server.primary}" if server.primary else w("no primary")
    return f"{server.replica_set} {server.seen}/{server.members} {primary}"


def _state(snapshot: Snapshot, now: float, look: Look) -> list[Piece]:
    """The reactive state of the workers, and that of this view when it is not live."""
    w = look.words
    states = snapshot.reactive(now)
    pieces: list[Piece]
    if not states:
        pieces = [(f"{look.glyph('wait')} {w('no workers')}", WARN)]
    elif set(states) == {"live"}:
        pieces = [(f"{look.glyph('run')} {w('live')}", ACCENT)]
    else:
        said = ", ".join(f"{w(state)} {number}" for state, number in sorted(states.items()))
        pieces = [(f"{look.glyph('wait')} {look.plain(said)}", WARN)]
    if snapshot.stream not in {LIVE, ONCE}:
        style = MUTED if snapshot.stream == READS_ONLY else WARN
        pieces.append((f" ({w(snapshot.stream)})", style))
    return pieces


def _offset(seconds: float, look: Look) -> str:
    sign = "+" if seconds >= 0 else "-"
    return f"{sign}{look.quick(abs(seconds))}"


def _one_line(chips: list[Chip], width: int) -> Text:
    shown = list(chips)
    for chip in sorted(chips, key=lambda chip: chip.keep):
        if sum(c.size for c in shown) + len(_GAP) * (len(shown) - 1) <= width:
            break
        if len(shown) > 1:
            shown.remove(chip)
    return _joined([chip for chip in shown if chip.size], width)


def _joined(chips: Sequence[Chip], width: int) -> Text:
    pieces: list[Piece] = []
    for place, chip in enumerate(chips):
        if place:
            pieces.append((_GAP, ""))
        pieces += chip.pieces
    text = line(pieces)
    if text.cell_len > width:
        text.truncate(width, overflow="crop")
    return text


def totals(snapshot: Snapshot, width: int, now: float, look: Look, *, most: int) -> list[Text]:
    """The numbers, in at most `most` lines; groups that do not fit leave from the end."""
    chips = [_waiting(snapshot, look), *_oldest(snapshot, now, look), _ended(snapshot, now, look)]
    spark = 24 if width >= 140 else 16 if width >= 76 else 8
    for name, rate in (("tasks/min", snapshot.done), ("items/min", snapshot.items)):
        chips.append(_rate(name, rate.per_minute(now), rate.minutes(now, spark), look))
    chips.append(_pickup(snapshot, look))
    lines: list[list[Chip]] = [[]]
    for chip in chips:
        used = sum(c.size + len(_GAP) for c in lines[-1])
        if lines[-1] and used + chip.size > width:
            if len(lines) == most:
                continue
            lines.append([])
        lines[-1].append(chip)
    return [_joined(group, width) for group in lines]


def _waiting(snapshot: Snapshot, look: Look) -> Chip:
    w, dot = look.words, f" {look.glyph('dot')} "
    known = snapshot.queue_known
    due, later, held = snapshot.due(), snapshot.later(), snapshot.held()
    pieces: list[Piece] = [
        (f"{look.glyph('wait')} {w('waiting')} ", MUTED),
        (look.count(due) if known else "?", STRONG),
        (f" {w('due')}{dot}", MUTED),
        (look.count(later) if known else "?", ""),
        (f" {w('scheduled')}{dot}", MUTED),
        (look.count(held), WARN if held else ""),
        (f" {w('held')}", WARN if held else MUTED),
    ]
    return Chip(pieces)


def _oldest(snapshot: Snapshot, now: float, look: Look) -> list[Chip]:
    """How long the longest waiting task is due."""
    since = snapshot.oldest_due()
    if since is None:
        return []
    return [Chip([(f"{look.words('oldest')} ", MUTED), (look.span(now - since), "")])]


def _ended(snapshot: Snapshot, now: float, look: Look) -> Chip:
    w = look.words
    more = "+" if snapshot.history_cut else ""
    failed = snapshot.failed.total(now)
    return Chip(
        [
            (f"{look.glyph('ok')} {w('last hour')} ", MUTED),
            (f"{look.count(snapshot.done.total(now))}{more}", STRONG),
            (f" {w('done')} {look.glyph('dot')} ", MUTED),
            (f"{look.count(failed)}{more}", WARN if failed else ""),
            (f" {w('failed')}", WARN if failed else MUTED),
        ]
    )


def _rate(name: str, rate: float, minutes: list[float], look: Look) -> Chip:
    return Chip(
        [
            (f"{look.words(name)} ", MUTED),
            (f"{look.count(rate):>4} ", STRONG),
            (look.spark(minutes), ACCENT),
        ]
    )


def _pickup(snapshot: Snapshot, look: Look) -> Chip:
    half, most = snapshot.pickups.at(0.5), snapshot.pickups.at(0.99)
    return Chip(
        [
            (f"{look.words('pick-up')} p50 ", MUTED),
            (look.quick(half), STRONG),
            (" p99 ", MUTED),
            (look.quick(most), ""),
        ]
    )


def one_line(snapshot: Snapshot, width: int, now: float, look: Look) -> Text:
    """All in one line, for a screen too small for more."""
    w = look.words
    chips = [
        Chip([(f"{look.glyph('run')} {snapshot.running_count}/{snapshot.slots(now)}", ACCENT)]),
        Chip([(f"{look.count(snapshot.due())} {w('due')}", "")]),
        Chip([(f"{look.count(snapshot.done.total(now))} {w('done')}", "")], 3),
        Chip([(f"{look.count(snapshot.failed.total(now))} {w('failed')}", "")], 4),
        Chip(_state(snapshot, now, look), 8),
    ]
    return _one_line(chips, width)


def last_words(snapshot: Snapshot, now: float, look: Look) -> list[str]:
    """Five lines that stay on the normal screen when the dashboard has gone."""
    w = look.words
    waiting = [_waiting(snapshot, look), *_oldest(snapshot, now, look)]
    items = look.count(snapshot.items.total(now))
    return [
        header(snapshot, 78, now, look).plain,
        w("{} running in {} slots").format(snapshot.running_count, snapshot.slots(now)),
        "; ".join(_chip_text(chip) for chip in waiting),
        _chip_text(_ended(snapshot, now, look)),
        f"{w('{} items in the last hour').format(items)}; {_chip_text(_pickup(snapshot, look))}",
    ]


def _chip_text(chip: Chip) -> str:
    return "".join(text for text, _ in chip.pieces)
