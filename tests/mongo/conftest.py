"""Both drivers against a real server: every test here runs once with motor, once with pymongo."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from shelf import Document, stores_of

from hotstream_reactive.mongo.claims import Claims
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import DriverName
from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet
from hotstream_reactive.mongo.indexes import ensure_indexes
from hotstream_reactive.settings import MongoSettings

Connect = Callable[..., Awaitable[Mongo]]


@pytest.fixture(params=["motor", "pymongo"])
def driver(request: pytest.FixtureRequest) -> DriverName:
    return request.param


@pytest.fixture
async def connect(
    mongo_server: Any, database_name: str, driver: DriverName
) -> AsyncIterator[Connect]:
    """Makes connections like those of so many processes; all are closed at the end."""
    async with AsyncExitStack() as stack:

        async def make(uri: str = mongo_server.uri, **settings: Any) -> Mongo:
            mongo = Mongo(
                MongoSettings(uri=uri, database=database_name, driver=driver, **settings),
                app_name="hotstream/test",
            )
            stack.push_async_callback(mongo.close)
            await mongo.connect()
            return mongo

        yield make


@pytest.fixture
async def mongo(connect: Connect) -> AsyncIterator[Mongo]:
    """A connection to a database without indexes, where everything works, only slower."""
    yield await connect()


@pytest.fixture
async def indexed(mongo: Mongo) -> AsyncIterator[Mongo]:
    """A connection to a database with all indexes."""
    assert await ensure_indexes(mongo, runs_retention_days=30) == []
    yield mongo


@pytest.fixture
def claims(mongo: Mongo) -> Claims:
    return stores_of(mongo).claims


@pytest.fixture(scope="session")
def failing_server() -> Iterator[EmbeddedReplicaSet]:
    """A server that fails when told to."""
    args = ["--setParameter", "enableTestCommands=1"]
    with EmbeddedReplicaSet(mongod_args=args) as server:
        yield server


@pytest.fixture
def failing_client(failing_server: EmbeddedReplicaSet) -> Iterator[MongoClient[Document]]:
    with MongoClient[Document](failing_server.uri) as client:
        yield client


@pytest.fixture
def failing_database(
    failing_client: MongoClient[Document], database_name: str
) -> Iterator[Database[Document]]:
    yield failing_client[database_name]
    failing_client.drop_database(database_name)


@pytest.fixture
def failing(failing_client: MongoClient[Document]) -> Any:
    """`with failing(["update"], closeConnection=True):` lets commands fail, once unless told."""

    @contextmanager
    def fail(commands: list[str], *, times: int | None = 1, **how: Any) -> Iterator[None]:
        mode: Any = {"times": times} if times else "alwaysOn"
        data = {"failCommands": commands, "appName": "hotstream/test", **how}
        admin = failing_client.admin
        admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})
        try:
            yield
        finally:
            admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    return fail
