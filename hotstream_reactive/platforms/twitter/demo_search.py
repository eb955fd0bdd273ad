"""The demo site's search: keywords joined with OR, phrases, `from:`, dates and filters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from hotstream_reactive.platforms.twitter.demo_content import Account, Entry, Post

_TERM = re.compile(r'"([^"]*)"|(\S+)')


def search(accounts: Iterable[Account], query: Mapping[str, str]) -> list[Entry]:
    """The posts that match a search address, newest first.

    Args:
        accounts: whose posts are searched.
        query: of the address: ``q``, ``since``, ``until``, ``min_faves``, ``f-…``, ``e-…``.
    """
    wanted, authors = _terms(query.get("q", ""))
    found = {
        post.id: post
        for account in accounts
        for post in account.own_posts
        if (not authors or post.handle.lower() in authors)
        and (not wanted or any(term in post.text.lower() for term in wanted))
        and _passes(post, query)
    }
    ordered = sorted(found.values(), key=lambda post: int(post.id), reverse=True)
    return [Entry(posts=(post,)) for post in ordered]


def _terms(words: str) -> tuple[list[str], set[str]]:
    wanted: list[str] = []
    authors: set[str] = set()
    for phrase, word in _TERM.findall(words):
        term = (phrase or word).lower()
        if word.lower().startswith("from:"):
            authors.add(term.removeprefix("from:"))
        elif word != "OR" and term:
            wanted.append(term)
    return wanted, authors


def _passes(post: Post, query: Mapping[str, str]) -> bool:
    day = f"{post.at:%Y-%m-%d}"
    if (since := query.get("since")) and day < since:
        return False
    if (until := query.get("until")) and day >= until:
        return False
    if (faves := query.get("min_faves", "")).isdigit() and post.likes < int(faves):
        return False
    traits = {
        "media": bool(post.media),
        "images": "photo" in post.media,
        "videos": "video" in post.media,
        "links": "https://" in post.text,
        "quote": post.quote is not None,
        "replies": bool(post.reply_to),
        "mentions": "@" in post.text,
    }
    return all(
        traits.get(name[2:], False) is (name[0] == "f")
        for name, value in query.items()
        if name[:2] in ("f-", "e-") and value == "on"
    )
