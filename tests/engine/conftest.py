"""A workshop on a database of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from loguru import logger
from pymongo import AsyncMongoClient
from workshop import Workshop, scheduler

from hotstream_reactive.settings import MongoSettings, Settings


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    """Without loguru's own sink, which writes every traceback in colour."""
    with contextlib.suppress(ValueError):
        logger.remove(0)


@pytest.fixture
async def lab(mongo_server: Any, database_name: str) -> AsyncIterator[Workshop]:
    settings = Settings(
        mongodb=MongoSettings(uri=mongo_server.uri, database=database_name), scheduler=scheduler()
    )
    async with AsyncMongoClient[dict[str, Any]](mongo_server.uri, tz_aware=True) as client:
        yield Workshop(settings, client)
