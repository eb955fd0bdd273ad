"""Parking: a task that needs a login waits for a new session file instead of failing.

It goes back to pending and is looked at again at times. As long as the session file is the one that
was refused, the site is not asked: only the file's time is read.
"""

from __future__ import annotations

from pathlib import Path

import anyio

from hotstream_reactive.engine.running import ActiveRun
from hotstream_reactive.errors import LoginRequired

#: The key of the checkpoint under which the refused session is kept.
PARKED = "parked"


def park(active: ActiveRun, error: LoginRequired) -> None:
    """Note in the checkpoint which session was refused, and what was said about it."""
    refused = {"path": error.path, "version": error.version, "kind": error.kind}
    active.checkpoint = {**active.checkpoint, PARKED: {**refused, "reason": str(error)}}


async def demand_new_session(active: ActiveRun) -> None:
    """Let a parked task pass once its session file was renewed.

    Raises:
        LoginRequired: it is still the one that was refused.
    """
    parked = active.checkpoint.get(PARKED)
    active.checkpoint = {key: v for key, v in active.checkpoint.items() if key != PARKED}
    if not isinstance(parked, dict) or not isinstance(parked.get("path"), str):
        return
    version = await anyio.to_thread.run_sync(_version, parked["path"])
    if version == parked.get("version"):
        raise LoginRequired(
            str(parked.get("reason")),
            kind=str(parked.get("kind")),
            path=parked["path"],
            version=version,
        )


def _version(path: str) -> int | None:
    try:
        return Path(path).stat().st_mtime_ns
    except (OSError, ValueError):
        return None
