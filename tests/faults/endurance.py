"""What storm and soak have in common: a producer that counts acknowledged tasks, and a report."""

from __future__ import annotations

import json
import os
import platform
import random
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from daemons import Document, Yard, slow_task
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from hotstream_reactive.version import __version__

TERMINAL = {"$in": [2, 3, 4]}
#: After the last fault everything must have ended within this time.
SETTLE_S = 180.0


def number(name: str, default: float) -> float:
    """A number from the environment."""
    return float(os.environ.get(name) or default)


class Producer:
    """Inserts tasks at an even rate, as an application that retries does; never a task twice."""

    def __init__(
        self, uri: str, database: str, make: Callable[[str], Document], rate: float
    ) -> None:
        self._client = MongoClient[Document](uri, retryWrites=True)
        self.tasks = self._client[database].get_collection(
            "tasks", write_concern=WriteConcern("majority")
        )
        self._make = make
        self._rate = rate
        self.acknowledged: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)

    def close(self) -> None:
        self._client.close()

    def _run(self) -> None:
        began, count = time.monotonic(), 0
        while not self._stop.wait(max(0.0, began + count / self._rate - time.monotonic())):
            name = f"t{count:06}"
            count += 1
            # Repeating it is safe: it changes nothing about a task that is there.
            insert = {"$setOnInsert": self._make(name)}
            for _ in range(100):
                try:
                    self.tasks.update_one({"task_id": name}, insert, upsert=True)
                except PyMongoError:
                    time.sleep(0.2)
                else:
                    self.acknowledged.append(name)
                    break


def mixed_task(name: str) -> Document:
    """Short tasks and some of a few seconds, with priorities, checkpoints, and a few at once."""
    pause = random.choice([0.01, 0.05, 0.1, 0.1, 0.2, 0.8])
    task = slow_task(name, n=4, pause=pause, checkpoints=random.random() < 0.3)
    return {**task, "priority": random.randint(1, 10), "immediate": random.random() < 0.05}


def settle(yard: Yard, tasks: Any, expected: int) -> float:
    """Wait until everything has ended; gives the seconds that took, SETTLE_S when it did not."""
    began = time.monotonic()
    while time.monotonic() - began < SETTLE_S:
        if tasks.count_documents({"status": TERMINAL}) >= expected:
            return time.monotonic() - began
        time.sleep(0.5)
    return SETTLE_S


def finish(
    path: Path, name: str, figures: Mapping[str, Any], broken: list[str], command: str
) -> int:
    """Print and write the report; gives the exit code."""
    report = {
        "schema_version": 1,
        "what": name,
        "version": __version__,
        "command": command,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "figures": dict(figures),
        "verdict": "broken" if broken else "kept",
        "broken": broken[:100],
    }
    path.write_text(json.dumps(report, indent=1) + "\n")
    for key, value in figures.items():
        print(f"{key:<32}{value}")
    for line in broken[:20]:
        print(f"BROKEN  {line}")
    print(f"{name}: {report['verdict']}, written to {path}")
    sys.stdout.flush()
    return 1 if broken else 0
