"""Measures what the dashboard costs: CPU and memory, idle and under load. Not a test: run it.

    python tests/dashboard/measure_load.py [--tasks 100000] [--running 200] [--rate 1000]

A real server, a real terminal (a pseudo-terminal of 120 x 40), and a writer in a process of its own
that makes `--rate` updates a second: progress mostly, and claims and completions.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import pty
import random
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymongo import MongoClient, UpdateOne

from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet
from hotstream_reactive.mongo.indexes import ITEM_INDEXES, TASK_INDEXES, run_indexes

DATABASE = "hotstream_load"
_TICK_S = 0.05
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--running", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0)
    chosen = parser.parse_args()
    with EmbeddedReplicaSet() as server, MongoClient[dict[str, Any]](server.uri) as client:
        fill(client, chosen.tasks, chosen.running)
        screen = Screen(server.uri)
        try:
            time.sleep(8.0)  # its start, and the first count of everything
            report("idle", screen, chosen.seconds)
            if not (chosen.rate and chosen.running):
                return
            written = multiprocessing.Value("i", 0)
            writer = multiprocessing.Process(
                target=write, args=(server.uri, chosen.rate, chosen.running, written), daemon=True
            )
            writer.start()
            time.sleep(5.0)
            before = written.value
            report(f"{chosen.rate} updates/s", screen, chosen.seconds)
            rate = (written.value - before) / chosen.seconds
            print(f"written: {rate:.0f} updates/s; drawn: {screen.received} bytes in all")
            writer.terminate()
        finally:
            screen.close()


def fill(client: MongoClient[dict[str, Any]], count: int, running: int) -> None:
    """Waiting tasks, and some that run."""
    database = client[DATABASE]
    database.tasks.create_indexes(TASK_INDEXES)
    database.data_items.create_indexes(ITEM_INDEXES)
    database.task_runs.create_indexes(run_indexes(30))
    now = datetime.now(UTC)

    def task(number: int, **fields: Any) -> dict[str, Any]:
        return {
            "_id": number,
            "task_id": f"task_{number:06}",
            "name": f"任务 number {number}",
            "platform": ("twitter", "zhihu", "medium")[number % 3],
            "task_type": "search",
            "keywords": ["x"],
            "status": 0,
            "priority": 5,
            "immediate": False,
            "options": {"limit": 100},
            "timeout": 3600,
            "created_at": now,
            **fields,
        }

    begun = {"status": 1, "worker_id": "w1", "started_at": now, "last_heartbeat": now}
    if running:
        database.tasks.insert_many([task(n, **begun) for n in range(running)])
    for first in range(running, count, 10_000):
        database.tasks.insert_many([task(n) for n in range(first, min(first + 10_000, count))])


def write(uri: str, rate: int, count: int, written: Any) -> None:
    """Write progress at the given rate, of which a tenth is claims and completions."""
    with MongoClient[dict[str, Any]](uri, w=1) as client:
        tasks = client[DATABASE].tasks
        running, after = list(range(count)), count
        per_tick, due = int(rate * _TICK_S), time.monotonic()
        while True:
            writes = []
            for _ in range(per_tick):
                place = random.randrange(len(running))
                now = datetime.now(UTC)
                if random.random() < 0.05:
                    done = {"status": 2, "completed_at": now, "progress": 1.0, "result_count": 100}
                    writes.append(UpdateOne({"_id": running[place]}, {"$set": done}))
                    running[place], after = after, after + 1
                    begun = {"status": 1, "worker_id": "w1", "started_at": now, "lease_id": "x"}
                    writes.append(UpdateOne({"_id": running[place]}, {"$set": begun}))
                    continue
                told = {"progress": random.random(), "result_count": random.randrange(100)}
                told |= {"last_heartbeat": now, "updated_at": now}
                writes.append(UpdateOne({"_id": running[place]}, {"$set": told}))
            tasks.bulk_write(writes, ordered=True)
            written.value += len(writes)
            due += _TICK_S
            time.sleep(max(due - time.monotonic(), 0))


class Screen:
    """The dashboard in a pseudo-terminal, read to the end as a terminal does."""

    def __init__(self, uri: str) -> None:
        import fcntl
        import struct
        import termios

        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self._leader = leader
        self.received = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hotstream_reactive", "--database", DATABASE, "dashboard"],
            stdin=follower,
            stdout=follower,
            env={**os.environ, "MONGODB_URI": uri, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(follower)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                self.received += len(os.read(self._leader, 65536))
            except OSError:
                return

    def cpu_s(self) -> float:
        """CPU time it has used so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS

    def memory_mb(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1e6

    def close(self) -> None:
        """End it as `q` would."""
        os.write(self._leader, b"q")
        self._process.wait(10)
        os.close(self._leader)


def report(what: str, screen: Screen, seconds: float) -> None:
    """Measure over some time and print a line."""
    before, memory, received = screen.cpu_s(), screen.memory_mb(), screen.received
    time.sleep(seconds)
    used = (screen.cpu_s() - before) / seconds
    print(
        f"{what}: {used:.1%} of a core, {memory:.0f} → {screen.memory_mb():.0f} MB, "
        f"{(screen.received - received) / seconds:.0f} bytes/s drawn",
        flush=True,
    )


if __name__ == "__main__":
    main()
