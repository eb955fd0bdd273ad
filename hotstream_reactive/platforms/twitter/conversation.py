"""Posts with their conversation: which ones a task names, and what part of it a post is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from selectolax.lexbor import LexborNode

from hotstream_reactive.errors import PermanentError
from hotstream_reactive.platforms.twitter.links import PostLink, asked_post, post_url
from hotstream_reactive.platforms.twitter.query import Target

Record = dict[str, Any]

_PARTS = {
    "main-tweet": "main",
    "before-tweet": "before",
    "after-tweet": "after",
    "reply": "reply",
}
# The post that was asked for first, then what leads to it, what its author added, the replies.
_ORDER = ("main", "before", "after", "reply")
_MOST_LEVELS = 8
_MOST_ID_DIGITS = 20


def named_posts(
    keywords: Iterable[str], option: Any, instance_hosts: frozenset[str]
) -> tuple[list[Target], list[str]]:
    """The posts that a task names, and the keywords that are none.

    Args:
        keywords: of the task; one that is the address of a post names that post.
        option: `options.posts`: a list of addresses and ids.
        instance_hosts: hosts of the configured instances, whose addresses are known too.

    Raises:
        PermanentError: (`bad_option`) the option holds something else.
    """
    links: list[PostLink] = []
    words: list[str] = []
    for keyword in keywords:
        link = asked_post(keyword, instance_hosts=instance_hosts)
        if link is None:
            words.append(keyword)
        else:
            links.append(link)
    if option is not None and not isinstance(option, list):
        raise _bad(option)
    links += [_named(one, instance_hosts) for one in option or ()]
    targets = {link.id: _target(link) for link in links}
    return list(targets.values()), words


def _named(given: Any, instance_hosts: frozenset[str]) -> PostLink:
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if isinstance(given, str):
        text = given.strip()
        if text.isascii() and text.isdigit() and len(text) <= _MOST_ID_DIGITS:
            return PostLink(text, None)
        if (link := asked_post(text, instance_hosts=instance_hosts)) is not None:
            return link
    raise _bad(given)


def _bad(value: Any) -> PermanentError:
    return PermanentError(
        f"option posts is {value!r}: expected a list of addresses such as "
        "https://x.com/name/status/123, or of ids as text",
        kind="bad_option",
    )


def _target(link: PostLink) -> Target:
    return Target(
        name=post_url(link.id, link.handle),
        path=f"/{link.handle or 'i'}/status/{link.id}",
        ordered=False,
        post=link.id,
    )


def part_of(item: LexborNode) -> str | None:
    """What an item is in a conversation: `main`, `before` or `after` it, or `reply`; else None."""
    node = item.parent
    for _ in range(_MOST_LEVELS):
        if node is None:
            return None
        for name in (node.attributes.get("class") or "").split():
            if name in _PARTS:
                return _PARTS[name]
        node = node.parent
    return None


def mark(records: Sequence[Record], parts: Sequence[str | None]) -> str | None:
    """Note in each record its part; gives the id of the main post, if the page shows it."""
    root = next(
        (one["id"] for one, part in zip(records, parts, strict=True) if part == "main"), None
    )
    for record, part in zip(records, parts, strict=True):
        if part is not None:
            record["conversation"] = {"part": part, **({"root": root} if root else {})}
    return root


def main_first(records: Iterable[Record]) -> list[Record]:
    """The records of a conversation as they are wanted; those of a list stay as they are."""

    def rank(record: Record) -> int:
        part = record.get("conversation", {}).get("part", "reply")
        return _ORDER.index(part)

    return sorted(records, key=rank)
