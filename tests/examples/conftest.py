"""A worker for the example programs, with a platform that needs no site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon_lab import Daemon, daemons

PLATFORM = """
import anyio
from hotstream_reactive import DataItem, PermanentError, PlatformAdapter


class NearAdapter(PlatformAdapter):
    platform_name = "near"

    async def search(self, keywords, options):
        if keywords == ["broken"]:
            raise PermanentError("no such thing")
        for n in range(3):
            yield DataItem(
                id=f"{self.context.task_id}_{n}",
                platform="near",
                content=keywords[0],
                url="https://near.example/" if n else "javascript:alert(1)",
            )
            # Stores what was yielded, so that it is seen before the end.
            await self.context.save_checkpoint({"n": n})
            if keywords == ["slow"] and n == 1:
                await anyio.sleep_forever()
"""


@pytest.fixture
def worker(
    mongo_server: Any, database_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Daemon]:
    """A worker that runs tasks of the platform `near`; programs find its database."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "near.py").write_text(PLATFORM)
    monkeypatch.setenv("MONGODB_URI", mongo_server.uri)
    monkeypatch.setenv("MONGODB_DATABASE", database_name)
    monkeypatch.setenv("PLATFORM", "near")
    with daemons(mongo_server.uri, database_name, tmp_path, plugins) as start:
        yield start("w")
