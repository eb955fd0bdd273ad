"""The demo site's RSS feeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from email.utils import format_datetime
from html import escape

from hotstream_reactive.platforms.twitter.demo_content import Entry, Post


def feed(title: str, entries: Iterable[Entry], names: Mapping[str, str], base: str) -> str:
    """A feed of the given entries; `base` is the address of the site."""
    items = "".join(_item(post, entry, names, base) for entry in entries for post in entry.posts)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel>'
        f"<title>{escape(title)}</title><link>{base}</link><language>en-us</language><ttl>40</ttl>"
        f"{items}</channel></rss>"
    )


def _item(post: Post, entry: Entry, names: Mapping[str, str], base: str) -> str:
    prefix = ""
    if entry.pinned:
        prefix = "Pinned: "
    elif entry.reposted_by:
        passed_on_by = next((h for h, name in names.items() if name == entry.reposted_by), "")
        prefix = f"RT by @{passed_on_by}: "
    elif post.reply_to:
        prefix = f"R to @{post.reply_to[0]}: "
    text = escape(post.text, quote=False)
    lines = text.replace("\n", "<br>\n")
    pictures = "".join(
        f'<img src="{base}/pic/media%2F{post.id}_{number}.jpg" />'
        for number, kind in enumerate(post.media)
        if kind == "photo"
    )
    return (
        f"<item><title>{prefix}{' '.join(text.split())}</title>"
        f"<dc:creator>@{post.handle}</dc:creator>"
        f"<description><![CDATA[<p>{lines}</p>{pictures}]]></description>"
        f"<pubDate>{format_datetime(post.at, usegmt=True)}</pubDate>"
        f'<guid isPermaLink="false">{post.id}</guid>'
        f"<link>{base}/{post.handle}/status/{post.id}#m</link></item>"
    )
