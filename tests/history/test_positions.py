"""Where a recorder goes on: after another one, after itself, and after lost history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from history_lab import Lab, kinds, task, until

from hotstream_reactive.errors import HistoryLost
from hotstream_reactive.mongo.history import HistoryKeeper

pytestmark = pytest.mark.anyio
BOTH_DRIVERS = pytest.mark.parametrize("driver", ["motor", "pymongo"])
LATER = datetime(2040, 1, 1, tzinfo=UTC)


@BOTH_DRIVERS
async def test_it_goes_on_where_it_ended(lab: Lab) -> None:
    async with lab.recording("first"):
        lab.tasks.insert_one(task("a"))
        await lab.recorded(1)
    lab.tasks.update_one({"_id": "a"}, {"$set": {"priority": 1}})
    lab.tasks.delete_one({"_id": "a"})
    async with lab.recording("second"):
        records = await lab.recorded(3)
    assert kinds(records) == ["inserted", "promoted", "deleted"]


async def test_only_one_worker_records(lab: Lab) -> None:
    async with lab.recording("first"):
        assert await lab.keeper().take_seat("second", silent_s=2.0) is None
        for number in range(20):
            lab.tasks.insert_one(task(f"t{number}"))
        await lab.recorded(20)
    assert len(lab.records()) == 20
    # One that stops hands the seat on at once.
    assert await lab.keeper().take_seat("second", silent_s=1000.0) is not None


async def test_a_recorder_that_was_replaced_writes_nothing(lab: Lab) -> None:
    keeper = lab.keeper()
    await keeper.prepare()
    seat = await keeper.take_seat("first", silent_s=0.0)
    await anyio.sleep(0.01)
    other = await keeper.take_seat("second", silent_s=0.0)
    assert seat is not None
    assert other is not None
    record = {"_id": "1", "task_id": "a", "at": LATER, "kind": "edited"}
    assert not await keeper.commit(seat, {"_data": "1"}, [record])
    assert lab.records() == []
    assert await keeper.commit(other, {"_data": "1"}, [record])
    assert await keeper.commit(other, {"_data": "1"}, [record]), "again is harmless"
    assert len(lab.records()) == 1


@pytest.mark.parametrize(
    "token",
    [{"_data": "garbage"}, {"_data": "82"}, "no token"],
)
async def test_a_position_that_is_of_no_use_gives_a_gap(lab: Lab, token: Any) -> None:
    async with lab.recording():
        lab.tasks.insert_one(task("a"))
        await lab.recorded(1)
    lab.database.history_state.update_one({}, {"$set": {"token": token}})
    lab.tasks.update_one({"_id": "a"}, {"$set": {"priority": 1}})
    async with lab.recording():
        lab.tasks.delete_one({"_id": "a"})
        records = await lab.recorded(3)
    assert kinds(records) == ["inserted", "gap", "deleted"]
    assert records[1]["reason"]
    assert lab.happened("recorder_gap") == 1
    assert lab.happened("recorder_failed") == 0


async def test_an_older_position_doubles_nothing(lab: Lab) -> None:
    """As after a restored backup of the state."""
    async with lab.recording():
        await until(lambda: lab.database.history_state.find_one({"token": {"$ne": None}}))
        old = lab.database.history_state.find_one()
        lab.tasks.insert_one(task("a"))
        lab.tasks.update_one({"_id": "a"}, {"$set": {"priority": 1}})
        before = await lab.recorded(2)
    assert old is not None
    lab.database.history_state.update_one({}, {"$set": {"token": old["token"]}})
    async with lab.recording():
        lab.tasks.delete_one({"_id": "a"})
        records = await lab.recorded(3)
    assert records[:2] == before
    assert kinds(records) == ["inserted", "promoted", "deleted"]


async def test_history_lost_while_reading_gives_one_gap(lab: Lab) -> None:
    class Forgetful(HistoryKeeper):
        lost = False

        async def open(self, token: Any) -> Any:
            feed = await super().open(token)
            if not Forgetful.lost:
                Forgetful.lost = True

                async def lose() -> None:
                    raise HistoryLost("rolled off")

                feed.next = lose  # type: ignore[method-assign,assignment]
            return feed

    async with lab.recording(keeper=Forgetful(lab.mongo, retention_days=14)):
        await until(lambda: lab.happened("recorder_began") == 2)
        lab.tasks.insert_one(task("a"))
        records = await lab.recorded(2)
    assert kinds(records) == ["gap", "inserted"]


@BOTH_DRIVERS
async def test_a_dropped_collection_is_a_gap_and_the_next_one_is_recorded(lab: Lab) -> None:
    async with lab.recording():
        lab.tasks.insert_one(task("a"))
        lab.tasks.drop()
        lab.tasks.insert_one(task("b"))
        records = await lab.recorded(3)
    assert kinds(records) == ["inserted", "gap", "inserted"]
    assert records[2]["task_id"] == "b"


async def test_records_expire_and_the_retention_can_be_changed(lab: Lab) -> None:
    for days in (14, 3):
        await HistoryKeeper(lab.mongo, retention_days=days).prepare()
        index = lab.database.task_history.index_information()["expiry"]
        assert index["expireAfterSeconds"] == days * 86_400
