"""Medium: feeds, lists, articles and searches."""

from __future__ import annotations

from hotstream_reactive.platforms.medium.adapter import MediumAdapter
from hotstream_reactive.platforms.medium.pages import parse_page

__all__ = ["MediumAdapter", "parse_page"]
