"""The demo site's pages in the markup of a Nitter instance of 2026."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from html import escape
from urllib.parse import quote, urlencode

from hotstream_reactive.platforms.twitter.demo_content import Account, Entry, Post

SITE = "nitter"
_WORDS = re.compile(r"(?P<url>https?://[^\s<]+)|(?P<tag>#\w+)|(?P<at>@\w{1,15})")
_SHOWN_LINK_CHARS = 28


def page(title: str, body: str, *, canonical: str = "/") -> str:
    """A whole page with Nitter's head and navigation."""
    full = f"{title} | {SITE}" if title else SITE
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(full)}</title>"
        f'<link rel="canonical" href="https://x.com{escape(canonical)}">'
        '<meta property="og:site_name" content="Nitter">'
        f'<meta property="og:title" content="{escape(title)}"></head>'
        '<body><nav><div class="inner-nav"><div class="nav-item">'
        f'<a class="site-name" href="/">{SITE}</a></div></div></nav>'
        f'<div class="container">{body}</div></body></html>'
    )


def error(message: str) -> str:
    """Nitter's error page."""
    panel = (
        f'<div class="panel-container"><div class="error-panel"><span>{message}</span></div></div>'
    )
    return page("Error", panel)


def about() -> str:
    """The description of the instance."""
    return page(
        "",
        '<div class="overlay-panel"><h1>About</h1><p>A demonstration that speaks the page language '
        'of <a href="https://github.com/zedeus/nitter">Nitter</a>, with invented people.</p></div>',
        canonical="/about",
    )


def account_page(account: Account, timeline: str, *, tab: str = "") -> str:
    """A profile with its card and the given timeline."""
    name = escape(account.name)
    tabs = "".join(
        f'<li class="tab-item{" active" if tab == path else ""}">'
        f'<a href="/{account.handle}{path}">{label}</a></li>'
        for path, label in (("", "Tweets"), ("/with_replies", "Tweets &amp; Replies"))
    )
    return page(
        f"{account.name} (@{account.handle})",
        f'<div class="profile-tabs"><div class="profile-tab sticky">{profile_card(account)}</div>'
        f'<div class="timeline-container"><ul class="tab">{tabs}</ul>{timeline}</div></div>'
        f"<!-- {name} -->",
        canonical=f"/{account.handle}",
    )


def profile_card(account: Account) -> str:
    """The card with names, biography and counters."""
    numbers = {
        "posts": len(account.own_posts),
        "following": account.following,
        "followers": account.followers,
        "likes": 12 * account.following,
    }
    stats = "".join(
        f'<li class="{key}"><span class="profile-stat-header">{key.title()}</span>'
        f'<span class="profile-stat-num">{value:,}</span></li>'
        for key, value in numbers.items()
    )
    joined = f"{_clock(account.joined)} - {account.joined.day} {account.joined:%b %Y}"
    return (
        '<div class="profile-card"><div class="profile-card-info">'
        '<div class="profile-card-tabs-name">'
        f'<a class="profile-card-fullname" href="/{account.handle}" title="{escape(account.name)}">'
        f"{escape(account.name)}</a>"
        f'<a class="profile-card-username" href="/{account.handle}" title="@{account.handle}">'
        f"@{account.handle}</a></div></div>"
        f'<div class="profile-card-extra"><div class="profile-bio"><p dir="auto">'
        f"{escape(account.bio)}</p></div>"
        f'<div class="profile-joindate"><span title="{joined}">Joined</span></div>'
        f'<div class="profile-card-extra-links"><ul class="profile-statlist">{stats}</ul></div>'
        "</div></div>"
    )


def protected(account: Account) -> str:
    """What stands in place of the timeline of an account that only followers may read."""
    return (
        '<div class="timeline-container"><div class="timeline-header timeline-protected">'
        "<h2>This account's tweets are protected.</h2>"
        f"<p>Only confirmed followers have access to @{account.handle}'s tweets.</p></div></div>"
    )


