"""The snapshot for programs: one tree of plain values, and the same as lines to grep."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from hotstream_reactive.dashboard.facts import Happening, TaskRow, WorkerRow
from hotstream_reactive.dashboard.reasons import Reasons
from hotstream_reactive.dashboard.snapshot import Snapshot
from hotstream_reactive.text import clean

_MOST_WAITING = 50


def as_tree(snapshot: Snapshot, now: float) -> dict[str, Any]:
    """Everything on the screen as values that JSON knows; times are ISO 8601, ages seconds."""
    reasons = Reasons(snapshot, now)
    waiting = snapshot.waiting_rows(now)[:_MOST_WAITING]
    return {
        "at": iso(now),
        "server": _server(snapshot),
        "totals": _totals(snapshot, now),
        "running": [_running(row, now) for row in snapshot.running_rows()],
        "next_up": [
            {**_task(row), "run_at": iso(row.run_at), "reason": reasons.of(row).name or None}
            for row in waiting
        ],
        "failures": [
            {
                "task_id": failed.label,
                "platform": failed.platform,
                "at": iso(failed.at),
                "kind": failed.kind,
                "message": failed.message,
                "retry_at": iso(failed.retry_at),
                "since": failed.later or None,
            }
            for failed in snapshot.failures
        ],
        "workers": [_worker(worker, now) for worker in snapshot.workers],
        "platforms": _platforms(snapshot, now),
        "events": [happening(told) for told in snapshot.happenings],
    }


def lines(tree: Mapping[str, Any]) -> Iterator[str]:
    """The tree as lines ``kind name=value …``, one for each thing."""
    yield f"server at={tree['at']} {pairs(tree['server'])}"
    yield f"totals {pairs(tree['totals'])}"
    for kind in ("running", "next_up", "failures", "workers", "platforms", "events"):
        for thing in tree[kind]:
            yield f"{kind.removesuffix('s')} {pairs(thing)}"


def pairs(values: Mapping[str, Any]) -> str:
    """``name=value`` for each value that is known; texts with spaces are quoted as in JSON."""
    return " ".join(f"{name}={_plain(v)}" for name, v in values.items() if v not in (None, ""))


def happening(told: Happening) -> dict[str, Any]:
    """One event as values."""
    facts = {
        name: iso(value) if name in {"due", "run_at"} and isinstance(value, float) else value
        for name, value in told.facts.items()
    }
    return {"at": iso(told.at), "what": told.what, "task_id": told.label, **facts}


def event_line(told: Happening) -> str:
    """One event as a line of a log."""
    values = happening(told)
    at, what, task = values.pop("at"), values.pop("what"), values.pop("task_id")
    rest = pairs(values)
    return f"{at} {what.replace(' ', '_')} task={_plain(task or '?')} {rest}".rstrip()


def summary_line(snapshot: Snapshot, now: float) -> str:
    """All numbers in one line of a log."""
    return f"{iso(now)} summary stream={_plain(snapshot.stream)} {pairs(_totals(snapshot, now))}"


def iso(at: float | None) -> str | None:
    """A time as ISO 8601 in UTC with milliseconds."""
    if at is None:
        return None
    try:
        moment = datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _server(snapshot: Snapshot) -> dict[str, Any]:
    server = snapshot.server
    return {
        "host": server.host,
        "database": server.database,
        "replica_set": server.replica_set,
        "primary": server.primary,
        "members_seen": server.seen,
        "members": server.members,
        "clock_ahead_s": None if server.ahead_s is None else round(server.ahead_s, 3),
    }


def _totals(snapshot: Snapshot, now: float) -> dict[str, Any]:
    known = snapshot.queue_known
    half, most = snapshot.pickups.at(0.5), snapshot.pickups.at(0.99)
    return {
        "due": snapshot.due() if known else None,
        "scheduled": snapshot.later() if known else None,
        "held": snapshot.held() if known else None,
        "oldest_due_age_s": _age(snapshot.oldest_due(), now),
        "running": snapshot.running_count,
        "slots": snapshot.slots(now),
        "done_last_hour": int(snapshot.done.total(now)),
        "failed_last_hour": int(snapshot.failed.total(now)),
        "items_last_hour": int(snapshot.items.total(now)),
        "tasks_per_minute": int(snapshot.done.per_minute(now)),
        "items_per_minute": int(snapshot.items.per_minute(now)),
        "pickup_p50_s": None if half is None else round(half, 4),
        "pickup_p99_s": None if most is None else round(most, 4),
        "pickup_by": "stream" if snapshot.pickups_by_stream else "created_at",
    }


def _task(row: TaskRow) -> dict[str, Any]:
    return {
        "task_id": row.label,
        "name": row.name,
        "platform": row.platform,
        "priority": row.priority,
        "immediate": bool(row.immediate),
    }


def _running(row: TaskRow, now: float) -> dict[str, Any]:
    return {
        **_task(row),
        "progress": round(row.progress, 4),
        "phase": row.phase,
        "items": row.count,
        "wanted": row.total,
        "age_s": _age(row.started, now),
        "timeout_s": row.timeout_s,
        "worker": row.worker,
        "beat_age_s": _age(row.beat, now),
    }


def _worker(worker: WorkerRow, now: float) -> dict[str, Any]:
    return {
        "id": worker.worker_id,
        "host": worker.host,
        "version": worker.version,
        "slots": worker.slots,
        "stream": worker.stream,
        "alive": worker.lives(now),
        "draining": worker.draining,
        "memory_bytes": worker.memory,
        "beat_age_s": _age(worker.beat, now),
    }


def _platforms(snapshot: Snapshot, now: float) -> list[dict[str, Any]]:
    busy, limits = snapshot.running_by_platform(), snapshot.limits()
    named = {name for worker in snapshot.workers for name in worker.platforms or []}
    told = {*snapshot.queue, *snapshot.troubles, *snapshot.controls.platforms, *busy}
    found = []
    for name in sorted(name for name in named | told if name):
        control, waits = snapshot.controls.platform(name), snapshot.queue.get(name)
        trouble = snapshot.troubles.get(name)
        found.append(
            {
                "name": name,
                "paused": control.paused or snapshot.controls.engine.paused,
                "running": busy.get(name, 0),
                "max_running": limits.get(name),
                "due": max(waits.due, 0) if waits else 0,
                "scheduled": max(waits.later, 0) if waits else 0,
                "requests_per_minute": control.requests_per_minute,
                "failures_last_hour": int(trouble.failed.total(now)) if trouble else 0,
                "blocks_last_hour": int(trouble.blocked.total(now)) if trouble else 0,
            }
        )
    return found


def _age(at: float | None, now: float) -> float | None:
    return None if at is None else round(max(now - at, 0.0), 1)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = clean(str(value), 500)
    bare = text and not any(c in text for c in " \"'=\\")
    return text if bare else json.dumps(text, ensure_ascii=False)
