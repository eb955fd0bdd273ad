"""What every benchmark stands on: a real replica set, workers in processes, a no-op platform."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import anyio
from pymongo import AsyncMongoClient, MongoClient

from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet
from hotstream_reactive.mongo.indexes import TASK_INDEXES

#: The adapter stamps its first line, and where it was stopped, on the system's monotonic clock,
#: which all processes of a machine share. `hold` keeps the slot, `items` yields so many records.
PLUGIN = """
import time
import anyio
from hotstream_reactive import DataExtractor, DataItem, PlatformAdapter

class Noop(PlatformAdapter):
    platform_name = "noop"

    def stamp(self, word, options):
        if options.get("file"):
            with open(options.get("file"), "a") as file:
                file.write(f"{word} {self.context.task_id} {time.monotonic()}\\n")

    async def search(self, keywords, options):
        if keywords[0] != "x":
            self.stamp("began", options)
        if keywords[0] == "hold":
            try:
                await anyio.sleep_forever()
            finally:
                self.stamp("stopped", options)
        if keywords[0] == "items":
            for n in range(options.limit):
                yield {"id": f"noop_{n}", "text": "x" * 280, "likes": n}


class NoopExtractor(DataExtractor):
    platform_name = "noop"

    async def extract(self, raw_data):
        return DataItem(
            id=raw_data["id"],
            platform="noop",
            content=raw_data["text"],
            author="somebody",
            metadata={"likes": raw_data["likes"]},
            raw_data=raw_data,
        )
"""


class Stamp(NamedTuple):
    """A line of the adapter: the monotonic moment at which a run ``began`` or was ``stopped``."""

    word: str
    task_id: str
    at: float


def stamps(path: Path) -> list[Stamp]:
    """What adapters have stamped so far, in the order in which it happened."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Stamp(word, task_id, float(at)) for word, task_id, at in map(str.split, lines)]


async def lines(path: Path, number: int, *, within_s: float = 60.0) -> None:
    """Wait until a file has so many lines, looking at its size alone while nothing happens.

    Raises:
        TimeoutError: it has fewer after `within_s` seconds.
    """
    size = -1
    with anyio.fail_after(within_s):
        while True:
            if (now := path.stat().st_size) != size:
                size = now
                if path.read_bytes().count(b"\n") >= number:
                    return
            await anyio.sleep(0.001)


@contextmanager
def server() -> Iterator[str]:
    """A fresh single-node replica set at default durability; gives its address."""
    with EmbeddedReplicaSet(cache_gb=1.0) as mongo:
        yield mongo.uri


def server_version(uri: str) -> str:
    """The version of the server behind the address."""
    with MongoClient[dict[str, Any]](uri) as asked:
        return str(asked.server_info()["version"])


@asynccontextmanager
async def client(uri: str) -> AsyncIterator[Any]:
    """The bare driver, for the floor and for the outside program."""
    made: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri, w="majority", tz_aware=True)
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def workers(
    uri: str, database: str, *, number: int = 1, driver: str, **scheduler: Any
) -> AsyncIterator[list[int]]:
    """So many `start-daemon` processes with the no-op platform; gives their process ids."""
    with tempfile.TemporaryDirectory(prefix="hotstream-bench-") as folder:
        (Path(folder) / "noop.py").write_text(PLUGIN, encoding="utf-8")
        environ = {
            **os.environ,
            "HOTSTREAM_MONGODB_URI": uri,
            "HOTSTREAM_MONGODB_DATABASE": database,
            "HOTSTREAM_MONGODB_DRIVER": driver,
            "HOTSTREAM_PLUGINS_PLUGIN_DIRS": folder,
            "HOTSTREAM_FRAMEWORK_LOG_LEVEL": "ERROR",
            **{
                f"HOTSTREAM_SCHEDULER_{key.upper()}": str(value) for key, value in scheduler.items()
            },
        }
        processes = [
            await anyio.open_process(
                [sys.executable, "-m", "hotstream_reactive", "start-daemon"],
                stdin=None,
                stdout=None,
                stderr=None,
                env=environ,
                cwd=folder,
            )
            for _ in range(number)
        ]
        try:
            async with client(uri) as mongo:
                while (
                    await mongo[database].workers.count_documents({"stream": {"$exists": 1}})
                    < number
                ):
                    await anyio.sleep(0.05)
                # Every worker has read the register once all are in it.
                await anyio.sleep(6.0 if number > 1 else 0.5)
            yield [process.pid for process in processes]
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                await process.wait()


def task(task_id: str, *, n: int = 0, **fields: Any) -> Mapping[str, Any]:
    """A task document as an external program writes it; `n` keeps the order of creation."""
    now = datetime.now(UTC) + timedelta(milliseconds=n)
    return {
        "task_id": task_id,
        "name": task_id,
        "platform": "noop",
        "task_type": "search",
        "keywords": ["x"],
        "status": 0,
        "priority": 5,
        "immediate": False,
        "options": {"limit": 1},
        "storage_config": {"type": "mongodb"},
        "retry_count": 3,
        "current_retry": 0,
        "timeout": 3600,
        "created_at": now,
        "updated_at": now,
        **fields,
    }


async def fill(database: Any, number: int, **fields: Any) -> None:
    """Insert so many tasks, called `t0`, `t1` … with `prefix`, in their order of creation."""
    prefix = fields.pop("prefix", "t")
    for first in range(0, number, 5000):
        await database.tasks.insert_many(
            [task(f"{prefix}{n}", n=n, **fields) for n in range(first, min(number, first + 5000))],
            ordered=False,
        )


async def make_indexes(database: Any) -> None:
    """The indexes of the product, for the floor too."""
    await database.tasks.create_indexes(TASK_INDEXES)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, in seconds (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Resident memory of a process in MiB (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
