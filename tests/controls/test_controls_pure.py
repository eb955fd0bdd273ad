"""The pure parts: controls of any shape, limits, slots, buckets and holds of any document."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Decimal128, Int64
from hypothesis import given, settings
from hypothesis import strategies as st

from hotstream_reactive.model.controls import (
    Control,
    Controls,
    decode,
    limits_in_force,
    places_left,
    room,
)
from hotstream_reactive.model.holds import holds
from hotstream_reactive.model.pace import HORIZON_S, Turn, burst, local_interval_s
from hotstream_reactive.model.situation import Lease, Situation, WorkerState
from hotstream_reactive.model.slots import free_slots, ordinary_slots
from hotstream_reactive.text import clean

#: A busy machine is no reason to fail.
quick = settings(max_examples=60, deadline=None)
NOW = datetime(2025, 6, 1, tzinfo=UTC)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2**62)
    | st.floats()
    | st.text(max_size=8)
    | st.datetimes()
    | st.sampled_from([Decimal128("NaN"), Decimal128("2"), Int64(3), b"x"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
platforms = st.sampled_from(["twitter", "medium", "a.b", "$x"])
control_ids = st.sampled_from(["engine", "platform:", "platform:twitter", "x"]) | values
control_documents = st.fixed_dictionaries(
    {"_id": control_ids},
    optional=dict.fromkeys(
        ("paused", "max_running", "requests_per_minute", "reason", "note"), values
    ),
)
limits = st.dictionaries(platforms, st.integers(0, 5))


@pytest.mark.parametrize("number", [2, 2.0, Int64(2), Decimal128("2")])
def test_any_whole_number_is_an_integer(number: Any) -> None:
    controls, complaints = decode([{"_id": "platform:x", "max_running": number}])
    assert controls.platform("x").max_running == 2
    assert complaints == []


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("paused", 1, "paused: 1, expected true or false"),
        ("max_running", -1, "max_running: -1, expected an integer from 0 to 100000"),
        ("max_running", 2.5, "max_running: 2.5, expected an integer from 0 to 100000"),
        (
            "requests_per_minute",
            0,
            "requests_per_minute: 0, expected a number from 0.01 to 60000",
        ),
        ("reason", 7, "reason: 7, expected a text of 1 to 500 characters"),
    ],
)
def test_a_wrong_field_is_left_out_and_named(field: str, value: Any, expected: str) -> None:
    document = {"_id": "platform:x", "paused": True, "max_running": 3, "reason": "r"}
    controls, complaints = decode([{**document, field: value}])
    assert [(one.control, one.problem) for one in complaints] == [("platform:x", expected)]
    good = {k: v for k, v in document.items() if k not in {field, "_id"}}
    assert controls.platform("x") == Control(**good)


@quick
@given(st.lists(control_documents, max_size=5))
def test_no_document_breaks_decoding(documents: list[dict[str, Any]]) -> None:
    controls, complaints = decode(documents)
    for control in controls.by_id().values():
        assert isinstance(control.paused, bool)
        assert control.max_running is None or 0 <= control.max_running <= 100_000
        rate = control.requests_per_minute
        assert rate is None or 0.01 <= rate <= 60_000
    for one in complaints:
        assert (one.problem, one.control) == (clean(one.problem, 10_000), clean(one.control))
    assert decode(documents) == (controls, complaints)


@quick
@given(limits, st.dictionaries(platforms, st.none() | st.integers(0, 5)), limits)
def test_room_is_what_limits_and_pauses_leave(
    defaults: dict[str, int], said: dict[str, int | None], running: dict[str, int]
) -> None:
    named = {n: Control(max_running=m, paused=m == 3) for n, m in said.items()}
    controls = Controls(platforms=named)
    in_force = limits_in_force(controls, defaults)
    assert all(most > 0 for most in in_force.values())
    for name in {*defaults, *said}:
        wanted = said.get(name) if said.get(name) is not None else defaults.get(name, 0)
        assert in_force.get(name, 0) == wanted
    left = room(controls, in_force, running)
    for name, places in left.items():
        if controls.platform(name).paused:
            assert places == 0
        else:
            assert places == max(0, in_force[name] - running.get(name, 0))
    assert left.keys() == in_force.keys() | {n for n, c in named.items() if c.paused}
    assert places_left(in_force, {}) == in_force


@quick
@given(st.integers(1, 50), st.integers(0, 60), st.data())
def test_ordinary_tasks_never_fill_the_express_lane(
    slots: int, express: int, data: st.DataObject
) -> None:
    running = data.draw(st.integers(0, slots))
    ordinary = data.draw(st.integers(0, running))
    urgent = free_slots(slots, express, running=running, ordinary=ordinary, urgent=True)
    other = free_slots(slots, express, running=running, ordinary=ordinary, urgent=False)
    assert other <= urgent == slots - running
    assert 1 <= ordinary_slots(slots, express) <= slots


@quick
@given(st.floats(0.01, 60_000), st.floats(0, 1e5), st.integers(0, 100))
def test_buckets_and_waits_are_within_bounds(rate: float, wait_s: float, workers: int) -> None:
    assert burst(rate) >= 1
    assert burst(rate) <= max(1.0, rate)
    assert local_interval_s(rate, workers) * rate >= 59.9
    turn = Turn(granted=False, wait_s=wait_s)
    assert 0 < turn.ask_again_s <= max(wait_s, HORIZON_S)


task_documents = st.fixed_dictionaries(
    {"_id": values, "task_id": st.just("t") | values, "platform": st.just("twitter") | values},
    optional={
        "keywords": st.just(["x"]) | values,
        "status": st.integers(0, 4) | values,
        "schedule": st.just("0 9 * * *") | values,
        "run_at": st.just(NOW + timedelta(hours=1)) | values,
        **dict.fromkeys(
            (
                "priority",
                "immediate",
                "created_at",
                "worker_id",
                "last_heartbeat",
                "error_message",
                "current_retry",
                "completed_at",
            ),
            values,
        ),
    },
)
worker_states = st.builds(
    WorkerState,
    worker_id=st.sampled_from(["w1", "w2"]),
    slots=st.integers(0, 3),
    express_slots=st.integers(0, 3),
    platforms=st.none() | st.lists(platforms, max_size=2),
    limits=limits,
    stream=st.sampled_from(["live", "degraded", "off"]),
    draining=st.booleans(),
)
leases = st.builds(
    Lease,
    task_id=st.text(max_size=5),
    platform=platforms,
    worker_id=st.sampled_from(["w1", "w2", "gone"]),
    urgent=st.booleans(),
)
situations = st.builds(
    Situation,
    now=st.just(NOW),
    controls=st.lists(control_documents, max_size=3).map(lambda found: decode(found)[0]),
    workers=st.lists(worker_states, max_size=3),
    leases=st.lists(leases, max_size=4),
    ahead=st.integers(0, 5),
)


@quick
@given(task_documents, situations)
def test_no_document_and_no_situation_breaks_explaining(
    document: dict[str, Any], situation: Situation
) -> None:
    found = holds(document, situation)
    names = [hold.name for hold in found]
    assert len(set(names)) == len(names)
    assert all("\x1b" not in hold.reason and "\n" not in hold.reason for hold in found)
    waits = not {"running", "completed", "failed", "cancelled", "invalid"} & set(names)
    if waits:
        assert ("engine_paused" in names) == situation.controls.engine.paused
        left = room(situation.controls, situation.limits, situation.running())
        held = left.get(document["platform"], 1) == 0
        assert held == bool({"platform_paused", "platform_limit"} & set(names))
    else:
        assert len(found) == 1
