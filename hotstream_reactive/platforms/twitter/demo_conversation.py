"""The demo site's conversation pages: a post, what leads to it, what follows, and replies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from hotstream_reactive.platforms.twitter import demo_pages
from hotstream_reactive.platforms.twitter.demo_content import Account, Entry, Post, post_id

THREADS_PER_PAGE = 5
_MOST_REPLIES = 12
_ANSWERS = (
    "Same here, @{author}. We noticed it on Tuesday.",
    "Is there a longer version of this somewhere?",
    "Thank you for measuring it!",
    "My grandmother would disagree, and she is usually right.",
)
_THANKS = "Good question, thank you."


class Conversation(NamedTuple):
    """A post with its surroundings; `replies` are threads, each oldest post first."""

    post: Post
    before: tuple[Post, ...]
    after: tuple[Post, ...]
    replies: tuple[tuple[Post, ...], ...]


def find(accounts: Iterable[Account], wanted: str) -> Conversation | None:
    """The conversation around the post with this id; None when there is none."""
    accounts = list(accounts)
    for account in accounts:
        for entry in account.timeline:
            for place, post in enumerate(entry.posts):
                if post.id == wanted and entry.reposted_by is None:
                    others = [one.handle for one in accounts if one.handle != post.handle]
                    return Conversation(
                        post, entry.posts[:place], entry.posts[place + 1 :], _replies(post, others)
                    )
    return None


def _replies(post: Post, others: list[str]) -> tuple[tuple[Post, ...], ...]:
    threads = []
    for number in range(min(post.replies, _MOST_REPLIES)):
        at = post.at + timedelta(minutes=number + 1)
        reply = Post(
            id=post_id(at, 7000 + number),
            handle=others[number % len(others)],
            at=at,
            text=_ANSWERS[number % len(_ANSWERS)].format(author=post.handle),
            likes=number,
            reply_to=(post.handle,),
        )
        later = at + timedelta(seconds=30)
        thanks = Post(
            id=post_id(later, 8000 + number),
            handle=post.handle,
            at=later,
            text=_THANKS,
            reply_to=(reply.handle,),
        )
        threads.append((reply, thanks) if number % 4 == 1 else (reply,))
    return tuple(threads)


def page(found: Conversation, names: dict[str, str], *, start: int, more: str | None) -> str:
    """The page of a conversation.

    Args:
        found: what it shows.
        names: display names by handle.
        start: the first thread of replies to show.
        more: the cursor of the next page; None ends the list.
    """
    main = _items(found.post, names=names)
    thread = f'<div class="main-tweet" id="m">{main}</div>'
    if found.before:
        earlier = _items(*found.before, names=names)
        thread = f'<div class="before-tweet thread-line">{earlier}</div>{thread}'
    if found.after:
        thread += f'<div class="after-tweet thread-line">{_items(*found.after, names=names)}</div>'
    shown = found.replies[start : start + THREADS_PER_PAGE]
    replies = "".join(
        f'<div class="reply thread thread-line">{_items(*posts, names=names)}</div>'
        for posts in shown
    )
    if more is not None:
        replies += f'<div class="show-more"><a href="?cursor={more}#r">Load more</a></div>'
    newer = '<div class="timeline-item show-more"><a href="#r">Load newest</a></div>'
    author = names.get(found.post.handle, found.post.handle)
    return demo_pages.page(
        f'{author} (@{found.post.handle}): "{found.post.text[:40]}"',
        f'<div class="conversation" id="posts"><div class="main-thread">{thread}</div>'
        f'{newer if start else ""}<div class="replies" id="r">{replies}</div></div>',
        canonical=f"/{found.post.handle}/status/{found.post.id}",
    )


def _items(*posts: Post, names: dict[str, str]) -> str:
    return "".join(demo_pages.item(post, names, Entry(posts=(post,))) for post in posts)
