"""Twitter through Nitter instances."""

from __future__ import annotations

from hotstream_reactive.platforms.twitter.adapter import TwitterAdapter
from hotstream_reactive.platforms.twitter.pages import parse_page

__all__ = ["TwitterAdapter", "parse_page"]
