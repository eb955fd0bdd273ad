"""The fleet on show: workers, platforms, and the ticker of events."""

from __future__ import annotations

from itertools import islice
from typing import Any

from hotstream_reactive.dashboard.facts import Happening, WorkerRow
from hotstream_reactive.dashboard.look import ACCENT, MUTED, WARN, Look
from hotstream_reactive.dashboard.snapshot import Snapshot
from hotstream_reactive.dashboard.table import Column, Entry, Section, Wanted
from hotstream_reactive.text import size

_MOST = 60
_EVENT_STYLES = {
    **dict.fromkeys(("failed", "rescued", "lease lost"), (WARN, "fail")),
    **dict.fromkeys(("retry", "handed back"), (WARN, "retry")),
    **dict.fromkeys(("completed",), (ACCENT, "ok")),
    **dict.fromkeys(("claimed",), (ACCENT, "run")),
    **dict.fromkeys(("cancelled", "deleted"), (MUTED, "cancel")),
    **dict.fromkeys(("promoted",), ("bold", "up")),
    **dict.fromkeys(("inserted", "put back", "scheduled"), ("", "wait")),
}


def workers(snapshot: Snapshot, now: float, look: Look) -> Section:
    """The workers of the fleet."""
    running_by_worker: dict[str, int] = {}
    for row in snapshot.running.values():
        running_by_worker[row.worker] = running_by_worker.get(row.worker, 0) + 1
    entries = [
        _worker(worker, running_by_worker.get(worker.worker_id, 0), now, look)
        for worker in snapshot.workers[:_MOST]
    ]
    return Section(
        title=look.words("Workers"),
        note=str(len(snapshot.workers)) if entries else "",
        columns=(
            Column("id", 14, 34, weight=3),
            Column("slots", 6, 8, right=True),
            Column("stream", 10, 14),
            Column("beat", 5, 6, right=True),
            Column("memory", 7, 8, drop=1, right=True),
            Column("version", 8, 12, drop=2),
            Column("host", 8, 20, drop=3),
        ),
        narrow=((Column("id", 12, 30), Column("slots", 6, 8), Column("beat", 5, 6)), ()),
        entries=entries,
        total=len(snapshot.workers),
        least=1,
        empty=look.words("no worker is registered; start one with: hotstream start-daemon"),
    )


def _worker(worker: WorkerRow, busy: int, now: float, look: Look) -> Entry:
    lives = worker.lives(now)
    state = "draining" if worker.draining else worker.stream
    state = state if lives else "silent"
    good = state in {"live", "draining"}
    glyph = look.glyph("run" if good else "fail" if not lives else "wait")
    beat_s = now - worker.beat if worker.beat is not None else None
    return Entry(
        cells={
            "id": (f"{glyph} {worker.worker_id}", ACCENT if good else WARN),
            "slots": (f"{busy}/{worker.slots}", ""),
            "stream": (look.words(state), "" if good else WARN),
            "beat": (look.span(beat_s), MUTED if lives else WARN),
            "memory": (size(worker.memory), MUTED),
            "version": (worker.version, MUTED),
            "host": (worker.host, MUTED),
        }
    )


def platforms(snapshot: Snapshot, now: float, look: Look) -> Section:
    """The platforms that tasks name or workers run, with what holds them."""
    busy = snapshot.running_by_platform()
    named = {name for worker in snapshot.workers for name in worker.platforms or []}
    used = {name for name, w in snapshot.queue.items() if w.due or w.later}
    told = set(snapshot.troubles) | set(snapshot.controls.platforms)
    names = sorted(name for name in named | used | told | set(busy) if name)[:_MOST]
    entries = [_platform(snapshot, name, busy.get(name, 0), now, look) for name in names]
    return Section(
        title=look.words("Platforms"),
        columns=(
            Column("id", 12, 24),
            Column("state", 10, 14),
            Column("runs", 5, 8, right=True),
            Column("due", 5, 7, drop=2, right=True),
            Column("rate", 7, 9, drop=1, right=True),
            Column("bad/h", 7, 12, drop=3, right=True),
        ),
        narrow=((Column("id", 12, 24), Column("state", 10, 12), Column("runs", 5, 7)), ()),
        entries=entries,
        total=len(entries),
        least=1,
    )


