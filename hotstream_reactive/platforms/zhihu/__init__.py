"""Zhihu (知乎), read in a browser with a session of the user's own."""

from __future__ import annotations

from hotstream_reactive.platforms.zhihu.adapter import ZhihuAdapter
from hotstream_reactive.platforms.zhihu.pages import parse_page

__all__ = ["ZhihuAdapter", "parse_page"]
