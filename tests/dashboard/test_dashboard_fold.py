"""Events and reads, folded into the snapshot: pure, and in bounded memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import HOSTILE, NOW, Stage, date

from hotstream_reactive.dashboard.apply import (
    apply_history,
    apply_read,
    apply_tasks,
    apply_totals,
    unnamed,
)
from hotstream_reactive.dashboard.facts import split_error, word
from hotstream_reactive.dashboard.rates import Rate, Spread
from hotstream_reactive.dashboard.snapshot import MOST_HAPPENINGS, MOST_WAITING, READS_ONLY
from hotstream_reactive.mongo.board import BoardRead, Topology


def read(*, order: int = 10_000, now: float = NOW, **parts: list[dict[str, Any]]) -> BoardRead:
    return BoardRead(
        now=now, asked_at=0.0, ahead_s=0.0, order=order, topology=Topology(), parts=parts
    )


def document(key: str, **fields: Any) -> dict[str, Any]:
    return {"_id": key, "task_id": key, "platform": "twitter", "priority": 5, **fields}


def test_a_task_from_insert_to_completion() -> None:
    stage = Stage()
    snapshot = stage.snapshot
    stage.insert("t1")
    assert (snapshot.due(), snapshot.running_count, list(snapshot.waiting)) == (1, 0, ["t1"])
    stage.claim("t1", at=0.004)
    assert (snapshot.due(), snapshot.running_count, list(snapshot.running)) == (0, 1, ["t1"])
    stage.update("t1", at=1, progress=0.35, result_count=40)
    row = snapshot.running["t1"]
    assert (row.phase, row.count, row.total, row.beat) == ("collecting", 40, 100, NOW + 1)
    stage.update("t1", at=2, status=2, progress=1.0, result_count=100, completed_at=date(NOW + 2))
    assert (snapshot.running_count, snapshot.done.total(NOW + 2)) == (0, 1)
    assert snapshot.items.total(NOW + 2) == 100
    assert snapshot.pickups.at(0.5) == pytest.approx(0.004, abs=1e-3)
    assert stage.told() == ["inserted t1", "claimed t1", "completed t1"]


def test_promotion_names_what_was_and_what_is() -> None:
    stage = Stage()
    stage.insert("t1")
    stage.update("t1", priority=1)
    stage.update("t1", immediate=True)
    stage.update("t1", priority=7)
    first, second, third = list(stage.snapshot.happenings)[1:]
    assert (first.what, first.facts) == ("promoted", {"priority": "5→1", "by": "edit"})
    assert (second.what, second.facts["immediate"]) == ("promoted", "yes")
    assert (third.what, third.facts) == ("edited", {"priority": "1→7"})


def test_a_promoted_task_comes_first() -> None:
    stage = Stage()
    for n in range(5):
        stage.insert(f"t{n}", at=n)
    stage.update("t4", priority=1)
    assert stage.snapshot.waiting_rows(NOW + 9)[0].key == "t4"


def test_defaults_given_by_a_worker_are_nobodys_edit() -> None:
    stage = Stage()
    stage.insert("t1", priority=None, immediate=None)
    stage.update("t1", priority=5, immediate=False, created_at=date(NOW))
    assert stage.told() == ["inserted t1"]


def test_a_retry_is_a_failure_with_a_time() -> None:
    stage = Stage()
    stage.insert("t1")
    stage.claim("t1", at=1)
    stage.update(
        "t1", at=2, status=0, current_retry=1, run_at=date(NOW + 12), error_message="timeout: slow"
    )
    failed = stage.snapshot.failures[0]
    assert (failed.kind, failed.message, failed.retry_at) == ("timeout", "slow", NOW + 12)
    assert (stage.snapshot.later(), stage.snapshot.due()) == (1, 0)
    assert stage.told()[-1] == "retry t1"
    stage.claim("t1", at=12)
    assert failed.later == "runs again"


def test_items_of_a_retry_are_counted_once() -> None:
    stage = Stage()
    stage.insert("t1")
    stage.claim("t1", at=1)
    stage.update("t1", at=2, progress=0.3, result_count=60)
    stage.update("t1", at=3, status=0, current_retry=1, error_message="timeout: slow")
    stage.claim("t1", at=4)
    stage.update("t1", at=5, progress=0.3, result_count=60)
    stage.update("t1", at=6, progress=0.4, result_count=80)
    assert stage.snapshot.items.total(NOW + 6) == 80


def test_a_schedule_completes_and_waits_again() -> None:
    stage = Stage()
    stage.insert("t1", schedule="0 * * * *")
    stage.claim("t1", at=1)
    stage.update(
        "t1", at=2, status=0, completed_at=date(NOW + 2), progress=1.0, run_at=date(NOW + 3600)
    )
    assert stage.told()[-2:] == ["completed t1", "scheduled t1"]
    assert (stage.snapshot.later(), stage.snapshot.running_count) == (1, 0)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"status": 3, "error_message": "Oops: x"}, "failed t1"),
        ({"status": 4}, "cancelled t1"),
        ({"status": 0, "rescues": 1, "error_message": "rescued: worker w"}, "rescued t1"),
        ({"status": 0, "error_message": "handed back: its worker"}, "handed back t1"),
    ],
)
def test_how_a_run_may_end(fields: dict[str, Any], told: str) -> None:
    stage = Stage()
    stage.insert("t1")
    stage.claim("t1", at=1)
    stage.update("t1", at=2, **fields)
    assert stage.told()[-1] == told
    assert (stage.snapshot.running_count, stage.snapshot.running) == (0, {})


def test_put_back_by_an_edit() -> None:
    stage = Stage()
    stage.insert("t1")
    stage.claim("t1", at=1)
    stage.update("t1", at=2, status=3, error_message="Oops: x")
    stage.update("t1", at=3, status=0)
    assert stage.told()[-1] == "put back t1"
    assert (stage.snapshot.due(), stage.snapshot.failures[0].later) == (1, "put back")


def test_a_deleted_task_is_gone() -> None:
    stage = Stage()
    stage.insert("t1")
    stage.event("delete", "t1")
    assert (stage.snapshot.due(), stage.snapshot.waiting) == (0, {})
    assert stage.told()[-1] == "deleted t1"


def test_an_old_read_does_not_bring_back_what_events_took_away() -> None:
    stage = Stage()
    for key in ("t1", "t2", "t3"):
        stage.insert(key)
    stage.claim("t1")
    stage.event("delete", "t2")
    ready = [document(key, status=0) for key in ("t1", "t2", "t3")]
    apply_read(stage.snapshot, read(order=3, ready=ready))
    assert list(stage.snapshot.waiting) == ["t3"]
    assert list(stage.snapshot.running) == ["t1"]


def test_a_newer_read_wins() -> None:
    stage = Stage()
    stage.insert("t1")
    stage.claim("t1")
    apply_read(stage.snapshot, read(running=[document("t2", status=1, result_count=5)]))
    assert list(stage.snapshot.running) == ["t2"]
    # What the read has shown already, the event tells the ticker only.
    stage.update("t2", progress=0.1, result_count=3)
    assert stage.snapshot.running["t2"].count == 5


def test_an_event_of_an_unknown_task_asks_for_its_name() -> None:
    stage = Stage()
    stage.update("t9", priority=1)
    assert stage.snapshot.wanting
    assert [told.key for told in unnamed(stage.snapshot, 20)] == ["t9"]
    apply_tasks(stage.snapshot, [document("t9", status=0)])
    assert stage.told() == ["promoted t9"]


def test_totals_and_history_replace_what_was_guessed() -> None:
    stage = Stage()
    stage.insert("t1")
    since = date(NOW - 90)
    totals = [
        {"platform": "twitter", "later": False, "number": 7, "since": since},
        {"platform": "twitter", "later": True, "number": 2},
    ]
    apply_totals(stage.snapshot, totals, order=99)
    assert (stage.snapshot.due(), stage.snapshot.later()) == (7, 2)
    assert stage.snapshot.oldest_due() == NOW - 90
    stage.insert("t2")  # counted by the read already
    assert stage.snapshot.due() == 7
    minute = int(NOW // 60)
    history = [
        {"minute": minute - 3, "outcome": "completed", "platform": "x", "number": 4, "items": 40},
        {"minute": minute, "outcome": "failed", "platform": "x", "number": 1, "latest": True},
    ]
    apply_history(stage.snapshot, history, now=NOW, order=99)
    assert (stage.snapshot.done.total(NOW), stage.snapshot.failed.total(NOW)) == (4, 1)
    assert stage.snapshot.troubles["x"].failed.total(NOW) == 1


def test_reads_alone_tell_what_happens() -> None:
    stage = Stage()
    stage.snapshot.stream = READS_ONLY
    stage.insert("t0")
    runs = [{"_id": "l1", "task_id": "t5", "outcome": "completed", "finished_at": date(NOW + 5)}]
    apply_read(stage.snapshot, read(running=[document("t7", status=1)], runs=runs, now=NOW + 6))
    assert stage.told()[1:] == ["claimed t7", "completed t5"]


@pytest.mark.parametrize("kind", ["insert", "update", "replace"])
def test_whatever_a_writer_writes_is_taken_in(kind: str) -> None:
    stage = Stage()
    odd: list[Any] = [None, "x", -1, 2**70, 1.5, float("nan"), True, [], {}, HOSTILE, date(NOW)]
    names = ("status", "priority", "immediate", "progress", "result_count", "run_at", "limit")
    for place, value in enumerate(odd):
        for name in (*names, "task_id", "name", "started_at", "error_message", "timeout"):
            stage.event(kind, place, **{name: value})
    for key in ({"a": 1}, float("nan"), None, b"x", ("t",)):
        stage.event(kind, key, status=0)
        stage.event("delete", key)
    stage.screen()


@given(st.lists(st.tuples(st.sampled_from("idpcfrx"), st.integers(0, 8)), max_size=60))
def test_numbers_never_contradict_the_rows(steps: list[tuple[str, int]]) -> None:
    stage = Stage()
    for place, (step, key) in enumerate(steps):
        state = stage.snapshot.find(key)
        status = state.status if state else None
        if step == "i" and state is None:
            stage.insert(key, at=place)
        elif step == "c" and status == 0:
            stage.claim(key, at=place)
        elif step == "p" and status == 1:
            stage.update(key, at=place, progress=0.5)
        elif step == "f" and status == 1:
            stage.update(key, at=place, status=2, result_count=1)
        elif step == "r" and status == 1:
            stage.update(key, at=place, status=0, current_retry=1, error_message="timeout: x")
        elif step == "x" and status in {0, 1}:
            stage.update(key, at=place, status=4)
        elif step == "d" and state is not None:
            stage.event("delete", key, at=place)
    snapshot = stage.snapshot
    assert snapshot.due() + snapshot.later() == len(snapshot.waiting)
    assert snapshot.running_count == len(snapshot.running)


def test_memory_is_bounded() -> None:
    stage = Stage()
    for n in range(30_000):
        stage.insert(n, platform=f"p{n % 500}")
        if n % 3 == 0:
            stage.claim(n)
        if n % 6 == 0:
            stage.update(n, status=3, error_message="Oops: x")
    snapshot = stage.snapshot
    assert len(snapshot.waiting) <= 2 * MOST_WAITING
    assert len(snapshot.happenings) == MOST_HAPPENINGS
    for kept, most in (
        (snapshot.running, 600),
        (snapshot.known, 3_000),
        (snapshot.inserted, 20_000),
        (snapshot.gone, 3_000),
        (snapshot.queue, 51),
        (snapshot.troubles, 51),
        (snapshot.failures, 20),
    ):
        assert len(kept) <= most
    assert snapshot.due() == 20_000


def test_rates() -> None:
    rate = Rate()
    for second in range(0, 7_200, 10):
        rate.add(NOW + second)
    end = NOW + 7_190
    assert rate.per_minute(end) == pytest.approx(6, abs=1)
    assert rate.total(end) == pytest.approx(360, abs=6)
    assert rate.minutes(end, 3)[:2] == [6, 6]
    assert rate.per_minute(end + 3_600) == 0
    assert rate.total(end + 7_200) == 0


def test_spread() -> None:
    spread = Spread()
    assert spread.at(0.5) is None
    for value in range(5_000):
        spread.add(float(value))
    assert len(spread) == Spread.MOST
    assert (spread.at(0.5), spread.at(0.99)) == (4_500.0, 4_990.0)


def test_the_class_of_an_error() -> None:
    assert split_error("rate_limited: HTTP 429") == ("rate_limited", "HTTP 429")
    assert split_error("TypeError: no") == ("TypeError", "no")
    assert split_error("invalid task: priority: 'high'") == ("invalid", "priority: 'high'")
    assert split_error("something broke: badly") == ("error", "something broke: badly")
    assert split_error("") == ("", "")
    assert word(HOSTILE) != HOSTILE and word(5) == ""
