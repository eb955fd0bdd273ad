"""Reads of the database, taken into the snapshot.

A read is the truth of its moment. Events that the stream brought since are newer and stay.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from hotstream_reactive.dashboard.facts import (
    COMPLETED,
    PENDING,
    RUNNING,
    Document,
    Failure,
    Happening,
    TaskRow,
    WorkerRow,
    failure,
    key_of,
    moment,
    number,
    split_error,
    task_row,
    whole,
    word,
)
from hotstream_reactive.dashboard.snapshot import (
    LIVE,
    MOST_FAILURES,
    MOST_WAITING,
    Snapshot,
)
from hotstream_reactive.model.controls import decode
from hotstream_reactive.mongo.board import MOST_HISTORY, BoardRead
from hotstream_reactive.text import clean, redact

#: A document and a run that failed within this long are the same failure.
_SAME_FAILURE_S = 5.0
_OUTCOMES = {"completed": "completed", "failed": "failed", "retry": "retry", "rescued": "rescued"}
_SHOWN_AS = {**_OUTCOMES, "cancelled": "cancelled", "lease_lost": "lease lost"}


def apply_read(snapshot: Snapshot, read: BoardRead) -> None:
    """Take in a read."""
    snapshot.revision += 1
    snapshot.read_at = read.now
    snapshot.read_order = read.order
    server = snapshot.server
    topology = read.topology
    server.replica_set, server.primary = topology.replica_set, topology.primary
    server.seen, server.members, server.sharded = topology.seen, topology.members, topology.sharded
    server.ahead_s = read.ahead_s
    parts = read.parts
    snapshot.workers = [_worker(document) for document in parts.get("workers", [])]
    snapshot.controls, _ = decode(parts.get("controls", []))
    _running(snapshot, parts.get("running", []), read)
    _waiting(snapshot, [*parts.get("ready", []), *parts.get("delayed", [])], read)
    if "runs" in parts or "failed" in parts or "bad_runs" in parts:
        _failures(snapshot, parts.get("bad_runs", []), parts.get("failed", []))
        _ticker(snapshot, parts.get("runs", []))
    if not snapshot.pickups_by_stream:
        _pickups(snapshot, parts.get("ended", []))
    snapshot.gone = {key: order for key, order in snapshot.gone.items() if order > read.order}


def apply_totals(snapshot: Snapshot, documents: Iterable[Document], *, order: int) -> None:
    """Take in the numbers of waiting tasks, which hold what happened up to `order`."""
    snapshot.revision += 1
    snapshot.queue = {}
    snapshot.queue_known = True
    snapshot.queue_order = order
    for document in documents:
        waiting = snapshot.of_platform(word(document.get("platform")))
        count, since = whole(document.get("number")) or 0, moment(document.get("since"))
        if document.get("later") is True:
            waiting.later += count
            continue
        waiting.due += count
        if since is not None:
            waiting.since = since if waiting.since is None else min(since, waiting.since)


def apply_history(
    snapshot: Snapshot, documents: Sequence[Document], *, now: float, order: int
) -> None:
    """Take in the finished runs of the last hour, which hold what ended up to `order`."""
    snapshot.revision += 1
    snapshot.history_known = True
    snapshot.history_order = order
    snapshot.history_cut = sum(whole(d.get("number")) or 0 for d in documents) >= MOST_HISTORY
    ended = {"completed": snapshot.done, "failed": snapshot.failed}
    for outcome, rate in ended.items():
        found = [d for d in documents if d.get("outcome") == outcome]
        rate.load(_by_minute(found, "number"), latest=_latest(found, "number"), now=now)
    snapshot.items.load(_by_minute(documents, "items"), latest=_latest(documents, "items"), now=now)
    snapshot.troubles = {}
    bad = [d for d in documents if d.get("outcome") in {"failed", "retry", "rescued"}]
    for platform in {word(d.get("platform")) for d in bad}:
        found = [d for d in bad if word(d.get("platform")) == platform]
        troubles = snapshot.troubles_of(platform)
        troubles.failed.load(_by_minute(found, "number"), latest=0.0, now=now)
        troubles.blocked.load(_by_minute(found, "blocked"), latest=0.0, now=now)


def apply_tasks(snapshot: Snapshot, documents: Iterable[Document]) -> None:
    """Give names to tasks of which only events were seen."""
    snapshot.revision += 1
    names: dict[Hashable, str] = {}
    for document in documents:
        read = task_row(document)
        if read.task_id is None:
            read.task_id = ""
        names[read.key] = read.task_id
        row = snapshot.find(read.key)
        if row is None:
            snapshot.put(read)
        else:
            _name(row, read)
    for told in snapshot.happenings:
        if told.label is None:
            told.label = names.get(told.key)


def unnamed(snapshot: Snapshot, most: int) -> list[Happening]:
    """The latest lines of the ticker whose task is not known by its id yet."""
    latest = list(snapshot.happenings)[-most:]
    for told in latest:
        if told.label is None:
            row = snapshot.find(told.key)
            told.label = row.task_id if row is not None else None
    return [told for told in latest if told.label is None and told.what != "deleted"]


def _running(snapshot: Snapshot, documents: Sequence[Document], read: BoardRead) -> None:
    fresh = {row.key: row for row in _newest(snapshot, documents, read, RUNNING)}
    newer = {key: row for key, row in snapshot.running.items() if row.order > read.order}
    polled = snapshot.stream != LIVE and snapshot.happened > 0
    for row in fresh.values():
        if polled and row.key not in snapshot.running:
            snapshot.tell("claimed", row, row.started or read.now, worker=row.worker)
    snapshot.running = fresh | newer
    snapshot.running_count = len(snapshot.running)
    for key in snapshot.running:
        snapshot.waiting.pop(key, None)


def _waiting(snapshot: Snapshot, documents: Sequence[Document], read: BoardRead) -> None:
    fresh = {row.key: row for row in _newest(snapshot, documents, read, PENDING)}
    newer = {key: row for key, row in snapshot.waiting.items() if row.order > read.order}
    if snapshot.stream != LIVE and snapshot.happened > 0:
        for row in fresh.values():
            new = snapshot.find(row.key) is None and (row.created or 0.0) > read.now - 60
            if new:
                snapshot.tell("inserted", row, row.created or read.now, platform=row.platform)
    waiting = fresh | newer
    snapshot.waiting = dict(list(waiting.items())[: 2 * MOST_WAITING])


def _newest(
    snapshot: Snapshot, documents: Iterable[Document], read: BoardRead, status: int
) -> Iterable[TaskRow]:
    """The rows of a read, except where an event has told something newer."""
    for document in documents:
        row = task_row(document)
        known = snapshot.find(row.key)
        if snapshot.gone.get(row.key, 0) > read.order and (known is None or known.status != status):
            continue
        if known is None:
            row.order = read.order
            yield row
            continue
        _name(known, row)
        if known.order > read.order:
            if known.status == status:
                yield known
            continue
        row.order = read.order
        if status == RUNNING and row.count > known.counted and known.status == RUNNING:
            snapshot.items.add(read.now, row.count - known.counted)
        row.counted = max(known.counted, row.counted)
        row.timeout_s = row.timeout_s or known.timeout_s
        yield row


def _name(row: TaskRow, read: TaskRow) -> None:
    """Take over what events do not tell."""
    if row.task_id is None:
        row.task_id, row.name, row.platform = read.task_id, read.name, read.platform
        row.task_type, row.worker = read.task_type, row.worker or read.worker
        row.priority, row.immediate = read.priority, read.immediate
        row.created, row.timeout_s, row.schedule = read.created, read.timeout_s, read.schedule
    row.total = read.total if read.total is not None else row.total
    row.timeout_s = row.timeout_s or read.timeout_s
    row.retries = row.retries if row.retries is not None else read.retries


def _worker(document: Document) -> WorkerRow:
    platforms, limits = document.get("platforms"), document.get("limits")
    running = document.get("running")
    return WorkerRow(
        worker_id=clean(str(document["_id"]), 128),
        host=word(document.get("host")),
        version=word(document.get("version"), 30),
        slots=whole(document.get("slots")) or 0,
        express_slots=whole(document.get("express_slots")) or 0,
        running=len(running) if isinstance(running, list) else whole(running) or 0,
        beat=moment(document.get("heartbeat")),
        started=moment(document.get("started_at")),
        stream=word(document.get("stream"), 20) or "off",
        platforms=[word(name) for name in platforms] if isinstance(platforms, list) else None,
        limits={
            clean(name, 64): most
            for name, most in (limits if isinstance(limits, dict) else {}).items()
            if isinstance(most, int) and most > 0
        },
        draining=document.get("draining") is True,
        memory=whole(document.get("memory_bytes")),
        silent_after_s=number(document.get("silent_after_s")) or 15.0,
        check_interval_s=number(document.get("check_interval_s")) or 10.0,
        priority_check_interval_s=number(document.get("priority_check_interval_s")) or 3.0,
    )


def _failures(snapshot: Snapshot, runs: Iterable[Document], documents: Iterable[Document]) -> None:
    found = [_run_failure(run) for run in runs if run.get("outcome") in {"failed", "retry"}]
    for document in documents:
        row = task_row(document)
        at = row.completed or row.created or 0.0
        same = next(
            (f for f in found if f.label == row.task_id and abs(f.at - at) < _SAME_FAILURE_S), None
        )
        if same is None:
            found.append(failure(row, at))
        else:
            same.key, same.document_id, same.later = row.key, row.document_id, ""
    known = {(f.label, round(f.at / _SAME_FAILURE_S)) for f in snapshot.failures}
    new = [f for f in found if (f.label, round(f.at / _SAME_FAILURE_S)) not in known]
    merged = sorted([*snapshot.failures, *new], key=lambda f: -f.at)[:MOST_FAILURES]
    snapshot.failures.clear()
    snapshot.failures.extend(merged)


def _run_failure(run: Document) -> Failure:
    at = moment(run.get("finished_at")) or 0.0
    kind, message = split_error(clean(redact(str(run.get("error") or "")), 300))
    wait_s = number(run.get("retry_in_s"))
    return Failure(
        at=at,
        label=word(run.get("task_id")),
        platform=word(run.get("platform")),
        kind=kind,
        message=message,
        retry_at=at + (wait_s or 0.0) if run.get("outcome") == "retry" else None,
        # A failed run whose task is not among those that failed for good has got another chance.
        later="" if run.get("outcome") == "retry" else "put back",
    )


def _ticker(snapshot: Snapshot, runs: Sequence[Document]) -> None:
    """Fill the ticker from the history, at first, and always when there is no stream."""
    if snapshot.stream == LIVE and snapshot.happened > 0:
        return
    last = snapshot.ended_at
    for run in reversed(runs):
        at = moment(run.get("finished_at"))
        what = _SHOWN_AS.get(str(run.get("outcome")))
        if at is None or what is None or at <= last:
            continue
        snapshot.ended_at = max(snapshot.ended_at, at)
        row = TaskRow(key=key_of(run["_id"]), document_id=None, task_id=word(run.get("task_id")))
        kind, _ = split_error(clean(redact(str(run.get("error") or "")), 300))
        items = whole(run.get("result_count")) if what == "completed" else None
        snapshot.tell(what, row, at, items=items, error=kind if what != "completed" else None)


def _pickups(snapshot: Snapshot, documents: Iterable[Document]) -> None:
    """How long first runs waited, by the writer's own `created_at`, for want of anything better."""
    snapshot.pickups = type(snapshot.pickups)()
    for document in documents:
        if document.get("run_number") != 1 or document.get("status") != COMPLETED:
            continue
        created, started = moment(document.get("created_at")), moment(document.get("started_at"))
        if created is None or started is None:
            continue
        waited_s = started - max(created, moment(document.get("run_at")) or 0.0)
        if 0.0 <= waited_s < 3600.0:
            snapshot.pickups.add(waited_s)


def _by_minute(documents: Iterable[Document], field: str) -> list[tuple[int, float]]:
    return [
        (whole(document.get("minute")) or 0, number(document.get(field)) or 0.0)
        for document in documents
    ]


def _latest(documents: Iterable[Document], field: str) -> float:
    return sum(number(d.get(field)) or 0.0 for d in documents if d.get("latest") is True)
