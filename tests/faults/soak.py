"""The soak: two workers that nobody restarts, for hours, under load and small faults.

    SOAK_S=7200 SOAK_RATE=20 python tests/faults/soak.py [report.json]

Connections are cut, streams lose their history, tasks are cancelled, plugins fail. What a worker
uses must not grow: memory, descriptors, threads, connections.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from checker import check
from daemons import Daemon, Document, slow_task, yard
from endurance import Producer, finish, number, settle
from proxy import proxy
from pymongo import MongoClient

from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet

#: The first part warms up: pools fill, caches too.
WARM_UP = 0.25
MOST_MB_PER_HOUR = 5.0
#: A slope over less time than this says nothing of an hour.
TELLING_S = 1800.0
SETTINGS = {"SCHEDULER_MAX_CONCURRENT_TASKS": "20", "SCHEDULER_RETRY_BASE_DELAY": "0.5"}
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20

Sample = dict[str, float]


def soak_task(name: str) -> Document:
    """Mostly tiny tasks; some store much, some run into their timeout of one second."""
    luck = random.random()
    if luck < 0.02:
        return {**slow_task(name, n=100, pause=0.1, timeout=1), "retry_count": 0}
    return slow_task(name, n=20 if luck < 0.05 else 1, pause=random.choice([0.0, 0.01, 0.05]))


def sample(daemon: Daemon) -> Sample:
    """What a worker uses now."""
    proc = Path("/proc", str(daemon.pid))
    return {
        "rss_mb": int((proc / "statm").read_text().split()[1]) * PAGE_MB,
        "fds": len(list((proc / "fd").iterdir())),
        "threads": len(list((proc / "task").iterdir())),
    }


def slope_per_hour(at: list[float], values: list[float]) -> float:
    """The growth by least squares."""
    return statistics.linear_regression(at, values).slope * 3600 if len(at) > 2 else 0.0


def fault(client: MongoClient[Document], wire: Any, tasks: Any) -> str:
    """One small fault; gives its name."""
    kind = random.choice(["reset", "history lost", "connection closed", "cancel", "swallow"])
    if kind == "reset":
        wire.reset_all()
    elif kind in ("history lost", "connection closed"):
        lost = {"errorCode": 286, "errorLabels": ["NonResumableChangeStreamError"]}
        data: Document = {"failCommands": ["getMore"], **lost}
        if kind == "connection closed":
            data = {"failCommands": ["update", "findAndModify", "find"], "closeConnection": True}
        client.admin.command(
            {"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": data}
        )
    elif kind == "cancel":
        tasks.update_many({"status": 1}, {"$set": {"status": 4}})
    else:
        wire.swallows = True
        time.sleep(3)
        wire.swallows = False
    return kind


def main(report: Path) -> int:
    """Soak; the exit code is 1 when something grew or was lost."""
    seconds, rate = number("SOAK_S", 7200), number("SOAK_RATE", 20)
    every_s = max(2.0, seconds / 400)
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        EmbeddedReplicaSet(mongod_args=["--setParameter", "enableTestCommands=1"]) as server,
        proxy(server.ports[0]) as wire,
        MongoClient[Document](server.uri) as client,
        yard(Path(folder), server.uri, client.soak) as place,
    ):
        through = f"mongodb://127.0.0.1:{wire.port}/?directConnection=true"
        place.uri = through
        daemons = [place.daemon(name, **SETTINGS) for name in ("one", "two")]
        for daemon in daemons:
            daemon.ready()
        producer = Producer(server.uri, "soak", soak_task, rate)
        producer.start()
        began = time.monotonic()
        at: list[float] = []
        samples: list[list[Sample]] = [[] for _ in daemons]
        connections: list[float] = []
        faults: dict[str, int] = {}
        next_fault = began + 20
        while (now := time.monotonic() - began) < seconds:
            at.append(now)
            for known, daemon in zip(samples, daemons, strict=True):
                known.append(sample(daemon))
            connections.append(client.admin.command("serverStatus")["connections"]["current"])
            if began + now > next_fault:
                kind = fault(client, wire, producer.tasks)
                faults[kind] = faults.get(kind, 0) + 1
                next_fault = began + now + random.uniform(10, 30)
            time.sleep(every_s)
        producer.stop()
        settled_s = settle(place, client.soak.tasks, len(producer.acknowledged))
        verdict = check(client.soak, producer.acknowledged, place.ledger())
        figures: dict[str, Any] = {
            "seconds": round(seconds),
            "tasks_per_s": rate,
            **verdict.figures(),
            "settled_s": round(settled_s, 1),
            "faults": faults,
        }
        broken = list(verdict.violations)
        first = int(len(at) * WARM_UP)
        for known, daemon in zip(samples, daemons, strict=True):
            broken += _growth(daemon.name, at[first:], known[first:], seconds, figures)
            broken += [f"traceback in the log of {daemon.name}"] * ("Traceback" in daemon.log)
        broken += _level("connections", connections[first:], 10, figures)
        producer.close()
    return finish(
        report, "soak", figures, broken, f"SOAK_S={seconds:g} SOAK_RATE={rate:g} make soak"
    )


def _growth(
    name: str, at: list[float], known: list[Sample], seconds: float, figures: dict[str, Any]
) -> list[str]:
    memory = [one["rss_mb"] for one in known]
    slope = slope_per_hour(at, memory)
    figures[f"{name}_rss_mb"] = f"{memory[0]:.1f} to {memory[-1]:.1f}"
    figures[f"{name}_mb_per_hour"] = round(slope, 1)
    broken = []
    if seconds >= TELLING_S and slope > MOST_MB_PER_HOUR:
        broken.append(f"{name}: memory grows by {slope:.1f} MB per hour")
    for kind, slack in (("fds", 8), ("threads", 4)):
        broken += _level(f"{name}_{kind}", [one[kind] for one in known], slack, figures)
    return broken


def _level(what: str, values: list[float], slack: float, figures: dict[str, Any]) -> list[str]:
    """The median of the last third must be that of the first third, within the slack."""
    third = max(1, len(values) // 3)
    first, last = statistics.median(values[:third]), statistics.median(values[-third:])
    figures[what] = f"{first:g} to {last:g}, most {max(values):g}"
    return [f"{what} went from {first:g} to {last:g}"] if last > first + slack else []


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "soak.json")))
