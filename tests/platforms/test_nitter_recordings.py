"""Recorded pages of real instances, read as their expected files say."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hotstream_reactive.extractors.twitter import TwitterExtractor
from hotstream_reactive.model.page import ParsedPage
from hotstream_reactive.platforms.twitter import parse_page

REPO = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("HOTSTREAM_SAMPLES") or REPO.parent / "shared" / "samples")
RECORDINGS = sorted(
    path
    for path in (SAMPLES / "nitter").glob("*")
    if path.suffix in (".html", ".xml") and path.with_suffix(".expected.json").exists()
)

if not RECORDINGS:
    pytest.skip(
        f"no recordings at {SAMPLES / 'nitter'}: put them there or set HOTSTREAM_SAMPLES",
        allow_module_level=True,
    )

ON_ITEM = ("author", "url", "created_at")
IN_METADATA = (
    "handle",
    "likes",
    "reposts",
    "replies",
    "quotes",
    "views",
    "video_views",
    "is_repost",
    "reposted_by",
    "is_pinned",
    "reply_to",
    "card_title",
)
CLAIMS_ABOUT_TEXT = ("text_start", "text_contains")


def squeezed(text: str) -> str:
    return " ".join(text.split())


def expected_of(recording: Path) -> dict[str, Any]:
    return json.loads(recording.with_suffix(".expected.json").read_text(encoding="utf-8"))


def page_of(recording: Path) -> ParsedPage:
    return parse_page(recording.read_text(encoding="utf-8"))


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.name)
def recording(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_page(recording: Path) -> None:
    expected = expected_of(recording)
    page = page_of(recording)
    assert page.outcome == expected["outcome"]
    assert page.page_kind == expected["page_kind"]
    assert page.failure_kind == expected.get("failure_kind")
    assert len(page.records) == expected["item_count"]
    assert page.next_cursor == expected.get("next_cursor_href")
    assert len(page.info.get("unavailable", [])) == expected.get("unavailable_count", 0)
    for key in ("message",):
        if key in expected:
            assert squeezed(page.message or "") == squeezed(expected[key])
    if "title" in expected:
        assert page.info["title"] == expected["title"]
    if "retry_on_other_instance" in expected:
        assert page.retry_elsewhere is expected["retry_on_other_instance"]
    if "profile" in expected:
        assert expected["profile"].items() <= page.info["profile"].items()


@pytest.mark.anyio
async def test_items(recording: Path) -> None:
    expected = expected_of(recording)
    page = page_of(recording)
    extractor = TwitterExtractor()
    items = [await extractor.extract(record) for record in page.records]
    assert [item.id for item in items] == [f"twitter_{want['id']}" for want in expected["items"]]
    for item, want in zip(items, expected["items"], strict=True):
        assert extractor.validate(item)
        checked = {"id"}
        for key in ON_ITEM:
            if key in want:
                assert getattr(item, key) == want[key], (item.id, key)
        for key in IN_METADATA:
            if key in want:
                assert item.metadata[key] == want[key], (item.id, key)
        text = squeezed(item.content)
        if "text_start" in want:
            assert text.startswith(squeezed(want["text_start"])), item.id
        if "text_contains" in want:
            assert squeezed(want["text_contains"]) in text, item.id
        if "media" in want:
            assert item.metadata["media"] == want["media"], item.id
            assert len(item.metadata.get("media_urls", [])) <= sum(want["media"].values())
        if "quote" in want:
            compare_quote(item.metadata["quote"], want["quote"])
        checked |= {*ON_ITEM, *IN_METADATA, *CLAIMS_ABOUT_TEXT, "media", "quote"}
        assert want.keys() <= checked, "an expected key nobody compares"


def compare_quote(quote: dict[str, Any], want: dict[str, Any]) -> None:
    for key, value in want.items():
        if key == "text_start":
            assert squeezed(quote["text"]).startswith(squeezed(value))
        else:
            assert quote[key] == value
