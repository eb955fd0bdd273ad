"""The storm: four workers, one of which is killed every few seconds, under a stream of tasks.

    STORM_S=1800 STORM_TASKS=10000 STORM_KILLS=400 python tests/faults/storm.py [report.json]

Most are killed; some are stopped beyond their lease and go on, some are told to drain. Whoever ends
is replaced at once. At the end the checker looks at everything.
"""

from __future__ import annotations

import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from checker import check
from daemons import SHORT, Daemon, Document, Yard, yard
from endurance import Producer, finish, mixed_task, number, settle
from pymongo import MongoClient
from pymongo.collection import Collection

from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet

WORKERS = 4
#: Longer than the lease of 4 s: the others take its tasks.
STOPPED_S = 6.0
#: A storm kills a task's workers more often than any task deserves.
SETTINGS = {**SHORT, "SCHEDULER_MAX_CONCURRENT_TASKS": "10", "SCHEDULER_MAX_RESCUES": "1000"}


class Storm:
    """The workers, and what was done to them."""

    def __init__(self, place: Yard) -> None:
        self._place = place
        self._count = 0
        self.done: Counter[str] = Counter()
        self.stopped: dict[int, float] = {}
        self.paused: set[int] = set()
        self.died: dict[str, datetime] = {}
        self.at_work: list[Daemon] = [self._start() for _ in range(WORKERS)]

    def _start(self) -> Daemon:
        self._count += 1
        return self._place.daemon(f"w{self._count}", **SETTINGS)

    def strike(self) -> None:
        """Do something to one worker; those that were stopped long enough go on."""
        self.go_on()
        place = random.randrange(WORKERS)
        victim = self.at_work[place]
        if victim.pid in self.stopped:
            return
        kind = random.choices(["kill", "stop", "drain"], [86, 9, 5])[0]
        self.done[kind] += 1
        if kind != "drain":
            self.died[victim.name] = datetime.now(UTC)
        if kind == "stop":
            victim.send(signal.SIGSTOP)
            self.stopped[victim.pid] = time.monotonic()
            self.paused.add(victim.pid)
            return
        victim.send(signal.SIGKILL if kind == "kill" else signal.SIGTERM)
        if kind == "kill":
            victim.wait()
        self.at_work[place] = self._start()

    def go_on(self, *, all_of_them: bool = False) -> None:
        for daemon in self.at_work:
            since = self.stopped.get(daemon.pid)
            if since is not None and (all_of_them or time.monotonic() - since > STOPPED_S):
                daemon.send(signal.SIGCONT)
                del self.stopped[daemon.pid]


def main(report: Path) -> int:
    """Let it blow; the exit code is 1 when a promise was broken."""
    seconds, tasks = number("STORM_S", 1800), number("STORM_TASKS", 10_000)
    kills = number("STORM_KILLS", 400)
    with (
        tempfile.TemporaryDirectory(prefix="storm-") as folder,
        EmbeddedReplicaSet() as server,
        MongoClient[Document](server.uri) as client,
        yard(Path(folder), server.uri, client.storm) as place,
    ):
        storm = Storm(place)
        for daemon in storm.at_work:
            daemon.ready()
        producer = Producer(server.uri, "storm", mixed_task, tasks / seconds)
        producer.start()
        began = time.monotonic()
        told = began
        # Some strikes are no kills, and some find a worker that is stopped already.
        pace = seconds / kills * 0.8
        while time.monotonic() - began < seconds:
            time.sleep(pace * random.uniform(0.5, 1.5))
            storm.strike()
            if time.monotonic() - told > 60:
                told = time.monotonic()
                ended = client.storm.tasks.count_documents({"status": 2})
                print(f"{told - began:5.0f} s  {dict(storm.done)}  {ended} completed", flush=True)
        producer.stop()
        storm.go_on(all_of_them=True)
        settled_s = settle(place, client.storm.tasks, len(producer.acknowledged))
        verdict = check(
            client.storm,
            producer.acknowledged,
            place.ledger(),
            expected_items=4,
            paused=storm.paused,
            late_steps=2,
        )
        failed = client.storm.tasks.count_documents({"status": 3})
        figures = {
            "seconds": round(seconds),
            "workers_at_a_time": WORKERS,
            "workers_in_all": len(place.daemons),
            **{f"workers_{kind}": count for kind, count in sorted(storm.done.items())},
            **verdict.figures(),
            "failed": failed,
            "settled_s": round(settled_s, 1),
            "rescued_after_s_p50_p99_max": rescues(client.storm.task_runs, storm.died),
        }
        broken = list(verdict.violations)
        broken += [f"{failed} tasks failed"] if failed else []
        broken += [
            f"traceback in the log of {daemon.name}"
            for daemon in place.daemons
            if "Traceback" in daemon.log
        ]
        producer.close()
    command = f"STORM_S={seconds:g} STORM_TASKS={tasks:g} STORM_KILLS={kills:g} make storm"
    return finish(report, "storm", figures, broken, command)


def rescues(runs: Collection[Document], died: dict[str, datetime]) -> str:
    """Seconds from the blow at a worker until its tasks were taken back; the lease is 4 s of it.

    When such a task runs again depends on the queue before it, and is not counted.
    """
    waits = [
        (run["finished_at"].replace(tzinfo=UTC) - died[name]).total_seconds()
        for run in runs.find({"outcome": "rescued"})
        if (name := run["worker_id"].rpartition("-")[0]) in died
    ]
    if len(waits) < 2:
        return "none"
    cuts = statistics.quantiles(waits, n=100, method="inclusive")
    return f"{cuts[49]:.1f} / {cuts[98]:.1f} / {max(waits):.1f}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "storm.json")))
