"""The configured instances: their order, their health, and what a refusal of all of them means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from hotstream_reactive.errors import (
    BlockedError,
    PermanentError,
    RateLimited,
    ScrapeError,
    TransientError,
)
from hotstream_reactive.fetch.guard import without_credentials
from hotstream_reactive.fetch.response import basic_credentials
from hotstream_reactive.fetch.retry import retry_after_s

__all__ = ["Health", "Instance", "Refusal", "all_refused", "configured", "retry_after_s"]

_FIRST_COOL_DOWN_S = 15.0
_LONGEST_COOL_DOWN_S = 15 * 60.0
_LONGEST_RETRY_AFTER_S = 60 * 60.0
_FAILURE_REMEMBERED_S = 5 * 60.0


class Instance(NamedTuple):
    """A configured instance; `base` and `label` (host and port) carry no credentials."""

    base: str
    label: str
    credentials: tuple[str, str] | None


def configured(addresses: Iterable[str]) -> list[Instance]:
    """The instances in the operator's order, without repeats."""
    found: dict[str, Instance] = {}
    for address in addresses:
        base = without_credentials(address).split("?", 1)[0].split("#", 1)[0].rstrip("/")
        label = base.split("://", 1)[-1]
        found.setdefault(base, Instance(base, label, basic_credentials(address)))
    return list(found.values())


@dataclass
class _State:
    limited_until: float = 0.0
    strikes: int = 0
    failed_at: float | None = None
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)


class Health:
    """What the process knows about its instances; times are monotonic seconds.

    A rate limit keeps an instance out until it has cooled down. Any other failure only puts it
    behind the others for some minutes: it may well answer the next question.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._states: dict[str, _State] = {}

    def _of(self, instance: Instance) -> _State:
        return self._states.setdefault(instance.base, _State())

    def ordered(self, instances: Iterable[Instance]) -> list[Instance]:
        """Those that may be asked now: healthy ones as configured, then those that failed lately,
        longest ago first."""
        now = self._clock()

        def rank(instance: Instance) -> float:
            failed_at = self._of(instance).failed_at
            if failed_at is None or now - failed_at > _FAILURE_REMEMBERED_S:
                return float("-inf")
            return failed_at

        return sorted(
            (instance for instance in instances if self.cooling_s(instance) <= 0), key=rank
        )

    def cooling_s(self, instance: Instance) -> float:
        """Seconds until a limited instance may be asked again; 0 when it may be now."""
        return max(0.0, self._of(instance).limited_until - self._clock())

    def answered(self, instance: Instance) -> None:
        """It gave a real answer."""
        state = self._of(instance)
        state.failed_at, state.strikes = None, 0

    def failed(self, instance: Instance) -> None:
        """It gave none."""
        self._of(instance).failed_at = self._clock()

    def limited(self, instance: Instance, retry_after_s: float | None) -> float:
        """It asked for a slower pace; returns the seconds it is left alone.

        Without a time of its own it gets 15 s, twice as long at each further limit, up to 15 min.
        """
        state = self._of(instance)
        wait = retry_after_s
        if wait is None:
            wait = min(_FIRST_COOL_DOWN_S * 2**state.strikes, _LONGEST_COOL_DOWN_S)
        wait = min(wait, _LONGEST_RETRY_AFTER_S)
        state.strikes = min(state.strikes + 1, 10)
        state.limited_until = self._clock() + wait
        return wait

    def cookies(self, instance: Instance, via: str = "") -> dict[str, str]:
        """Cookies that a visit with the browser earned; changed in place.

        They are bound to the address that was seen, so each proxy (`via`) has its own.
        """
        return self._of(instance).cookies.setdefault(via, {})


class Refusal(NamedTuple):
    """Why one instance did not help.

    `nature` says what to do: wait (`limited`), try again (`transient`), look elsewhere (`blocked`).
    """

    label: str
    nature: Literal["limited", "transient", "blocked"]
    kind: str
    message: str
    wait_s: float | None = None


def all_refused(what: str, refusals: list[Refusal]) -> ScrapeError:
    """The error of a question that no instance answered, naming each with its reason."""
    reasons = "; ".join(f"{one.label}: {one.message} ({one.kind})" for one in refusals)
    message = f"no instance gave {what}: {reasons}"
    kinds = {one.kind for one in refusals}
    kind = kinds.pop() if len(kinds) == 1 else "all_instances_failed"
    waits = [one.wait_s for one in refusals if one.nature == "limited" and one.wait_s is not None]
    if kind == "robots":
        return PermanentError(message, kind=kind)
    if any(one.nature == "limited" for one in refusals):
        return RateLimited(message, retry_after=min(waits, default=None))
    if any(one.nature == "transient" for one in refusals):
        return TransientError(message, kind=kind)
    return BlockedError(message, kind=kind)