def _platform(snapshot: Snapshot, name: str, busy: int, now: float, look: Look) -> Entry:
    control = snapshot.controls.platform(name)
    most = snapshot.limits().get(name)
    trouble = snapshot.troubles.get(name)
    failed = trouble.failed.total(now) if trouble else 0.0
    blocked = trouble.blocked.total(now) if trouble else 0.0
    paused = control.paused or snapshot.controls.engine.paused
    state = "paused" if paused else "limit" if most is not None and busy >= most else "ok"
    if state == "ok" and not _is_run(snapshot, name, now):
        state = "no worker"
    glyph = look.glyph({"ok": "ok", "no worker": "fail"}.get(state, "paused"))
    rate = control.requests_per_minute
    waits = snapshot.queue.get(name)
    return Entry(
        cells={
            "id": (name, ""),
            "state": (f"{glyph} {look.words(state)}", ACCENT if state == "ok" else WARN),
            "runs": (f"{busy}/{most}" if most is not None else str(busy), ""),
            "due": (look.count(max(waits.due, 0)) if waits else "0", MUTED),
            "rate": (f"{rate:g}/min" if rate is not None else "", MUTED),
            "bad/h": (
                f"{look.count(failed)}" + (f" ({look.count(blocked)})" if blocked else ""),
                WARN if failed else MUTED,
            ),
        }
    )


def _is_run(snapshot: Snapshot, name: str, now: float) -> bool:
    """Whether a living worker runs the platform; true where none lives, which is told elsewhere."""
    living = [worker for worker in snapshot.workers if worker.lives(now)]
    known = [worker.platforms for worker in living if worker.platforms is not None]
    return len(known) < len(living) or not living or any(name in names for names in known)


def events(snapshot: Snapshot, now: float, look: Look, wanted: Wanted, most: int) -> Section:
    """The ticker, the latest line first."""
    latest = (happening for happening in reversed(snapshot.happenings) if wanted(happening))
    told = list(islice(latest, most))
    return Section(
        title=look.words("Events"),
        columns=(Column("when", 8, 8), Column("what", 12, 14), Column("id", 30, 200, weight=9)),
        narrow=((Column("when", 8, 8), Column("what", 11, 12), Column("id", 12, 60, weight=9)), ()),
        entries=[_event(happening, look) for happening in told],
        total=len(told),
        least=3,
        empty=look.words("nothing has happened yet"),
        counted=False,
    )


def _event(told: Happening, look: Look) -> Entry:
    style, glyph = _EVENT_STYLES.get(told.what, ("", "note"))
    label = told.label if told.label is not None else "…"
    return Entry(
        cells={
            "when": (look.clock(told.at), MUTED),
            "what": (f"{look.glyph(glyph)} {look.words(told.what)}", style),
            "id": (f"{label} {facts_text(told, look)}".rstrip(), ""),
        }
    )


def facts_text(told: Happening, look: Look) -> str:
    """What goes with an event, for people."""
    w, parts = look.words, []
    for name, value in told.facts.items():
        match name:
            case "priority":
                parts.append(str(value))
            case "immediate":
                parts.append(w("immediate") if value == "yes" else f"{w('immediate')}: no")
            case "items":
                parts.append(f"{value} {w('items')}")
            case "due":
                parts.append(f"{w('in')} {look.span(_seconds(value) - told.at)}")
            case "run_at":
                parts.append(f"run_at {w('in')} {look.span(_seconds(value) - told.at)}")
            case "by":
                parts.append(f"{w('by')} {w(str(value))}")
            case "worker":
                parts.append(f"{w('by')} {value}")
            case _:
                parts.append(str(value))
    return " ".join(parts)


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
