"""The words for outcomes, and errors turned into outcomes."""

from __future__ import annotations

import asyncio
import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive import errors
from hotstream_reactive.engine.retry import BLOCKED_FACTOR, describe, judge
from hotstream_reactive.model import outcome as outcomes
from hotstream_reactive.model.outcome import Completed, Failed, LeaseLost, Outcome, Retry
from hotstream_reactive.model.task import Task
from hotstream_reactive.settings import SchedulerSettings

SETTINGS = SchedulerSettings()
WORDS = {"Completed", "Retry", "Failed", "Cancelled", "LeaseLost"}


def task(**fields: Any) -> Task:
    return Task(document_id=1, task_id="a", platform="lab", **fields)


class NastyError(Exception):
    """An exception that cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no text for you")


def test_the_outcomes_are_a_closed_set_with_a_word_each() -> None:
    kinds = get_args(Outcome)
    assert {kind.__name__ for kind in kinds} == WORDS
    words = [
        outcomes.word(outcome)
        for outcome in (
            Completed(1),
            Retry(reason="r", after_s=1),
            Failed("e"),
            outcomes.Cancelled(),
            LeaseLost("r"),
        )
    ]
    assert words == ["completed", "retry", "failed", "cancelled", "lease_lost"]


@pytest.mark.parametrize(
    "error",
    [
        errors.PermanentError("gone", kind="account_suspended"),
        errors.LoginRequired("sign in"),
        errors.InvalidTask("invalid task: x"),
        errors.ConfigError("mend it"),
        errors.PluginError("broken"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_retry_cannot_help_fails_at_once(error: Exception) -> None:
    outcome = judge(error, task(), SETTINGS, result_count=7)
    assert isinstance(outcome, Failed)
    assert str(error) in outcome.error
    assert outcome.result_count == 7


@pytest.mark.parametrize(
    "error",
    [
        errors.TransientError("later"),
        errors.BlockedError("wall"),
        errors.StorageFull("full"),
        errors.DatabaseUnavailable("gone"),
        ValueError("bug"),
        SystemExit(3),
        asyncio.CancelledError(),
        RecursionError(),
        NastyError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_everything_else_is_tried_again_until_the_retries_are_used_up(error: BaseException) -> None:
    for used in range(3):
        outcome = judge(error, task(retry_count=3, current_retry=used), SETTINGS, result_count=0)
        assert isinstance(outcome, Retry)
        assert outcome.counts
    last = judge(error, task(retry_count=3, current_retry=3), SETTINGS, result_count=0)
    assert isinstance(last, Failed)
    assert "gave up after 3 retries" in last.error


def test_no_retries_means_one_try() -> None:
    outcome = judge(errors.TransientError("x"), task(retry_count=0), SETTINGS, result_count=0)
    assert isinstance(outcome, Failed)


def test_a_lost_lease_is_no_failure() -> None:
    outcome = judge(errors.LeaseLost("gone"), task(), SETTINGS, result_count=1)
    assert isinstance(outcome, LeaseLost)


@given(st.integers(0, 20))
def test_a_wait_stays_below_its_ceiling(used: int) -> None:
    retries = task(retry_count=100, current_retry=used)
    plain = judge(errors.TransientError("x"), retries, SETTINGS, result_count=0)
    blocked = judge(errors.BlockedError("x"), retries, SETTINGS, result_count=0)
    assert isinstance(plain, Retry)
    assert isinstance(blocked, Retry)
    limit = min(SETTINGS.retry_max_delay, SETTINGS.retry_base_delay * 2**used)
    assert 0 <= plain.after_s <= limit
    assert 0 <= blocked.after_s <= limit * BLOCKED_FACTOR


@given(st.floats(0, 3600))
def test_the_time_a_site_named_is_kept(retry_after: float) -> None:
    error = errors.RateLimited("slow down", retry_after=retry_after)
    outcome = judge(error, task(), SETTINGS, result_count=0)
    assert isinstance(outcome, Retry)
    assert retry_after <= outcome.after_s <= retry_after + SETTINGS.retry_base_delay


@pytest.mark.parametrize(
    "retry_after", [math.inf, -math.inf, math.nan, -5.0, 1e15, 1e308, "120", "soon", [1]], ids=repr
)
def test_a_senseless_retry_after_gives_a_finite_wait(retry_after: Any) -> None:
    error = errors.RateLimited("slow down", retry_after=retry_after)
    outcome = judge(error, task(), SETTINGS, result_count=0)
    assert isinstance(outcome, Retry)
    assert 0 <= outcome.after_s <= 366 * 86_400


def test_a_description_is_one_clean_line_with_its_kind() -> None:
    text = describe(errors.PermanentError("no such\naccount \x1b[2J", kind="not_found"))
    assert text.startswith("not_found: no such⏎account")
    assert text.isprintable()
    assert describe(ValueError("x" * 5000)).startswith("ValueError: xxx")
    assert len(describe(ValueError("x" * 5000))) < 1600
    assert describe(KeyError()) == "KeyError"
    assert "NastyError" in describe(NastyError())
