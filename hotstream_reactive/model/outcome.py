"""How a run can end. A closed set: every match on it ends in `assert_never`."""

from __future__ import annotations

import msgspec


class Completed(msgspec.Struct, frozen=True, tag=True):
    """All that was asked for is stored."""

    result_count: int


class Retry(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Back to pending, to start again after `after_s` seconds from the checkpoint.

    `counts` is False when nobody is to blame (drain), so that no retry is used up.
    """

    reason: str
    after_s: float
    counts: bool = True
    result_count: int = 0


class Failed(msgspec.Struct, frozen=True, tag=True):
    """For good, until somebody puts the task back to pending."""

    error: str
    result_count: int = 0


class Cancelled(msgspec.Struct, frozen=True, tag=True):
    """Somebody set `status` to 4 or deleted the document."""

    result_count: int = 0


class LeaseLost(msgspec.Struct, frozen=True, tag=True):
    """Another worker owns the task now, or may: nothing is written any more."""

    reason: str
    result_count: int = 0


Outcome = Completed | Retry | Failed | Cancelled | LeaseLost


def word(outcome: Outcome) -> str:
    """The word for logs and `task_runs`: completed, retry, failed, cancelled or lease_lost."""
    return {
        Completed: "completed",
        Retry: "retry",
        Failed: "failed",
        Cancelled: "cancelled",
        LeaseLost: "lease_lost",
    }[type(outcome)]
