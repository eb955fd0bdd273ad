"""Fixtures: a follower of a real server, and servers of other kinds."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from subprocess import PIPE, Popen
from typing import Any

import anyio
import pytest
from follow_lab import PASSWORD, Follow, Followed
from pymongo import MongoClient

from hotstream_reactive.mongo.board import Board
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.embedded import find_mongod
from hotstream_reactive.mongo.mongod import HOST, free_ports
from hotstream_reactive.settings import MongoSettings


@pytest.fixture
def follow(mongo_server: Any, database_name: str) -> Follow:
    """Follows a database, that of the test unless another address is given."""

    @asynccontextmanager
    async def following(
        uri: str = mongo_server.uri, name: str = database_name
    ) -> AsyncIterator[Followed]:
        settings = MongoSettings(uri=uri, database=name, driver="pymongo")
        mongo = Mongo(settings, app_name="hotstream/test")
        try:
            await mongo.connect()
            followed = Followed(Board(mongo))
            async with anyio.create_task_group() as group:
                group.start_soon(followed.follower.run)
                yield followed
                group.cancel_scope.cancel()
        finally:
            await mongo.close()

    return following


@pytest.fixture(scope="session")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of a server without change streams, which asks for a password.

    Users: `root`, and `reader`, who may only read.
    """
    [port] = free_ports(1)
    folder = tmp_path_factory.mktemp("standalone")
    command = [find_mongod(), "--auth", "--nounixsocket", "--bind_ip", HOST, "--port", str(port)]
    # It must not outlive the tests, even when they are killed: its keeper holds the other end.
    keeper = (
        "import subprocess, sys; p = subprocess.Popen(sys.argv[1:]); sys.stdin.read(); p.kill()"
    )
    kept = [sys.executable, "-c", keeper, *map(str, command), "--dbpath", str(folder)]
    with (folder / "mongod.out").open("wb") as log, Popen(kept, stdin=PIPE, stdout=log) as process:
        try:
            uri = f"mongodb://{HOST}:{port}/"
            for name, role in (("root", "root"), ("reader", "readAnyDatabase")):
                with MongoClient[dict[str, Any]](uri) as client:
                    client.admin.command("createUser", name, pwd=PASSWORD, roles=[role])
                uri = f"mongodb://root:{PASSWORD}@{HOST}:{port}/"
            yield f"{HOST}:{port}"
        finally:
            assert process.stdin is not None
            process.stdin.close()
