"""Fixtures of all tests. MongoDB is always a real server: see `mongo_server`."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import logging
import os
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from hotstream_reactive.errors import EmbeddedMongoError
from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet

pytest_plugins = ["tests.fault_report"]

DOCKER_IMAGE = "mongo:7.0"
DOCKER_TIMEOUT_S = 2
SERVER_TIMEOUT_S = 10

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MongoServer:
    """A replica set the tests may write to."""

    uri: str


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Asynchronous tests (`pytest.mark.anyio`) run on asyncio: motor knows nothing else."""
    return "asyncio", {}


@pytest.fixture(scope="session")
def mongo_server() -> Iterator[MongoServer]:
    """HOTSTREAM_TEST_MONGODB_URI, else a container when Docker answers, else the embedded set."""
    with contextlib.ExitStack() as stack:
        uri = os.environ.get("HOTSTREAM_TEST_MONGODB_URI")
        if not uri and _docker_answers():
            try:
                uri = stack.enter_context(_mongo_in_docker())
            except Exception as error:  # noqa: BLE001,RUF100  # an image that cannot be had, for one
                log.warning("Docker gave no MongoDB (%s): taking the embedded one", error)
        failure = ""
        if not uri:
            try:
                uri = stack.enter_context(EmbeddedReplicaSet()).uri
            except EmbeddedMongoError as error:
                failure = str(error)
        if not uri:
            pytest.fail(
                "the tests need MongoDB: set HOTSTREAM_TEST_MONGODB_URI to a replica set, "
                f"or start Docker, or mend this: {failure}",
                pytrace=False,
            )
        yield MongoServer(uri)


@pytest.fixture(scope="session")
def sync_client(mongo_server: MongoServer) -> Iterator[MongoClient[dict[str, Any]]]:
    """A plain client, as an external application has one."""
    with MongoClient[dict[str, Any]](
        mongo_server.uri, serverSelectionTimeoutMS=SERVER_TIMEOUT_S * 1000
    ) as client:
        failure = ""
        try:
            if "setName" not in client.admin.command("hello"):
                failure = "is no replica set: change streams need one"
        except PyMongoError as error:
            failure = f"does not answer: {error}"
        if failure:
            pytest.fail(f"MongoDB at {mongo_server.uri} {failure}", pytrace=False)
        yield client


@pytest.fixture
def database_name(sync_client: MongoClient[dict[str, Any]]) -> Iterator[str]:
    """A database of this test alone, dropped at its end."""
    name = f"hotstream_test_{uuid.uuid4().hex[:12]}"
    yield name
    sync_client.drop_database(name)


@pytest.fixture
def sync_database(
    sync_client: MongoClient[dict[str, Any]], database_name: str
) -> Database[dict[str, Any]]:
    """The database as the external application of a test sees it: plain pymongo."""
    return sync_client[database_name]


def _docker_answers() -> bool:
    if not importlib.util.find_spec("testcontainers"):
        return False
    import docker  # type: ignore[import-untyped,unused-ignore]  # has no types

    with warnings.catch_warnings():
        # The client forgets to close its socket when nobody answers, which would fail some test.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            with contextlib.closing(docker.from_env(timeout=DOCKER_TIMEOUT_S)) as engine:
                engine.ping()
        except Exception as error:  # noqa: BLE001,RUF100  # whatever it is, Docker is of no use
            log.info("no Docker: %s", error)
            answers = False
        else:
            answers = True
        gc.collect()
    return answers


@contextlib.contextmanager
def _mongo_in_docker() -> Iterator[str]:
    from testcontainers.mongodb import MongoDbContainer

    class ReplicaSetContainer(MongoDbContainer):
        def _configure(self) -> None:
            """Without a root user: authentication in a replica set would need a key file."""

    container = ReplicaSetContainer(DOCKER_IMAGE).with_command("--replSet hotstream --bind_ip_all")
    with container:
        address = f"{container.get_container_host_ip()}:{container.get_exposed_port(27017)}"
        # Direct, as the member's name in the set means something in the container only.
        uri = f"mongodb://{address}/?directConnection=true"
        with MongoClient[dict[str, Any]](uri) as client:
            members = [{"_id": 0, "host": "localhost:27017"}]
            client.admin.command("replSetInitiate", {"_id": "hotstream", "members": members})
            # Waits for the primary: until there is one, a write is refused and tried again.
            for attempts_left in reversed(range(100)):
                try:
                    client.hotstream_test.ready.insert_one({})
                    break
                except PyMongoError:
                    if not attempts_left:
                        raise
        yield uri
