"""Recorded answers and pages of Zhihu, read as their expected files say."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hotstream_reactive.extractors.zhihu import ZhihuExtractor
from hotstream_reactive.model.page import ParsedPage
from hotstream_reactive.platforms.zhihu import parse_page

REPO = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("HOTSTREAM_SAMPLES") or REPO.parent / "shared" / "samples")
RECORDINGS = sorted(
    path
    for path in (SAMPLES / "zhihu").glob("*")
    if path.suffix in (".html", ".json")
    and not path.name.endswith(".expected.json")
    and path.with_suffix(".expected.json").exists()
)

if not RECORDINGS:
    pytest.skip(
        f"no recordings at {SAMPLES / 'zhihu'}: put them there or set HOTSTREAM_SAMPLES",
        allow_module_level=True,
    )

ON_ITEM = ("title", "author", "url", "created_at")
ABOUT_THE_RECORDING = {
    *("platform", "source_url", "recorded", "note", "http_status", "typical_http_status"),
    *("item_count", "items", "unique_count"),
}


def squeezed(text: str) -> str:
    return " ".join(text.split())


def expected_of(recording: Path) -> dict[str, Any]:
    return json.loads(recording.with_suffix(".expected.json").read_text(encoding="utf-8"))


def page_of(recording: Path, **known: Any) -> ParsedPage:
    return parse_page(recording.read_text(encoding="utf-8"), **known)


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.name)
def recording(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture(params=["alone", "with address and status"])
def page(request: pytest.FixtureRequest, recording: Path) -> ParsedPage:
    if request.param == "alone":
        return page_of(recording)
    expected = expected_of(recording)
    status = expected.get("http_status") or expected.get("typical_http_status") or 200
    address = (expected["source_url"] or "").split(" ")[0] or None
    return page_of(recording, url=address, status=status)


def test_page(recording: Path, page: ParsedPage) -> None:
    expected = expected_of(recording)
    assert page.outcome == expected["outcome"]
    assert page.page_kind == expected["page_kind"]
    assert page.failure_kind == expected.get("failure_kind")
    assert len(page.records) == expected["item_count"]
    assert page.next_cursor == expected.get("next_cursor")
    if "is_end" in expected:
        assert page.info["is_end"] is expected["is_end"]
    if "message" in expected:
        assert page.message == expected["message"]
    assert page.info.get("other_results", []) == expected.get("other_results", [])
    checked = {
        *("outcome", "page_kind", "failure_kind", "next_cursor", "is_end", "message"),
        "other_results",
    }
    assert expected.keys() <= checked | ABOUT_THE_RECORDING, "an expected key nobody compares"


@pytest.mark.anyio
async def test_items(recording: Path, page: ParsedPage) -> None:
    expected = expected_of(recording)
    extractor = ZhihuExtractor()
    items = [await extractor.extract(record) for record in page.records]
    for item, want in zip(items, expected["items"], strict=True):
        assert extractor.validate(item)
        identity = want.get("id", want.get("query"))
        assert item.id == f"zhihu_{want['kind']}_{identity}"
        text = squeezed(item.content)
        for key, value in want.items():
            if key in ON_ITEM:
                assert getattr(item, key) == value, (item.id, key)
            elif key == "text_start":
                assert text.startswith(squeezed(value)), item.id
            elif key == "text_contains":
                assert squeezed(value) in text, item.id
            elif key != "id":
                assert item.metadata[key] == value, (item.id, key)
