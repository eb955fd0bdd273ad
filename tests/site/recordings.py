"""The recordings beside the checkout, and what their expected files claim."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from hotstream_reactive.model.item import DataItem
from hotstream_reactive.model.page import ParsedPage

REPO = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("HOTSTREAM_SAMPLES") or REPO.parent / "shared" / "samples")
MISSING = f"no recordings below {SAMPLES}: put them there or set HOTSTREAM_SAMPLES"

NOT_COMPARED = {"platform", "source_url", "recorded", "note", "items", "typical_http_status"}
ON_ITEM = ("title", "author", "created_at")


def of(platform: str) -> list[Path]:
    """The recordings of a platform that have an expected file."""
    return sorted(
        path
        for path in (SAMPLES / platform).glob("*")
        if ".expected" not in path.suffixes and path.with_suffix(".expected.json").exists()
    )


def expected(recording: Path) -> dict[str, Any]:
    return json.loads(recording.with_suffix(".expected.json").read_text("utf-8"))


def squeezed(text: str) -> str:
    return " ".join(text.split())


def compare_page(page: ParsedPage, recording: Path) -> None:
    """Every claim about the page holds."""
    want = expected(recording)
    assert page.outcome == want["outcome"], page.message
    assert page.page_kind == want["page_kind"]
    assert len(page.records) == want["item_count"]
    assert page.failure_kind == want.get("failure_kind")
    compared = {"outcome", "page_kind", "item_count", "failure_kind"}
    for key in want.keys() - compared - NOT_COMPARED:
        if key == "message":
            assert squeezed(page.message or "") == squeezed(want[key])
        elif key == "next_cursor":
            assert page.info.get(key, page.next_cursor) == want[key]
            assert (page.next_cursor is None) == (want[key] is None)
        elif key == "http_status":
            assert page.info.get("status") in (None, want[key])
        else:
            assert page.info.get(key) == want[key], key


def compare_item(item: DataItem, want: dict[str, Any]) -> None:
    """Every claim about the item holds."""
    assert item.id == f"{item.platform}_{want['id']}"
    text, subtitle = squeezed(item.content), squeezed(item.metadata.get("subtitle", ""))
    for key, value in want.items():
        accepted = [*want.get(f"{key}_accept", []), value]
        if key == "id" or key.endswith("_accept"):
            continue
        if key == "url":
            assert item.url in accepted
        elif key == "text_start":
            assert text.startswith(squeezed(value)), text[:200]
        elif key == "text_contains":
            assert squeezed(value) in text
        elif key == "subtitle_start":
            assert subtitle.startswith(squeezed(value))
        elif key in ON_ITEM:
            assert getattr(item, key) in accepted, key
        else:
            assert item.metadata.get(key) in accepted, key