def search_page(query: str, timeline: str) -> str:
    """The search form with results below."""
    return page(
        f"Search ({query})",
        '<div class="timeline-container"><div class="timeline-header"><form class="search-field">'
        f'<div class="search-bar"><input name="q" value="{escape(query)}"></div></form></div>'
        f"{timeline}</div>",
        canonical="/search",
    )


def timeline(
    entries: Iterable[Entry],
    names: dict[str, str],
    *,
    first: bool,
    more: dict[str, str] | None,
    path: str,
) -> str:
    """A timeline.

    Args:
        entries: what this page shows, in order.
        names: display names by handle.
        first: whether this is page one; later pages begin with "Load newest".
        more: the query of the next page; None ends the list.
        path: of this page, for "Load newest".
    """
    parts = (
        []
        if first
        else [f'<div class="timeline-item show-more"><a href="{path}">Load newest</a></div>']
    )
    shown = False
    for entry in entries:
        shown = True
        if len(entry.posts) == 1:
            parts.append(item(entry.posts[0], names, entry))
        else:
            inner = [item(post, names, entry, css="thread ") for post in entry.posts[:-1]]
            inner.append(item(entry.posts[-1], names, entry, css="thread-last thread "))
            parts.append(f'<div class="thread-line">{"".join(inner)}</div>')
    if not shown:
        parts.append(
            '<div class="timeline-header"><h2 class="timeline-none">No items found</h2></div>'
            if first
            else '<div class="timeline-footer"><h2 class="timeline-end">No more items</h2></div>'
        )
    elif more is not None:
        href = escape("?" + urlencode(more, quote_via=quote))
        parts.append(f'<div class="show-more"><a href="{href}">Load more</a></div>')
    return f'<div class="timeline">{"".join(parts)}</div>'


def item(post: Post, names: dict[str, str], entry: Entry, *, css: str = "") -> str:
    """One post."""
    header = ""
    if entry.pinned:
        header = f'<div class="pinned"><span>{_icon("pin", "Pinned Tweet")}</span></div>'
    elif entry.reposted_by:
        label = f"{escape(entry.reposted_by)} retweeted"
        header = f'<div class="retweet-header"><span>{_icon("retweet", label)}</span></div>'
    reply = ""
    if post.reply_to:
        links = " ".join(f'<a href="/{handle}">@{handle}</a>' for handle in post.reply_to)
        reply = f'<div class="replying-to">Replying to {links}</div>'
    return (
        f'<div class="timeline-item {css}" data-username="{post.handle}">'
        f'<a class="tweet-link" href="{_link(post)}"></a><div class="tweet-body"><div>{header}'
        f'<div class="tweet-header">{_names(post, names)}</div></div>{reply}'
        f'<div class="tweet-content media-body" dir="auto">{_marked_up(post.text)}</div>'
        f"{_card(post)}{_media(post)}{_poll(post)}{_quote(post, names)}{_stats(post)}</div></div>"
    )


def _link(post: Post) -> str:
    return f"/{post.handle}/status/{post.id}#m"


def _names(post: Post, names: dict[str, str]) -> str:
    name = escape(names.get(post.handle, post.handle))
    return (
        '<div class="tweet-name-row"><div class="fullname-and-username">'
        f'<a class="fullname" href="/{post.handle}" title="{name}">{name}</a>'
        f'<a class="username" href="/{post.handle}" title="@{post.handle}">@{post.handle}</a></div>'
        f'<span class="tweet-date"><a href="{_link(post)}" title="{_date(post.at)}">'
        f"{post.at:%b} {post.at.day}</a></span></div>"
    )


def _clock(at: datetime) -> str:
    return f"{at.hour % 12 or 12}:{at:%M} {'PM' if at.hour >= 12 else 'AM'}"


def _date(at: datetime) -> str:
    return f"{at:%b} {at.day}, {at.year} · {_clock(at)} UTC"


