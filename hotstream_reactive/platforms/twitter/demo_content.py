"""Invented accounts and posts for the demo site: the same at every start, so ids are stable."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

NEWEST = datetime(2026, 6, 30, 18, 0, tzinfo=UTC)
_SNOWFLAKE_EPOCH_MS = 1_288_834_974_657


@dataclass(frozen=True, kw_only=True)
class Post:
    """One invented post; `media` is a list of ``photo``, ``video`` and ``gif``."""

    id: str
    handle: str
    at: datetime
    text: str
    replies: int = 0
    reposts: int = 0
    likes: int = 0
    views: int | None = None
    media: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    quote: Post | None = None
    card: tuple[str, str, str] | None = None
    poll: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One place in a timeline: a post or a thread (oldest first), perhaps passed on by somebody."""

    posts: tuple[Post, ...]
    reposted_by: str | None = None
    pinned: bool = False


@dataclass(kw_only=True)
class Account:
    """An invented account with its timeline, newest entry first; a pinned one stands in front."""

    handle: str
    name: str
    bio: str
    subjects: tuple[str, ...]
    joined: datetime
    following: int
    followers: int
    timeline: list[Entry] = field(default_factory=list)

    @property
    def own_posts(self) -> list[Post]:
        """What the account wrote itself, newest first, without repeats."""
        own = {
            post.id: post
            for entry in self.timeline
            if entry.reposted_by is None
            for post in entry.posts
        }
        return sorted(own.values(), key=lambda post: post.at, reverse=True)


_PEOPLE = (
    (
        "harbour_lamp",
        "Harbour Lamp 🗼",
        "Keeper's notes from a small lighthouse.",
        ("fog", "tides"),
    ),
    ("crumb_and_crust", "Crumb & Crust", "Bakery on Mill Lane. Open at six.", ("bread", "ovens")),
    (
        "nightdome",
        "Night Dome Observatory",
        "Public evenings on Fridays.",
        ("comets", "telescopes"),
    ),
    ("moss_garden", "Moss Garden", "A shady garden and its weather.", ("moss", "ferns")),
    ("slowtrain", "The Slow Train", "Branch lines, timetables, tea.", ("railways", "bridges")),
    ("shanlu_cha", "山路茶馆", "山路上的小茶馆，记录四季。", ("茶叶", "山雨")),
)
_SAYINGS = (
    "Another quiet morning with #{subject}.\nNothing to report, which is the best kind of report.",
    "People keep asking about {subject}. Short answer: patience.",
    "Notes on {subject}, part {n}: what worked, what did not & why <simple> wins.",
    "Today's question from a visitor: “do {subject} ever get boring?” No.",
    "We measured {subject} for {n} days. The curve is flatter than we thought.",
    "Long read about {subject}:\n\nhttps://journal.example/{handle}/essays/{n}/the-long-story",
    "{subject}, {n} years on. Thanks to @{friend} for the photographs.",
    "Nobody told us that {subject} would smell like this. #{subject} #weekend",
)
_THREADS = (
    "A short thread about {subject} (1/2)",
    "…and that is why {subject} matter to us. (2/2)",
)


def post_id(at: datetime, sequence: int) -> str:
    """An id as Twitter makes them: time in the upper bits."""
    milliseconds = int(at.timestamp() * 1000) - _SNOWFLAKE_EPOCH_MS
    return str((milliseconds << 22) | (sequence & 0x3FFFFF))


def make_accounts(posts_per_account: int = 60) -> dict[str, Account]:
    """The demo's accounts by lower-case handle, `posts_per_account` own posts each."""
    accounts = {}
    for index, (handle, name, bio, subjects) in enumerate(_PEOPLE):
        accounts[handle] = Account(
            handle=handle,
            name=name,
            bio=bio,
            subjects=subjects,
            joined=datetime(2011 + index, 3, 1 + index, 9, 30, tzinfo=UTC),
            following=40 + index,
            followers=1_000 * (index + 1) + 7 * index,
        )
        _write(accounts[handle], posts_per_account, index)
    _pass_on(list(accounts.values()))
    return accounts


def _write(account: Account, amount: int, index: int) -> None:
    dice = random.Random(account.handle)
    # The millisecond keeps ids of different accounts apart.
    at = NEWEST - timedelta(minutes=7 * index) + timedelta(milliseconds=index)
    written = 0
    entries: list[Entry] = []
    while written < amount:
        at -= timedelta(minutes=dice.randint(20, 240))
        if written % 15 == 14 and written + 1 < amount:
            entries.append(_thread(account, at, written, dice))
            written += 2
        else:
            entries.append(Entry(posts=(_post(account, at, written, dice),)))
            written += 1
        at = entries[-1].posts[-1].at
    if entries and amount >= 10:
        pinned = Entry(posts=entries[-1].posts[:1], pinned=True)
        entries = [pinned, *entries[:-1]]
    account.timeline = entries


def _post(account: Account, at: datetime, number: int, dice: random.Random) -> Post:
    subject = account.subjects[number % len(account.subjects)]
    friend = _PEOPLE[(number + 1) % len(_PEOPLE)][0]
    text = _SAYINGS[number % len(_SAYINGS)].format(
        subject=subject, n=number + 2, handle=account.handle, friend=friend
    )
    media = {3: ("photo",), 7: ("photo", "photo"), 11: ("video",), 13: ("gif",)}.get(
        number % 17, ()
    )
    card = None
    if "https://" in text:
        address = text.rsplit(maxsplit=1)[-1]
        card = (address, f"The long story of {subject}", "An essay in many parts.")
    poll = (("More of it", 61), ("Enough", 39)) if number % 23 == 5 else ()
    return Post(
        id=post_id(at, number),
        handle=account.handle,
        at=at,
        text=text,
        replies=dice.choice((0, 0, 1, 4, 12)),
        reposts=dice.choice((0, 2, 9, 120)),
        likes=dice.randint(0, 5_000),
        views=dice.randint(100, 2_000_000) if number % 5 else None,
        media=media,
        reply_to=(friend,) if number % 19 == 9 else (),
        card=card,
        poll=poll,
    )


def _thread(account: Account, at: datetime, number: int, dice: random.Random) -> Entry:
    subject = account.subjects[number % len(account.subjects)]
    # The first part is older than some entries that stand below the thread.
    first_at = at - timedelta(hours=9)
    return Entry(
        posts=tuple(
            Post(
                id=post_id(when, number + part),
                handle=account.handle,
                at=when,
                text=_THREADS[part].format(subject=subject),
                likes=dice.randint(0, 900),
                views=dice.randint(100, 9_000),
            )
            for part, when in enumerate((first_at, at))
        )
    )


def _pass_on(accounts: list[Account]) -> None:
    """Let every account pass on and quote some posts of the next one."""
    originals = [account.own_posts for account in accounts]
    for index, account in enumerate(accounts):
        theirs = originals[(index + 1) % len(accounts)]
        if len(theirs) < 10 or len(account.timeline) < 10:
            continue
        entries = account.timeline
        entries.insert(4, Entry(posts=(theirs[6],), reposted_by=account.name))
        entries.insert(9, Entry(posts=(theirs[9],), reposted_by=account.name))
        quoting = entries[6].posts[0]
        quoted = replace(quoting, quote=theirs[8], text="Worth reading twice.", card=None)
        entries[6] = Entry(posts=(quoted, *entries[6].posts[1:]))
