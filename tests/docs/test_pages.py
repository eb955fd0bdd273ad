"""Pages name settings that there are, and files that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hotstream_reactive.settings_file import FIELDS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("examples/*.md")])


def test_the_migration_names_settings_that_there_are() -> None:
    text = (ROOT / "docs" / "migration.md").read_text("utf-8")
    rows = [line.split("|")[2] for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 15
    named = {
        key
        for cell in rows
        for key in re.findall(r"`((?:fetch|platforms|monitoring|scheduler)\.[\w.<>]+)`", cell)
    }
    assert len(named) >= 6
    known = {key.replace("*", "<name>") for key in FIELDS}
    assert named <= known, named - known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
