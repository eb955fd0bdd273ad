"""Medium: feeds, lists and articles."""

from __future__ import annotations

from hotstream_reactive.platforms.medium.pages import parse_page

__all__ = ["parse_page"]
