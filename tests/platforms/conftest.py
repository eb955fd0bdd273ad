"""A misbehaving site and adapters that read from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hotstream_reactive.platforms.twitter import TwitterAdapter
from hotstream_reactive.platforms.twitter.client import Shared
from hotstream_reactive.settings import FetchSettings
from tests.site.nitter import MisbehavingSite
from tests.site.runs import AdapterRun


@pytest.fixture
async def site() -> AsyncIterator[MisbehavingSite]:
    async with MisbehavingSite() as running:
        yield running


@pytest.fixture
async def second_site() -> AsyncIterator[MisbehavingSite]:
    async with MisbehavingSite() as running:
        yield running


class Run(AdapterRun):
    """One run of the Twitter adapter against sites."""

    def __init__(
        self,
        *instances: str,
        shared: Shared | None = None,
        browser: str = "never",
        timeout: float = 10.0,
        max_body_mb: int = 20,
        **options: Any,
    ) -> None:
        adapter = TwitterAdapter()
        adapter.shared = shared or Shared()
        super().__init__(
            adapter,
            platform={"instances": list(instances), "browser": browser},
            fetch=FetchSettings(timeout=timeout, max_body_mb=max_body_mb),
            **options,
        )


@pytest.fixture
def start() -> Callable[..., Run]:
    return Run
