"""What happens in a worker, as one stream of events.

Logs, the terminal, metrics and tests listen to the same events, so they cannot tell different
stories.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened; `action` is a word such as ``claimed`` or ``stream_live``."""

    action: str
    task_id: str | None = None
    details: dict[str, Any] = {}


Listener = Callable[[Event], None]


class Events:
    """Hands every event to every listener, at once and in order."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Add a listener; it must be quick and must not raise."""
        self._listeners.append(listener)

    def emit(self, action: str, task_id: str | None = None, **details: Any) -> None:
        """Tell all listeners."""
        event = Event(action=action, task_id=task_id, details=details)
        for listener in self._listeners:
            listener(event)
