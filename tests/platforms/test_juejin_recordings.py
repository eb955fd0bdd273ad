"""Recorded answers of Juejin, read as their expected files say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hotstream_reactive.extractors.juejin import JuejinExtractor
from hotstream_reactive.model.page import ParsedPage
from hotstream_reactive.platforms.juejin import parse_page
from tests.site import recordings

RECORDINGS = recordings.of("juejin")
if not RECORDINGS:
    pytest.skip(recordings.MISSING, allow_module_level=True)


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.name)
def recording(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_page(recording: Path) -> None:
    recordings.compare_page(parse_page(recording.read_text("utf-8")), recording)


def test_the_address_changes_nothing(recording: Path) -> None:
    want = recordings.expected(recording)
    page = parse_page(recording.read_text("utf-8"), url=want.get("source_url"), status=200)
    recordings.compare_page(page, recording)


@pytest.fixture
def page(recording: Path) -> ParsedPage:
    return parse_page(recording.read_text("utf-8"))


@pytest.mark.anyio
async def test_items(recording: Path, page: ParsedPage) -> None:
    items = [await JuejinExtractor().extract(record) for record in page.records]
    wanted: list[dict[str, Any]] = recordings.expected(recording)["items"]
    for item, want in zip(items, wanted, strict=True):
        recordings.compare_item(item, want)
