"""Workers with a platform that blocks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from daemon_lab import Daemon, daemons
from pymongo.database import Database

PLUGINS = Path(__file__).parent / "plugins"


@pytest.fixture
def start(mongo_server: Any, database_name: str, tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Starts workers with heartbeats every second; all are gone at the end."""
    with daemons(mongo_server.uri, database_name, tmp_path, PLUGINS) as start:

        def quick(name: str, **settings: object) -> Daemon:
            return start(
                name,
                **{
                    "scheduler_heartbeat_interval": 1,
                    "scheduler_zombie_timeout": 5,
                    "scheduler_retry_base_delay": 0.1,
                    **settings,
                },
            )

        yield quick


@pytest.fixture
def insert(sync_database: Database[dict[str, Any]]) -> Callable[..., None]:
    """Writes a task as an external application does."""

    def write(task_id: str, keyword: str, **fields: Any) -> None:
        sync_database.tasks.insert_one(
            {"task_id": task_id, "platform": "blocker", "keywords": [keyword], **fields}
        )

    return write
