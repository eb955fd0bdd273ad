"""Juejin (掘金): articles, pins, tags and themes."""

from __future__ import annotations

from hotstream_reactive.platforms.juejin.adapter import JuejinAdapter
from hotstream_reactive.platforms.juejin.pages import parse_page

__all__ = ["JuejinAdapter", "parse_page"]
