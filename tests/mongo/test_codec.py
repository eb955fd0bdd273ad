"""Any document a writer managed to store can be read, with either driver."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import encode
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from shelf import Document, orderly, stores_of

from hotstream_reactive.errors import ConfigError, DatabaseError, DatabaseUnavailable
from hotstream_reactive.model.task import admit
from hotstream_reactive.mongo.client import Mongo, check_uri
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.settings import MongoSettings

pytestmark = pytest.mark.anyio
Tasks = Database[Document]


async def test_broken_utf8_is_read_with_replacements(mongo: Mongo, sync_database: Tasks) -> None:
    raw = encode(orderly("a", name="QQQQ"))
    sync_database.tasks.insert_one(RawBSONDocument(raw.replace(b"QQQQ", b"ab\xff\xfe")))
    document = await stores_of(mongo).claims.claim_one("a")
    assert document
    assert admit(document).name == "ab\ufffd\ufffd"


async def test_dates_beyond_the_calendar_are_read(mongo: Mongo, sync_database: Tasks) -> None:
    sync_database.tasks.insert_one(orderly("a", created_at=DatetimeMS(2**60)))
    documents = await mongo.tasks.find({}).to_list(None)
    assert documents[0]["created_at"] == DatetimeMS(2**60)


async def test_times_are_in_utc(mongo: Mongo, sync_database: Tasks) -> None:
    moment = datetime(2025, 5, 30, 12, 38, tzinfo=UTC)
    sync_database.tasks.insert_one(orderly("a", created_at=moment))
    [document] = await mongo.driver.aggregate(mongo.tasks, [{"$match": {}}])
    assert document["created_at"] == moment
    assert document["created_at"].utcoffset().total_seconds() == 0


async def test_the_server_is_known_after_connecting(mongo: Mongo) -> None:
    assert mongo.server
    assert mongo.server.reactive
    assert mongo.transactional
    assert mongo.server.topology.startswith("replica set ")


async def test_closing_twice_is_fine(connect: Any) -> None:
    mongo = await connect()
    await mongo.close()
    await mongo.close()


async def test_nobody_there_is_told_soon_and_without_the_password(driver: Any) -> None:
    uri = "mongodb://user:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=300&replicaSet=rs0"
    mongo = Mongo(MongoSettings(uri=uri, driver=driver), app_name="hotstream/test")
    with pytest.raises(DatabaseUnavailable) as caught:
        await mongo.connect()
    await mongo.close()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://user:p@ss@word@db/",
        "mongodb://user:hunter2@/",
        "mongodb://user:hunter2@db:port/",
    ],
)
async def test_an_address_that_cannot_be_used_is_refused_without_the_password(
    driver: Any, uri: str
) -> None:
    for attempt in (
        lambda: check_uri(uri),
        lambda: Mongo(MongoSettings(uri=uri, driver=driver), app_name="hotstream/test"),
    ):
        with pytest.raises(ConfigError) as caught:
            attempt()
        assert "hunter2" not in str(caught.value)
        assert "p@ss" not in str(caught.value)


def test_a_value_that_cannot_be_encoded_is_an_error_of_ours() -> None:
    for value in (object(), 2**70, "\ud800", {1: 2}):
        with pytest.raises(DatabaseError), translated("testing"):
            encode({"value": value})
