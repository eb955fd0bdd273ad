"""A recorder in this process, on a real server, with both drivers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from history_lab import Lab
from pymongo.database import Database

from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.indexes import ensure_indexes
from hotstream_reactive.settings import MongoSettings


@pytest.fixture
def driver() -> Any:
    """The default one; tests of what differs between the drivers ask for both."""
    return "motor"


@pytest.fixture
async def lab(
    mongo_server: Any, sync_database: Database[dict[str, Any]], driver: Any
) -> AsyncIterator[Lab]:
    settings = MongoSettings(uri=mongo_server.uri, database=sync_database.name, driver=driver)
    mongo = Mongo(settings, app_name="hotstream/test")
    await mongo.connect()
    assert await ensure_indexes(mongo, runs_retention_days=30) == []
    yield Lab(mongo, sync_database)
    await mongo.close()
