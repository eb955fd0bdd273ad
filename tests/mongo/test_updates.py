"""A plain update where one will do, a pipeline where something is computed: both set the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from hotstream_reactive.mongo.updates import literal, setting

Document = dict[str, Any]
VALUES: Document = {
    "number": 1.5,
    "nothing": None,
    "list": [1, {"$y": 2}],
    "of a field": "$number",
    "odd names": {"$x": 1, "a.b": {"": "$$NOW"}},
}


@pytest.mark.parametrize(
    "fields",
    [
        {"status": 1, "error": None, "done": True},
        {"status": 1, "at": "$$NOW"},
        {"at": "$$NOW"},
        literal(VALUES),
        {**literal(VALUES), "at": "$$NOW"},
    ],
    ids=str,
)
def test_a_plain_update_sets_what_a_pipeline_would(
    sync_database: Database[Document], fields: Document
) -> None:
    update = setting(fields)
    assert isinstance(update, dict)
    stored = []
    for form in (update, [{"$set": fields}]):
        sync_database.tasks.insert_one({"_id": 1, "status": 0, "error": "old"})
        sync_database.tasks.update_one({"_id": 1}, form)
        stored.append(sync_database.tasks.find_one_and_delete({"_id": 1}))
    times = [document.pop("at", None) for document in stored]
    assert stored[0] == stored[1]
    if "at" in fields:
        assert abs(times[0] - times[1]) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "value",
    ["$other", {"$add": ["$other", 1]}, {"$literal": 1, "$add": [1]}, "$$ROOT"],
    ids=str,
)
def test_what_is_computed_stays_a_pipeline(value: Any) -> None:
    fields = {"status": 1, "at": "$$NOW", "value": value}
    assert setting(fields) == [{"$set": fields}]


def test_the_time_is_the_servers(sync_database: Database[Document]) -> None:
    sync_database.tasks.insert_one({"_id": 1})
    before = sync_database.command("hello")["localTime"]
    sync_database.tasks.update_one({"_id": 1}, setting({"at": "$$NOW"}))
    after = sync_database.command("hello")["localTime"]
    document = sync_database.tasks.find_one({"_id": 1})
    assert document
    assert before <= document["at"].replace(tzinfo=before.tzinfo) <= after
    assert document["at"].replace(tzinfo=UTC) <= datetime.now(UTC) + timedelta(minutes=1)
