"""Events as log lines: one line per state change, with the task's id."""

from __future__ import annotations

from typing import Any

from loguru import logger

from hotstream_reactive.engine.events import Event, Listener

_LEVELS = {
    "ready": "SUCCESS",
    "completed": "SUCCESS",
    "failed": "ERROR",
    "poisoned": "ERROR",
    "refused": "WARNING",
    "retry": "WARNING",
    "rescued": "WARNING",
    "paused": "WARNING",
    "control_ignored": "WARNING",
    "handed_back": "DEBUG",
    "page": "DEBUG",
    "completion_delayed": "WARNING",
    "lease_lost": "WARNING",
    "recorder_limited": "WARNING",
    "recorder_gap": "WARNING",
    "loop_blocked": "WARNING",
    "loop_unblocked": "WARNING",
    "loop_stuck": "ERROR",
    "stuck": "ERROR",
    "stream_resuming": "WARNING",
    "stream_degraded": "WARNING",
    "stream_unsupported": "WARNING",
}


#: Other fields say the same in a line; they are for listeners that count.
_NOT_IN_LINES = {"cause", "new_items", "waited_s"}


def event_log(level: str) -> Listener:
    """A listener for `Events` that logs those from this level on.

    It is the level of the log itself: a busy worker emits two events per task that are no lines.
    """
    least = _number(level)
    passed_over = {name for name in {"INFO", *_LEVELS.values()} if _number(name) < least}
    if not passed_over:
        return log_event

    def listen(event: Event) -> None:
        if _level(event.action) not in passed_over:
            log_event(event)

    return listen


def log_event(event: Event) -> None:
    """Write one event as one line; a listener for `Events`."""
    known: dict[str, Any] = {"task_id": event.task_id} if event.task_id else {}
    if "run_number" in event.details:
        known["run"] = event.details["run_number"]
    bound = logger.bind(action=event.action, details=event.details, **known)
    bound.opt(lazy=True).log(_level(event.action), "{}", lambda: _line(event))


def _level(action: str) -> str:
    return _LEVELS.get(action) or ("WARNING" if action.endswith("_failed") else "INFO")


def _number(level: str) -> int:
    return logger.level(level).no


def _line(event: Event) -> str:
    details = " ".join(
        f"{name}={value}"
        for name, value in event.details.items()
        if value not in (None, "") and name not in _NOT_IN_LINES
    )
    return f"{event.action.replace('_', ' ')} {details}".strip()
