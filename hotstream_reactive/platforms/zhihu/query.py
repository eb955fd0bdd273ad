"""What a task asks for, as pages of the site and the answers that those pages ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal
from urllib.parse import quote, unquote, urlencode, urlsplit

import msgspec

from hotstream_reactive.errors import PermanentError
from hotstream_reactive.platforms.base import SearchOptions
from hotstream_reactive.platforms.zhihu.links import path_of

Kind = Literal["", "hot", "topsearch"]

_SORTS = {
    **dict.fromkeys(("", "relevance", "default"), ""),
    **dict.fromkeys(("upvoted_count", "likes", "top", "popular"), "upvoted_count"),
    **dict.fromkeys(
        ("created_time", "created", "date", "time", "newest", "latest"), "created_time"
    ),
}
_VERTICALS = ("answer", "article", "zvideo")
_INTERVALS = ("a_day", "a_week", "a_month", "three_months", "half_a_year", "a_year")
#: Lists of an account: part of the page's address, part of the API's, kind of page.
_LISTS = {
    "answers": ("answers", r"/(?:members|people|org)/[^/]+/answers\b", "member_answers"),
    "articles": ("posts", r"/(?:members|people|org)/[^/]+/articles\b", "member_articles"),
    "pins": ("pins", r"/pins/[^/]+/moments\b|/(?:members|org)/[^/]+/pins\b", "member_pins"),
    "activities": ("activities", r"/(?:moments|members)/[^/]+/activities\b", "member_activities"),
}
_TOKEN = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
_GROUPS = frozenset({"people", "org", "column", "question"})
_SITE_HOST = "zhihu.com"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Target(msgspec.Struct, kw_only=True, frozen=True):
    """One list to read.

    `name` is for reports and checkpoints; `path` is that of the page, with its query; `answers`
    matches the path of what the page asks the API for; `page_kind` is what both hold; `newest`
    says whether the list is ordered by time, newest first.
    """

    name: str
    path: str
    answers: str
    page_kind: str
    newest: bool = False

    def is_answer(self, url: str) -> bool:
        """Whether an address is that of an answer with the list's data."""
        return re.search(self.answers, path_of(url)) is not None


