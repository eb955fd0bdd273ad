from __future__ import annotations

from typing import Any

import pytest
from fleet_lab import Lab, scheduler_settings
from pymongo.database import Database

from hotstream_reactive.settings import MongoSettings, Settings


@pytest.fixture
def lab(mongo_server: Any, sync_database: Database[dict[str, Any]]) -> Lab:
    settings = Settings(
        mongodb=MongoSettings(uri=mongo_server.uri, database=sync_database.name),
        scheduler=scheduler_settings(),
    )
    return Lab(settings, sync_database)
