"""Reading several targets: shares, order of failures, bounds, checkpoints."""

from __future__ import annotations

from typing import Any

import loguru
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.errors import (
    BlockedError,
    LoginRequired,
    PermanentError,
    RateLimited,
    ScrapeError,
    TransientError,
)
from hotstream_reactive.platforms.base import RunContext, SearchOptions
from hotstream_reactive.platforms.progress import Progress, resumed
from hotstream_reactive.platforms.targets import Batch, Reading, Target
from hotstream_reactive.settings import FetchSettings, PlatformSettings
from tests.site.coroutines import result_of

pytestmark = pytest.mark.anyio

Record = dict[str, Any]


def context(checkpoint: dict[str, Any] | None = None, **options: Any) -> RunContext:
    return RunContext(
        task_id="t",
        options=SearchOptions(**options),
        platform=PlatformSettings(),
        fetch=FetchSettings(),
        log=loguru.logger,
        checkpoint=checkpoint or {},
    )


def paged(name: str, size: int, page: int = 5) -> Target:
    """A list of so many records, page by page."""

    async def fetch(cursor: str | None) -> Batch:
        start = int(cursor or 0)
        shown = [{"id": f"{name}{n}"} for n in range(start, min(start + page, size))]
        return Batch(shown, str(start + page) if start + page < size else None)

    return Target(name, fetch)


def failing(name: str, error: ScrapeError) -> Target:
    async def fetch(_: str | None) -> Batch:
        raise error

    return Target(name, fetch)


async def read(mode: Any, targets: list[Target], limit: int, **options: Any) -> list[Record]:
    reading = Reading(context(**options), mode, targets, [])
    return [record async for record in reading.records(limit)]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=5), st.integers(0, 60))
def test_a_search_is_exact_and_fair(sizes: list[int], limit: int) -> None:
    targets = [paged(f"t{n}-", size) for n, size in enumerate(sizes)]
    got = result_of(read("search", targets, limit))
    assert len(got) == len({one["id"] for one in got}) == min(limit, sum(sizes))
    for place, size in enumerate(sizes):
        share = sum(one["id"].startswith(f"t{place}-") for one in got)
        assert share >= min(size, limit // len(sizes))


async def test_a_page_of_which_a_share_was_taken_is_not_asked_for_again() -> None:
    asked: list[str | None] = []
    inner = paged("a", 10, page=10)

    async def fetch(cursor: str | None) -> Batch:
        asked.append(cursor)
        return await inner.fetch(cursor)

    got = await read("search", [Target("a", fetch), paged("b", 2)], 12)
    assert len(got) == 12
    assert asked == [None]


async def test_endless_repetition_ends() -> None:
    asked = 0

    async def same(_: str | None) -> Batch:
        nonlocal asked
        asked += 1
        return Batch([{"id": "1"}], f"again-{asked}")

    assert len(await read("monitor", [Target("a", same)], 100)) == 1
    assert asked == 4

    async def stuck(cursor: str | None) -> Batch:
        nonlocal asked
        asked += 1
        return Batch([{"id": str(asked)}], "same")

    asked = 0
    await read("monitor", [Target("a", stuck)], 100)
    assert asked == 2


async def test_the_number_of_pages_is_bounded() -> None:
    pages = 0

    async def unwanted(_: str | None) -> Batch:
        nonlocal pages
        pages += 1
        return Batch([{"id": str(pages), "created_at": "2020-01-01T00:00:00Z"}], str(pages))

    report: list[Record] = []
    reading = Reading(context(since="2026-01-01"), "monitor", [Target("a", unwanted)], report)
    assert [one async for one in reading.records(20)] == []
    assert pages == 14
    assert "stopped after 14 pages" in report[0]["message"]


@pytest.mark.parametrize(
    ("errors", "raised"),
    [
        ([TransientError("x"), TransientError("y")], TransientError),
        ([BlockedError("x"), TransientError("y")], TransientError),
        ([BlockedError("x"), BlockedError("y")], BlockedError),
        ([LoginRequired("x"), LoginRequired("y")], LoginRequired),
        ([BlockedError("x"), RateLimited("y", retry_after=7)], RateLimited),
        ([PermanentError("x"), PermanentError("y")], PermanentError),
    ],
)
async def test_the_error_of_several(errors: list[ScrapeError], raised: type[Exception]) -> None:
    targets = [failing(str(place), error) for place, error in enumerate(errors)]
    with pytest.raises(ScrapeError) as caught:
        await read("monitor", targets, 5)
    assert type(caught.value) is raised


async def test_after_three_refusals_in_a_row_the_rest_is_left_alone() -> None:
    report: list[Record] = []
    targets = [failing(str(n), BlockedError("no")) for n in range(5)]
    with pytest.raises(BlockedError, match="5 of 5"):
        async for _ in Reading(context(), "monitor", targets, report).records(5):
            pass
    assert [one["outcome"] for one in report] == ["error"] * 3 + ["not_tried"] * 2


async def test_one_good_target_makes_a_permanent_failure_none() -> None:
    got = await read("monitor", [failing("a", PermanentError("gone")), paged("b", 3)], 5)
    assert len(got) == 3


@pytest.mark.parametrize(
    "checkpoint", [{}, {"mode": "search"}, {"mode": 5}, {"targets": [1]}, {"mode": "monitor"}]
)
def test_a_checkpoint_that_means_nothing_is_none(checkpoint: dict[str, Any]) -> None:
    assert resumed(checkpoint, "monitor", ["a"]) == Progress(mode="monitor")


def test_a_checkpoint_stays_small() -> None:
    progress = Progress(mode="monitor")
    progress.of("a").seen = [str(n) for n in range(5000)]
    assert len(progress.saved()["targets"]["a"]["seen"]) == 400
    progress.of("a").done = True
    assert progress.saved()["targets"]["a"]["seen"] == []