class Wishes(msgspec.Struct, kw_only=True, frozen=True):
    """The options of a task that concern Zhihu, checked.

    `since` is inclusive and `until` exclusive, both days in UTC.
    """

    kind: Kind = ""
    sort: str = ""
    vertical: str = ""
    time_interval: str = ""
    what: str = "answers"
    since: date | None = None
    until: date | None = None

    def wants(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is among those asked for; one without a time is."""
        day = _day(record)
        if not day:
            return True
        if self.since is not None and day < self.since.isoformat():
            return False
        return self.until is None or day < self.until.isoformat()

    def is_past(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is older than all that is asked for."""
        return self.since is not None and bool(day := _day(record)) and day < self.since.isoformat()


def _day(record: Mapping[str, Any]) -> str:
    return (record.get("activity_time") or record.get("created_at") or "")[:10]


def wishes(options: SearchOptions) -> Wishes:
    """Check and read the options.

    Raises:
        PermanentError: (`bad_option`) an option cannot be used; the message says what is allowed.
    """
    sort = str(options.get("sort") or options.sort_by or "").lower()
    if sort not in _SORTS:
        raise _bad("sort", sort, "relevance, upvoted_count or created_time")
    return Wishes(
        kind=_choice("kind", options.get("kind"), ("", "hot", "topsearch")),
        sort=_SORTS[sort],
        vertical=_choice("vertical", options.get("vertical"), ("", *_VERTICALS)),
        time_interval=_choice("time_interval", options.get("time_interval"), ("", *_INTERVALS)),
        what=_choice("what", options.get("what") or "answers", tuple(_LISTS)),
        since=_date("since", options.since),
        until=_date("until", options.until),
    )


def list_target(kind: Kind, *, is_signed_in: bool) -> Target:
    """The hot list or the search terms of the moment."""
    if kind == "hot":
        return Target(
            name="hot",
            # The list of `/hot` is the fuller one and for those who are signed in.
            path="/hot" if is_signed_in else "/billboard",
            answers=r"/hot-lists?/",
            page_kind="hot_list",
        )
    return Target(
        name="topsearch", path="/topsearch", answers=r"/top_?search\b", page_kind="top_search"
    )


def search_targets(keywords: list[str], wished: Wishes) -> list[Target]:
    """One search for each keyword.

    Raises:
        PermanentError: (`no_keywords`) there is nothing to search for.
    """
    terms = list(dict.fromkeys(" ".join(word.split()) for word in keywords if word.strip()))
    if not terms:
        raise PermanentError("a search needs at least one keyword", kind="no_keywords")
    filters = {
        "sort": wished.sort,
        "vertical": wished.vertical,
        "time_interval": wished.time_interval,
    }
    given = {name: value for name, value in filters.items() if value}
    if given:
        given["search_source"] = "Filter"
    return [
        Target(
            name=term,
            path="/search?" + urlencode({"type": "content", "q": term, **given}, quote_via=quote),
            answers=r"/search_v3\b",
            page_kind="search",
            newest=wished.sort == "created_time",
        )
        for term in terms
    ]


def account_target(given: str, wished: Wishes) -> Target:
    """What is to be watched, by the ways in which people name it.

    Args:
        given: a member token, ``org/…``, ``people/…``, ``column/…``, ``question/…``, or an address.
        wished: `what` of an account; `sort` of a question.

    Raises:
        PermanentError: (`bad_account`) it is nothing that can be watched.
    """
    words = _words(given)
    match words:
        case ["question", number, *_] if number.isascii() and number.isdigit():
            newest = wished.sort == "created_time"
            return Target(
                name=f"question/{number}",
                path=f"/question/{number}" + ("/answers/updated" if newest else ""),
                answers=rf"/questions/{number}/(?:feeds|answers)\b",
                page_kind="question_answers",
            )
        case ["column", name, *_] if _TOKEN.fullmatch(name):
            return Target(
                name=f"column/{name}",
                path=f"/column/{name}",
                answers=r"/columns/[^/]+/(?:items|articles)\b",
                page_kind="column_items",
                newest=True,
            )
        case [("people" | "org") as kind, token, *_] if _TOKEN.fullmatch(token):
            return _member(kind, token, wished.what)
        case [token] if _TOKEN.fullmatch(token) and token not in _GROUPS:
            return _member("people", token, wished.what)
    raise PermanentError(
        f"{given[:80]!r} is nothing to watch on Zhihu: expected the last part of an account's "
        "address, or org/…, column/…, question/…",
        kind="bad_account",
    )


def _member(kind: str, token: str, what: str) -> Target:
    part, answers, page_kind = _LISTS[what]
    return Target(
        name=token if kind == "people" else f"{kind}/{token}",
        path=f"/{kind}/{token}/{part}",
        answers=answers,
        page_kind=page_kind,
        newest=True,
    )


def _words(given: str) -> list[str]:
    text = given.strip()
    if "://" in text or text.startswith(("www.", "zhuanlan.", _SITE_HOST)):
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
        except ValueError:
            return []
        host = (parts.hostname or "").lower()
        if host != _SITE_HOST and not host.endswith(f".{_SITE_HOST}"):
            return []
        words = [unquote(word) for word in parts.path.split("/") if word]
        if len(words) != 1:
            return words
        # Old addresses of columns: the name alone, on a host of their own.
        return ["column", *words] if host.startswith("zhuanlan.") else []
    return [word for word in text.removeprefix("@").split("/") if word]


def _choice(name: str, value: Any, allowed: tuple[str, ...]) -> Any:
    """The value, which may be left out; typed by the field it goes into."""
    text = "" if value is None else value
    if text not in allowed:
        raise _bad(name, value, "one of " + ", ".join(one for one in allowed if one))
    return text


def _date(name: str, value: Any) -> date | None:
    if value is None or value == "":
        return None
    try:
        if _DATE.fullmatch(str(value)):
            return date.fromisoformat(str(value))
    except ValueError:
        pass
    raise _bad(name, value, "a date such as 2026-01-31")


def _bad(name: str, value: Any, expected: str) -> PermanentError:
    return PermanentError(
        f"option {name} is {str(value)[:80]!r}: expected {expected}", kind="bad_option"
    )
