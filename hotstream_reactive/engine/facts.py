"""What a worker's entry in the register says of it and its process."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hotstream_reactive.engine.controls import default_limits
from hotstream_reactive.engine.fleet import MISSED_BEATS
from hotstream_reactive.settings import Settings
from hotstream_reactive.version import __version__


def beat_interval_s(settings: Settings) -> float:
    """Seconds between two beats of the worker's entry."""
    return settings.scheduler.heartbeat_interval / 2


def lasting_facts(settings: Settings, platforms: Iterable[str]) -> dict[str, Any]:
    """The facts by which people and `explain` judge what this worker can take.

    `platforms` are those it runs, `limits` the `max_running` of its config.toml. Without a beat
    for `silent_after_s` it counts as dead.
    """
    scheduler = settings.scheduler
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "version": __version__,
        "slots": scheduler.max_concurrent_tasks,
        "express_slots": scheduler.express_slots,
        "platforms": sorted(platforms),
        "limits": default_limits(settings),
        "silent_after_s": beat_interval_s(settings) * MISSED_BEATS,
        "check_interval_s": scheduler.check_interval,
        "priority_check_interval_s": scheduler.priority_check_interval,
    }


def memory_bytes() -> int | None:
    """What this process has in RAM, without its browsers; None where there is no /proc."""
    try:
        pages = Path("/proc/self/statm").read_bytes().split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
