"""Asking again: what is worth it, how often, and never beyond the time of the fetch."""

from __future__ import annotations

import time

import pytest

from hotstream_reactive.errors import RateLimited, TransientError
from hotstream_reactive.fetch import retry
from hotstream_reactive.fetch.http import HttpClient
from hotstream_reactive.fetch.retry import pause_after_answer, pause_after_error
from hotstream_reactive.settings import FetchSettings
from tests.site.nitter import MisbehavingSite

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site():
    async with MisbehavingSite() as running:
        yield running


@pytest.fixture(autouse=True)
def no_long_pauses(monkeypatch):
    monkeypatch.setattr(retry, "_FIRST_PAUSE_S", 0.01)


async def get(site, **options):
    async with HttpClient(FetchSettings(**options), trusted=[site.url]) as client:
        return await client.get(f"{site.url}/nightdome")


@pytest.mark.parametrize("kind", ["bad_gateway", "internal_error", "cut", "reset"])
async def test_a_short_fault_is_not_noticed(site, kind):
    site.misbehave(kind, times=2)
    assert (await get(site)).status == 200
    assert len(site.requests) == 3


async def test_a_lasting_one_is_told_after_the_retries(site):
    site.misbehave("bad_gateway")
    assert (await get(site)).status == 502
    assert len(site.requests) == 3
    site.received.clear()
    site.misbehave("reset")
    with pytest.raises(TransientError) as caught:
        await get(site)
    assert caught.value.kind == "network"
    assert len(site.requests) == 3


@pytest.mark.parametrize(("retry_after", "requests"), [("0", 3), ("6", 1), ("", 1)])
async def test_too_many_requests(site, retry_after, requests):
    """A short wait is kept; a long one, or none named, is for the caller to decide."""
    site.misbehave("rate_limited", retry_after=retry_after)
    assert (await get(site)).status == 429
    assert len(site.requests) == requests


@pytest.mark.parametrize("kind", ["forbidden", "empty"])
async def test_a_refusal_is_not_argued_with(site, kind):
    site.misbehave(kind)
    await get(site)
    assert len(site.requests) == 1


async def test_a_challenge_looks_like_an_overload_and_is_none(site):
    site.misbehave("challenged")
    assert (await get(site)).status == 503
    assert len(site.requests) == 1


async def test_no_retries_when_none_are_wanted(site):
    site.misbehave("bad_gateway")
    await get(site, retries=0)
    assert len(site.requests) == 1


async def test_the_time_of_the_fetch_is_kept(site):
    site.misbehave("rate_limited", retry_after="4")
    began = time.monotonic()
    assert (await get(site, timeout=2)).status == 429
    assert time.monotonic() - began < 2
    assert len(site.requests) == 1


async def test_each_further_request_waits_for_the_fleet(site):
    site.misbehave("bad_gateway")
    turns = []

    async def again():
        turns.append(len(site.requests))

    async with HttpClient(FetchSettings(), trusted=[site.url], again=again) as client:
        await client.get(site.url)
    assert turns == [1, 2]


def test_pauses_grow_and_are_bounded(monkeypatch):
    monkeypatch.setattr(retry, "_FIRST_PAUSE_S", 0.3)
    error = TransientError("x", kind="network")
    longest = [pause_after_error(error, attempt, lambda: 1.0) for attempt in range(1, 9)]
    assert longest[:3] == [0.3, 0.6, 1.2]
    assert max(longest) == 5.0
    assert pause_after_error(error, 1, lambda: 0.0) == 0.15


@pytest.mark.parametrize("kind", ["dns", "tls", "timeout", "redirects", "body_too_large", "proxy"])
def test_what_does_not_mend_within_seconds(kind):
    assert pause_after_error(TransientError("x", kind=kind), 1) is None


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 501])
def test_other_answers_stand(status):
    assert pause_after_answer(status, "1", 1) is None


def test_a_rate_limit_is_blocked_and_not_transient():
    """So that it is never caught where transient errors are tried again."""
    assert not issubclass(RateLimited, TransientError)
