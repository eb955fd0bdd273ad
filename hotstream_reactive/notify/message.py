"""What is told of an outcome, and whether it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec

from hotstream_reactive.engine.events import Event
from hotstream_reactive.text import clean, redact

LONGEST_ERROR = 2000  # characters


class Message(msgspec.Struct, kw_only=True, frozen=True):
    """One notification; its JSON is what receivers get.

    `event` is ``completed``, ``nothing_found``, ``failed`` or ``needs_login``; `id` stays the same
    when it is sent again, so that a receiver can tell.
    """

    id: str
    event: str
    time: str
    task_id: str
    platform: str
    run_number: int
    result_count: int
    error: str | None
    worker_id: str
    schema_version: int = 1

    def encode(self) -> bytes:
        """The body, UTF-8."""
        return msgspec.json.encode(self)


class Teller:
    """A listener for `Events`: hands messages of the wanted kinds on.

    Args:
        wanted: kinds of events, as `Message.event` has them.
        put: must be quick; it is called in the middle of the engine's work.
    """

    def __init__(self, wanted: set[str], worker_id: str, put: Callable[[Message], None]) -> None:
        self._wanted = wanted
        self._worker_id = worker_id
        self._put = put
        #: Tasks that wait for a login: told once, and not at every look at the session file.
        self._parked: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Take one event in."""
        kind = kind_of(event)
        if event.task_id is None or kind is None:
            return
        if kind == "needs_login":
            if event.task_id in self._parked:
                return
            self._parked.add(event.task_id)
        else:
            self._parked.discard(event.task_id)
        if kind not in self._wanted:
            return
        error: Any = event.details.get("error")
        self._put(
            Message(
                id=uuid4().hex,
                event=kind,
                time=datetime.now(UTC).isoformat(timespec="milliseconds"),
                task_id=event.task_id,
                platform=str(event.details["platform"]),
                run_number=event.details["run_number"],
                result_count=event.details["result_count"],
                error=None if error is None else clean(redact(str(error)), LONGEST_ERROR),
                worker_id=self._worker_id,
            )
        )


def kind_of(event: Event) -> str | None:
    """The kind of notification for an event; None for one that is no end of anything."""
    details = event.details
    if event.action in ("failed", "retry") and details["cause"] == "login_required":
        return "needs_login"
    if event.action == "completed":
        return "completed" if details["result_count"] else "nothing_found"
    return "failed" if event.action == "failed" else None
