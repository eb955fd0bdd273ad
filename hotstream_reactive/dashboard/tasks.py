"""The tasks on show: what runs, what starts next and why not yet, what failed."""

from __future__ import annotations

from hotstream_reactive.dashboard.facts import Failure, TaskRow
from hotstream_reactive.dashboard.look import ACCENT, MUTED, WARN, Look
from hotstream_reactive.dashboard.reasons import Reason, Reasons
from hotstream_reactive.dashboard.snapshot import Snapshot
from hotstream_reactive.dashboard.table import Column, Entry, Section, Wanted

#: A beat later than this looks bad, in seconds; leases are renewed every 10 s.
_LATE_BEAT_S = 20.0
_ID = Column("id", 12, 32, weight=3)

_REASONS = {
    "": "starts now",
    "not_due": "due in",
    "backoff": "backoff",
    "engine_paused": "engine paused",
    "platform_paused": "platform paused",
    "platform_limit": "limit reached",
    "no_worker": "no worker",
    "platform_unknown": "platform unknown",
    "no_slot": "waits for a slot",
    "no_stream": "found by a sweep",
    "not_armed": "schedule not read yet",
    "not_admitted": "being admitted",
    "invalid": "invalid",
}


def running(snapshot: Snapshot, now: float, look: Look, wanted: Wanted, most: int) -> Section:
    """Tasks that run."""
    rows = [row for row in snapshot.running_rows() if wanted(row)]
    total = len(rows) + max(snapshot.running_count - len(snapshot.running), 0)
    slots = snapshot.slots(now)
    return Section(
        title=look.words("Running"),
        note=f"{snapshot.running_count}/{slots}",
        columns=(
            _ID,
            Column("name", 10, 44, drop=4, weight=4),
            Column("platform", 8, 14, drop=3),
            Column("prio", 4, 5, drop=7),
            Column("progress", 8, 28, weight=2),
            Column("%", 4, 4),
            Column("items", 9, 13, right=True),
            Column("phase", 10, 12, drop=1),
            Column("age/limit", 9, 11, drop=6, right=True),
            Column("worker", 12, 26, drop=2, weight=2),
            Column("beat", 5, 6, right=True),
        ),
        narrow=(
            (_ID, Column("age/limit", 9, 11, right=True), Column("beat", 5, 6, right=True)),
            (
                Column("prio", 4, 4),
                Column("progress", 8, 30),
                Column("%", 4, 4),
                Column("items", 9, 13, right=True),
            ),
        ),
        entries=[_running(row, now, look) for row in rows[:most]],
        total=total,
        least=3,
        empty=look.words("nothing runs"),
    )


def _running(row: TaskRow, now: float, look: Look) -> Entry:
    beat_s = now - row.beat if row.beat is not None else None
    late = beat_s is not None and beat_s > _LATE_BEAT_S
    total = look.count(row.total) if row.total else "?"
    age = f"{look.span(now - row.started if row.started else None)}/{look.span(row.timeout_s)}"
    return Entry(
        key=row.key,
        bar=row.progress,
        cells={
            "id": (f"{look.glyph('run')} {row.label}", ACCENT if not late else WARN),
            "name": (row.name, ""),
            "platform": (row.platform, MUTED),
            "prio": _priority(row),
            "%": (f"{row.progress:4.0%}", ""),
            "items": (f"{look.count(row.count)}/{total}", ""),
            "phase": (look.words(row.phase), ""),
            "age/limit": (age.rstrip("/"), MUTED),
            "worker": (row.worker, MUTED),
            "beat": (look.span(beat_s) + ("!" if late else ""), WARN if late else MUTED),
        },
    )


def waiting(snapshot: Snapshot, now: float, look: Look, wanted: Wanted, most: int) -> Section:
    """Tasks that start next, with what keeps them."""
    rows = [row for row in snapshot.waiting_rows(now) if wanted(row)]
    beyond = max(snapshot.due() + snapshot.later() - len(snapshot.waiting), 0)
    reasons = Reasons(snapshot, now)
    return Section(
        title=look.words("Next up"),
        note=look.count(len(rows) + beyond) if rows else "",
        columns=(
            _ID,
            Column("name", 10, 44, drop=3, weight=4),
            Column("platform", 8, 14, drop=2),
            Column("prio", 4, 5, drop=4),
            Column("reason", 20, 34, weight=2),
            Column("waits", 5, 6, drop=1, right=True),
        ),
        narrow=((_ID, Column("prio", 4, 4)), (Column("reason", 16, 60),)),
        entries=[_waiting(row, reasons.of(row), now, look) for row in rows[:most]],
        total=len(rows) + beyond,
        least=2,
        empty=look.words("the queue is empty"),
    )


def _waiting(row: TaskRow, why: Reason, now: float, look: Look) -> Entry:
    told = look.words(_REASONS.get(why.name, why.name))
    if why.name == "backoff":
        told += f" {row.retry}/{row.retries}" if row.retries else ""
    if why.until is not None and why.name in {"not_due", "backoff"}:
        told += f" {look.span(why.until - now)}"
    paused = why.name in {"engine_paused", "platform_paused", "platform_limit"}
    since = max(row.created or now, row.run_at or 0.0)
    bad = why.name in {"no_worker", "platform_unknown", "invalid"}
    return Entry(
        key=row.key,
        cells={
            "id": (f"{look.glyph('paused' if paused else 'wait')} {row.label}", ""),
            "name": (row.name, ""),
            "platform": (row.platform, MUTED),
            "prio": _priority(row),
            "reason": (told, WARN if bad or paused else ""),
            "waits": (look.span(now - since) if since <= now else "", MUTED),
        },
    )


def failures(snapshot: Snapshot, now: float, look: Look, wanted: Wanted, most: int) -> Section:
    """What failed lately."""
    rows = [failed for failed in snapshot.failures if wanted(failed)]
    return Section(
        title=look.words("Failures"),
        columns=(
            _ID,
            Column("when", 5, 6, drop=1, right=True),
            Column("platform", 8, 14, drop=2),
            Column("error", 20, 100, weight=6),
            Column("then", 13, 16),
        ),
        narrow=((_ID, Column("then", 13, 16)), (Column("error", 16, 60),)),
        entries=[_failure(failed, now, look) for failed in rows[:most]],
        total=len(rows),
        least=1,
    )


def _failure(failed: Failure, now: float, look: Look) -> Entry:
    w = look.words
    if failed.later:
        then = (w(failed.later), MUTED)
    elif failed.retry_at is None:
        then = (f"{look.glyph('fail')} {w('final')}", WARN)
    elif failed.retry_at > now:
        then = (f"{look.glyph('retry')} {w('retry in')} {look.span(failed.retry_at - now)}", "")
    else:
        then = (w("retried"), MUTED)
    error = f"{failed.kind}: {failed.message}" if failed.message else failed.kind
    return Entry(
        key=failed.key if failed.key is not None else ("failed", failed.label),
        cells={
            "id": (f"{look.glyph('fail')} {failed.label}", WARN),
            "when": (look.span(now - failed.at), MUTED),
            "platform": (failed.platform, MUTED),
            "error": (error, ""),
            "then": then,
        },
    )


def _priority(row: TaskRow) -> tuple[str, str]:
    mark = "!" if row.immediate else ""
    return (f"p{row.priority or '?'}{mark}", "bold" if row.urgent else MUTED)
