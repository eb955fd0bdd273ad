"""How a run over several targets ends: what it reports, and which error it is if it is one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hotstream_reactive.errors import (
    BlockedError,
    LoginRequired,
    PermanentError,
    RateLimited,
    ScrapeError,
    TransientError,
)
from hotstream_reactive.platforms.progress import TargetProgress

if TYPE_CHECKING:
    import loguru

#: Outcomes of targets that were read, the first one of targets that need not be.
DELIVERED = ("", "ok", "empty")
_NAMED_IN_ERROR = 3


def note(report: list[dict[str, Any]], log: loguru.Logger, name: str, own: TargetProgress) -> None:
    """Add what became of one target to the report, and say in the run's log what is not plain."""
    outcome = own.outcome or "ok"
    report.append({"target": name, "outcome": outcome, "message": own.message, "items": own.items})
    if own.message or outcome not in DELIVERED:
        log.warning(f"{own.message} ({outcome})")
    elif outcome == "empty":
        log.info(f"{name}: nothing found")


def again(errors: Sequence[ScrapeError], waiting: int, targets: int) -> ScrapeError:
    """The error of a run of which a part is to be tried again.

    Args:
        errors: of the targets that failed, at least one.
        waiting: how many are still to be read.
        targets: how many there are.
    """
    error = errors[-1]
    if targets == 1:
        return error
    message = f"{waiting} of {targets} could not be read: {_listed([str(one) for one in errors])}"
    limits = [one for one in errors if isinstance(one, RateLimited)]
    if limits:
        waits = [one.retry_after for one in limits if one.retry_after is not None]
        return RateLimited(message, retry_after=min(waits, default=None))
    if any(isinstance(one, TransientError) for one in errors):
        return TransientError(message, kind=error.kind)
    if all(isinstance(one, LoginRequired) for one in errors):
        return LoginRequired(message, kind=error.kind)
    return BlockedError(message, kind=error.kind)


def nothing_read(
    outcomes: Sequence[TargetProgress], invalid: Iterable[PermanentError]
) -> PermanentError | None:
    """The error of a run none of whose targets could be read; None when one could.

    Args:
        outcomes: of the targets that were asked for.
        invalid: the errors of those that could not even be asked for.
    """
    invalid = list(invalid)
    failed = [one for one in outcomes if one.outcome not in DELIVERED]
    if not (invalid or failed) or len(failed) < len(outcomes):
        return None
    messages = [str(error) for error in invalid] + [one.message for one in failed]
    kinds = {error.kind for error in invalid} | {one.outcome for one in failed}
    kind = kinds.pop() if len(kinds) == 1 else "all_targets_failed"
    return PermanentError(_listed(messages), kind=kind)


def _listed(messages: Sequence[str]) -> str:
    more = len(messages) - _NAMED_IN_ERROR
    return "; ".join(messages[:_NAMED_IN_ERROR]) + (f"; and {more} more" if more > 0 else "")
