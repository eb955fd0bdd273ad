"""Daemons on the server of the session, or on a server that a test may break."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from daemons import Document, Yard, yard
from pymongo import MongoClient
from pymongo.database import Database

from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet


@pytest.fixture
def fleet(mongo_server: Any, sync_database: Database[Document], tmp_path: Path) -> Iterator[Yard]:
    """Daemons on the server that all tests use."""
    with yard(tmp_path, mongo_server.uri, sync_database) as place:
        yield place


@pytest.fixture(scope="session")
def failing_server() -> Iterator[EmbeddedReplicaSet]:
    """A server that fails when told to."""
    args = ["--setParameter", "enableTestCommands=1"]
    with EmbeddedReplicaSet(mongod_args=args) as server:
        yield server


@pytest.fixture
def fragile(failing_server: EmbeddedReplicaSet, tmp_path: Path) -> Iterator[Yard]:
    """Daemons on a server of which a test may restart the node or let commands fail."""
    name = f"hotstream_test_{uuid.uuid4().hex[:12]}"
    with (
        MongoClient[Document](failing_server.uri) as client,
        yard(tmp_path, failing_server.uri, client[name]) as place,
    ):
        yield place
        client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
        place.close()
        client.drop_database(name)
