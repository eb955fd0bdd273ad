"""What a figure depends on besides the code: the machine, its load, and the versions."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import rig


def facts(driver: str) -> dict[str, Any]:
    """The machine and the versions; the load averages are those of the last 1, 5 and 15 min."""
    with rig.server() as uri:
        mongod = rig.server_version(uri)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "cpu": _cpu_model(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "mongod": mongod,
        "driver": driver,
        "driver_version": version(driver),
        "hotstream": version("hotstream-reactive"),
        "load_before": load(),
    }


def load() -> list[float]:
    """How many processes wanted a processor over the last 1, 5 and 15 minutes."""
    return [round(number, 2) for number in os.getloadavg()]


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
