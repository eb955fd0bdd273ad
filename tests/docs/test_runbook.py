"""The runbook knows every message, and every message that it knows is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hotstream_reactive.dashboard.words import CHINESE as WORDS
from tests.docs import messages

PAGE = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text("utf-8")
ROWS = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", PAGE, re.M)
QUOTED = [quote for row in ROWS for quote in re.findall(r"`([^`]+)`", row)]
LONG_ENOUGH = 12


@pytest.mark.parametrize("text", sorted(messages.events()))
def test_every_bad_event_is_there(text: str) -> None:
    assert text in QUOTED


@pytest.mark.parametrize("text", sorted(messages.log_lines() | messages.error_texts()))
def test_every_message_is_there(text: str) -> None:
    shown = text.replace("`", "")
    assert any(_begins(shown, quote) for quote in QUOTED), "add it to docs/runbook.md"


@pytest.mark.parametrize("quote", QUOTED)
def test_what_is_quoted_exists(quote: str) -> None:
    known = messages.events() | messages.all_texts() | WORDS.keys()
    assert any(text.replace("`", "") == quote or _begins(text, quote) for text in known)


def _begins(text: str, quote: str) -> bool:
    """Whether a message begins as the page has it; a short quote must be all of it."""
    bare = quote.rstrip("…: ")
    return text.rstrip("…: ") == bare or (len(bare) >= LONG_ENOUGH and text.startswith(bare))
