"""An idle worker: processor, memory, commands on the server."""

from __future__ import annotations

from typing import Any

import anyio

from benchmarks import rig
from benchmarks.report import Found


async def run(driver: str, scale: float) -> Found:
    """Over half a minute at full scale."""
    seconds = max(10.0, 30.0 * scale)
    with rig.server() as uri:
        async with rig.client(uri) as outside, rig.workers(uri, "idle", driver=driver) as pids:
            await anyio.sleep(5.0)
            cpu, commands = rig.cpu_seconds(pids[0]), await _commands(outside)
            await anyio.sleep(seconds)
            cpu = rig.cpu_seconds(pids[0]) - cpu
            commands = await _commands(outside) - commands
            memory = rig.memory_mb(pids[0])
    found = Found(part="idle")
    found.add("processor", cpu / seconds * 100, "%", target="≤ 1 %")
    found.add("memory", memory, "MB", target="≤ 60 MB")
    found.add("commands on the server", commands / seconds, "/s")
    return found


async def _commands(outside: Any) -> int:
    counters = (await outside.admin.command("serverStatus"))["opcounters"]
    return int(sum(counters[name] for name in ("query", "update", "insert", "delete", "command")))
