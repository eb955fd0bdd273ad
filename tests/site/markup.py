"""Pieces of Nitter's markup, for pages that a test writes itself."""

from __future__ import annotations

NAMES = (
    '<a class="fullname" href="/ada" title="Ada L.">Ada L.<span class="icon-ok"></span></a>'
    '<a class="username" href="/ada" title="@ada">@ada</a>'
)


def item(inner: str = "", *, number: int = 1, css: str = "", link: bool = True) -> str:
    href = f"/ada/status/{number}#m"
    anchor = f'<a class="tweet-link" href="{href}"></a>' if link else ""
    return (
        f'<div class="timeline-item {css}">{anchor}<div class="tweet-body">'
        f'<div><div class="tweet-header">{NAMES}<span class="tweet-date">'
        f'<a href="{href}" title="Jan 1, 2025 · 12:00 AM UTC">now</a></span></div></div>'
        f"{inner}</div></div>"
    )


def timeline(*items: str) -> str:
    return f'<div class="timeline">{"".join(items)}</div>'
