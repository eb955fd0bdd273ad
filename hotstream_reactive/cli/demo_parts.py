"""What the demo brings along: a replica set and a daemon."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import Process
from rich.console import Console

from hotstream_reactive.cli.demo_app import DemoFailed, say
from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet
from hotstream_reactive.text import clean


@asynccontextmanager
async def embedded(console: Console) -> AsyncIterator[str]:
    began = time.monotonic()
    mongo = EmbeddedReplicaSet()
    await anyio.to_thread.run_sync(mongo.start)
    try:
        took = time.monotonic() - began
        say(console, "mongodb", f"embedded replica set is up after {took:.1f} s: {mongo.uri}")
        yield mongo.uri
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(mongo.stop)


@asynccontextmanager
async def daemon(uri: str, site: str, console: Console, *, slots: int) -> AsyncIterator[deque[str]]:
    """A real `start-daemon` in a process and folder of its own; gives its last lines of log."""
    environ = {
        **os.environ,
        "HOTSTREAM_MONGODB_URI": uri,
        "HOTSTREAM_PLATFORMS_TWITTER_INSTANCES": site,
        "HOTSTREAM_PLATFORMS_TWITTER_RATE_LIMIT_REQUESTS_PER_MINUTE": "6000",
        "HOTSTREAM_SCHEDULER_MAX_CONCURRENT_TASKS": str(slots),
    }
    log: deque[str] = deque(maxlen=8)
    ready = anyio.Event()
    with tempfile.TemporaryDirectory(prefix="hotstream-demo-") as folder:
        process = await anyio.open_process(
            [sys.executable, "-m", "hotstream_reactive", "start-daemon"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=environ,
            cwd=folder,
        )
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_read_log, process, log, ready)
                with anyio.move_on_after(20) as patience:
                    await ready.wait()
                if patience.cancelled_caught or process.returncode is not None:
                    raise DemoFailed("the daemon did not start:\n" + "\n".join(log))
                say(console, "daemon", f"process {process.pid} watches the tasks, {slots} slots")
                yield log
                process.terminate()
                code = await process.wait()
                group.cancel_scope.cancel()
            if code != 0:
                raise DemoFailed(f"the daemon ended with exit code {code}:\n" + "\n".join(log))
        finally:
            if process.returncode is None:
                process.kill()
            with anyio.CancelScope(shield=True):
                await process.aclose()


async def _read_log(process: Process, log: deque[str], ready: anyio.Event) -> None:
    assert process.stderr is not None
    rest = ""
    async for chunk in process.stderr:
        *lines, rest = (rest + chunk.decode(errors="replace")).split("\n")
        log.extend(clean(line, 300) for line in lines)
        if any(" ready " in line for line in lines):
            ready.set()
    ready.set()
