"""The checker finds what it is there to find: each promise is broken once, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from checker import Step, check
from pymongo.database import Database

Document = dict[str, Any]
T0 = datetime(2025, 5, 30, tzinfo=UTC)
GOOD = [
    Step("start", "a", 1, "l1", 1, 1.0),
    Step("step", "a", 1, "l1", 1, 2.0),
    Step("start", "a", 2, "l2", 2, 3.0),
    Step("end", "a", 2, "l2", 2, 4.0),
]


def run(number: int, outcome: str, **fields: Any) -> Document:
    return {
        "_id": f"l{number}",
        "task_id": "a",
        "run_number": number,
        "claimed_at": T0 + timedelta(seconds=number),
        "outcome": outcome,
        **fields,
    }


@pytest.fixture
def world(sync_database: Database[Document]) -> Database[Document]:
    """A task that was rescued once and completed with two items."""
    sync_database.tasks.insert_one({"task_id": "a", "status": 2, "result_count": 2})
    sync_database.task_runs.insert_many([run(1, "rescued"), run(2, "completed")])
    sync_database.data_items.insert_many(
        [{"platform": "p", "id": str(n), "task_id": "a", "task_ids": ["a"]} for n in range(2)]
    )
    return sync_database


def found(world: Database[Document], ledger: list[Step] = GOOD, **known: Any) -> str:
    known = {"expected_items": 2} | known
    return "; ".join(check(world, ["a"], ledger, **known).violations)


def test_a_good_world(world: Database[Document]) -> None:
    verdict = check(world, ["a"], GOOD, expected_items=2)
    assert verdict.figures() == {
        "tasks": 1,
        "lost": 0,
        "items": 2,
        "runs": 2,
        "repeated": 1,
        "late_steps": 0,
        "violations": 0,
    }


@pytest.mark.parametrize("change", [{"$set": {"status": 1}}, None], ids=["unfinished", "gone"])
def test_a_lost_task(world: Database[Document], change: Document | None) -> None:
    if change:
        world.tasks.update_one({"task_id": "a"}, change)
    else:
        world.tasks.delete_many({})
    assert "lost: a" in found(world)


def test_an_item_that_is_stored_twice(world: Database[Document]) -> None:
    world.data_items.insert_one({"platform": "p", "id": "1", "task_id": "a", "task_ids": ["a"]})
    assert "twice" in found(world)


def test_a_count_that_is_not_that_of_the_items(world: Database[Document]) -> None:
    world.tasks.update_one({"task_id": "a"}, {"$set": {"result_count": 3}})
    assert "count: a says 3, 2" in found(world)


def test_items_that_are_missing(world: Database[Document]) -> None:
    assert "items: a has 2, not 5" in found(world, expected_items={"a": 5})


def test_claims_out_of_order(world: Database[Document]) -> None:
    world.task_runs.update_one({"_id": "l1"}, {"$set": {"claimed_at": T0 + timedelta(seconds=9)}})
    assert "order: a" in found(world)


def test_two_runs_of_one_number(world: Database[Document]) -> None:
    world.task_runs.insert_one({**run(2, "failed"), "_id": "l3"})
    assert "order: a" in found(world)


def test_two_completions(world: Database[Document]) -> None:
    world.task_runs.insert_one(run(3, "completed"))
    assert "completed twice: a" in found(world)


def test_two_owners_of_one_run(world: Database[Document]) -> None:
    assert "two leases" in found(world, [*GOOD, Step("start", "a", 3, "l9", 2, 5.0)])


def test_a_step_of_a_run_that_another_has_followed(world: Database[Document]) -> None:
    late = [*GOOD, Step("step", "a", 1, "l1", 1, 5.0)]
    assert "overlap: a run 1" in found(world, late)
    assert found(world, late, paused=[1]) == "", "the step that was under way may still be taken"
    assert "overlap" in found(world, [*late, Step("step", "a", 1, "l1", 1, 6.0)], paused=[1])