def _icon(name: str, label: str = "") -> str:
    words = f" {label}" if label else ""
    return f'<div class="icon-container"><span class="icon-{name}" title=""></span>{words}</div>'


def _marked_up(text: str) -> str:
    parts, end = [], 0
    for match in _WORDS.finditer(text):
        parts.append(escape(text[end : match.start()], quote=False))
        end = match.end()
        if url := match["url"]:
            shown = url.split("://", 1)[1]
            if len(shown) > _SHOWN_LINK_CHARS:
                shown = shown[:_SHOWN_LINK_CHARS] + "…"
            parts.append(f'<a href="{escape(url)}">{escape(shown)}</a>')
        elif tag := match["tag"]:
            parts.append(f'<a href="/search?f=tweets&amp;q={quote(tag)}">{tag}</a>')
        else:
            parts.append(f'<a href="/{match["at"][1:]}">{match["at"]}</a>')
    parts.append(escape(text[end:], quote=False))
    return "".join(parts)


def _card(post: Post) -> str:
    if post.card is None:
        return ""
    url, title, description = map(escape, post.card)
    return (
        f'<div class="card large"><a class="card-container" href="{url}">'
        '<div class="card-content-container"><div class="card-content">'
        f'<h2 class="card-title">{title}</h2><p class="card-description">{description}</p>'
        '<span class="card-destination">journal.example</span></div></div></a></div>'
    )


def _media(post: Post) -> str:
    if not post.media:
        return ""
    if post.media == ("video",):
        return (
            '<div class="attachments card"><div class="gallery-video"><div class="attachment">'
            f'<video poster="/pic/ext_tw_video_thumb%2F{post.id}%2Fimg.jpg" controls="">'
            f'<source src="/video/0A1B2C3D4E5F6/https%3A%2F%2Fvideo.twimg.com%2Fext_tw_video%2F'
            f'{post.id}%2Fclip.mp4" type="video/mp4"></video></div></div></div>'
        )
    if post.media == ("gif",):
        return (
            '<div class="attachments media-gif"><div class="attachment"><video class="gif" '
            f'poster="/pic/tweet_video_thumb%2F{post.id}.jpg" autoplay="" muted="" loop="">'
            f'<source src="/pic/video.twimg.com%2Ftweet_video%2F{post.id}.mp4" type="video/mp4">'
            "</video></div></div>"
        )
    photos = "".join(
        f'<div class="attachment"><a class="still-image" href="/pic/orig/media%2F{post.id}_{number}'
        f'.jpg"><img src="/pic/media%2F{post.id}_{number}.jpg%3Fname%3Dsmall" alt=""></a></div>'
        for number, _kind in enumerate(post.media)
    )
    return f'<div class="attachments"><div class="gallery-row">{photos}</div></div>'


def _poll(post: Post) -> str:
    if not post.poll:
        return ""
    best = max(value for _, value in post.poll)
    meters = "".join(
        f'<div class="poll-meter{" leader" if value == best else ""}">'
        f'<span class="poll-choice-value">{value}%</span>'
        f'<span class="poll-choice-option">{escape(option)}</span></div>'
        for option, value in post.poll
    )
    info = "1,234 votes • Final results"
    return f'<div class="poll">{meters}<span class="poll-info">{info}</span></div>'


def _quote(post: Post, names: dict[str, str]) -> str:
    if post.quote is None:
        return ""
    return (
        f'<div class="quote quote-big"><a class="quote-link" href="{_link(post.quote)}"></a>'
        f"{_names(post.quote, names)}"
        f'<div class="quote-text" dir="auto">{_marked_up(post.quote.text)}</div></div>'
    )


def _stats(post: Post) -> str:
    shown = (
        ("comment", post.replies),
        ("retweet", post.reposts),
        ("heart", post.likes),
        ("views", post.views),
    )
    stats = "".join(
        f'<span class="tweet-stat">{_icon(name, f"{value:,}" if value else "")}</span>'
        for name, value in shown
    )
    return f'<div class="tweet-stats">{stats}</div>'
