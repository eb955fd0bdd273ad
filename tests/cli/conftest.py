"""The real command line against a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import Cli, bare_environment
from tests.conftest import MongoServer


@pytest.fixture
def offline(tmp_path: Path) -> Cli:
    """Without any database configured."""
    return Cli(tmp_path, bare_environment())


@pytest.fixture
def cli(offline: Cli, mongo_server: MongoServer, database_name: str) -> Cli:
    """With the database of this test."""
    offline.env |= {"MONGODB_URI": mongo_server.uri, "MONGODB_DATABASE": database_name}
    return offline
