"""Every guarantee names tests, and the tests are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text("utf-8")
SECTIONS = PAGE.split("\n## ")[1:]
THERE = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"def (test_\w+)\(", path.read_text("utf-8"))
}


def test_every_test_that_is_named_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 40
    assert named <= THERE, sorted(named - THERE)


def test_every_guarantee_says_what_is_not_and_which_tests_break_it() -> None:
    for section in SECTIONS[:-1]:
        title = section.partition("\n")[0]
        for part in ("**What is guaranteed.**", "**What is not.**", "**Tests.**"):
            assert part in section, f"{title}: {part}"
        assert "`test_" in section.partition("**Tests.**")[2], title
