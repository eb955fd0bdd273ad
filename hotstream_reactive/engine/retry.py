"""From an error to an outcome: each kind of error carries its own remedy."""

from __future__ import annotations

import math

from hotstream_reactive.engine.backoff import full_jitter
from hotstream_reactive.errors import (
    BlockedError,
    ConfigError,
    DatabaseError,
    InvalidTask,
    LoginRequired,
    PermanentError,
    PluginError,
    RateLimited,
    ScrapeError,
    StorageError,
)
from hotstream_reactive.errors import LeaseLost as LeaseLostError
from hotstream_reactive.model.outcome import Failed, LeaseLost, Outcome, Retry
from hotstream_reactive.model.task import Task
from hotstream_reactive.settings import SchedulerSettings
from hotstream_reactive.text import clean, redact

#: A site that blocks is left alone longer than one that merely failed.
BLOCKED_FACTOR = 5
#: A site that asks for more than a week does not mean it.
LONGEST_NAMED_WAIT_S = 7 * 86_400.0
#: How long a task that waits for a session is left alone before its file is looked at again.
LOOK_AGAIN_S = 300.0
_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (RateLimited, "rate_limited"),
    (BlockedError, "blocked"),
    (LoginRequired, "login_required"),
    (PermanentError, "permanent"),
    (InvalidTask, "invalid_task"),
    (ScrapeError, "transient"),
    (StorageError, "storage"),
    (DatabaseError, "database"),
    (PluginError, "plugin"),
    (ConfigError, "config"),
)
_FINAL = (PermanentError, LoginRequired, InvalidTask, ConfigError, PluginError)


def judge(
    error: BaseException, task: Task, settings: SchedulerSettings, *, result_count: int
) -> Outcome:
    """The outcome of a run that ended with `error`; a group of one counts as that one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    text = describe(error)
    if isinstance(error, LeaseLostError):
        return LeaseLost(text, result_count)
    if isinstance(error, LoginRequired) and error.path:
        return Retry(reason=text, after_s=LOOK_AGAIN_S, counts=False, result_count=result_count)
    if isinstance(error, _FINAL):
        return Failed(text, result_count)
    failures = task.current_retry + 1
    if failures > task.retry_count:
        return Failed(f"{text} (gave up after {_times(task.retry_count)})", result_count)
    factor = BLOCKED_FACTOR if isinstance(error, BlockedError) else 1
    wait_s = full_jitter(
        failures, settings.retry_base_delay * factor, settings.retry_max_delay * factor
    )
    if isinstance(error, RateLimited):
        # The site named a time: never earlier, and not all at once when it has come.
        wait_s = _named_wait(error.retry_after) + wait_s / factor
    return Retry(reason=text, after_s=wait_s, result_count=result_count)


def cause(error: BaseException) -> str:
    """One of a few words for what a run failed of; metrics and notifications tell by it."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return next((word for kind, word in _CAUSES if isinstance(error, kind)), "crashed")


def describe(error: BaseException) -> str:
    """One line for `error_message`: HotStream's own errors say all themselves."""
    try:
        text = clean(redact(str(error)), 1500)
    except Exception:  # the error of a plugin may not even be printable
        text = ""
    if isinstance(error, ScrapeError):
        return f"{error.kind}: {text}" if error.kind != "error" else text
    if type(error).__module__.startswith("hotstream_reactive"):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _named_wait(seconds: object) -> float:
    """The wait a site asked for as a plugin handed it on, which may be anything; 0 for none."""
    try:
        wait_s = float(str(seconds))
    except ValueError:
        return 0.0
    return min(max(wait_s, 0.0), LONGEST_NAMED_WAIT_S) if not math.isnan(wait_s) else 0.0


def _times(count: int) -> str:
    return "1 retry" if count == 1 else f"{count} retries"
