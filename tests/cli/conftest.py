"""The real command line against a real server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.command import Cli
from tests.conftest import MongoServer


@pytest.fixture
def offline(tmp_path: Path) -> Cli:
    """Without any database configured."""
    ours = ("HOTSTREAM_", "MONGODB_", "WORKER_ID", "COLUMNS", "FORCE_COLOR", "NO_COLOR")
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) or name == "HOTSTREAM_MONGOD"
    }
    root = str(Path(__file__).parents[2])
    return Cli(tmp_path, env | {"PYTHONPATH": root, "TERM": "xterm"})


@pytest.fixture
def cli(offline: Cli, mongo_server: MongoServer, database_name: str) -> Cli:
    """With the database of this test."""
    offline.env |= {"MONGODB_URI": mongo_server.uri, "MONGODB_DATABASE": database_name}
    return offline
