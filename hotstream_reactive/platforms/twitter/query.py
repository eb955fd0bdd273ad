"""What a task asks for, as addresses on an instance."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from hotstream_reactive.errors import PermanentError
from hotstream_reactive.platforms.base import SearchOptions

#: Nitter refuses longer queries. It counts bytes, so characters outside ASCII weigh more.
MAX_QUERY_BYTES = 500

FILTERS = (
    *("media", "images", "twimg", "videos", "native_video", "consumer_video", "spaces", "links"),
    *("news", "quote", "mentions", "replies", "retweets", "nativeretweets"),
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TOP = frozenset({"top", "popular", "popularity"})


class Target(msgspec.Struct, kw_only=True, frozen=True):
    """One list of posts to read.

    `name` is the account or the query, for reports and checkpoints; `path` and `query` make the
    first page's address; `account` is the handle whose page it must be, None for a search;
    `ordered` says whether the list is newest first; `post` is the id of the post of which this is
    the conversation.
    """

    name: str
    path: str
    query: str = ""
    account: str | None = None
    ordered: bool = True
    post: str | None = None

    @property
    def first_page(self) -> str:
        """Path and query of the first page."""
        return f"{self.path}?{self.query}" if self.query else self.path


class Wishes(msgspec.Struct, kw_only=True, frozen=True):
    """The options of a task that concern Twitter, checked.

    `since` is inclusive and `until` exclusive, both dates in UTC; `parameters` are further query
    parameters of a search; the others are None when the task does not say.
    """

    since: date | None = None
    until: date | None = None
    include_replies: bool | None = None
    include_reposts: bool | None = None
    parameters: Mapping[str, str] = {}
    top: bool = False

    def wants(self, record: Mapping[str, Any], day: str) -> bool:
        """Whether a post is among those asked for.

        Args:
            record: the raw record.
            day: when it was written or passed on, ``YYYY-MM-DD``; empty when unknown.
        """
        if self.include_reposts is False and record["is_repost"]:
            return False
        is_reply = bool(record.get("reply_to")) and not record["is_repost"]
        if self.include_replies is False and is_reply:
            return False
        if not day:
            return True
        if self.since is not None and day < self.since.isoformat():
            return False
        return self.until is None or day < self.until.isoformat()


def wishes(options: SearchOptions) -> Wishes:
    """Check and read the options.

    Raises:
        PermanentError: (`bad_option`) an option cannot be used; the message says what is allowed.
    """
    parameters = dict(_filters(options.filters))
    min_faves = options.get("min_faves")
    if min_faves is not None:
        if isinstance(min_faves, bool) or not str(min_faves).isdigit():
            raise _bad("min_faves", min_faves, "a whole number")
        parameters["min_faves"] = str(min_faves)
    return Wishes(
        since=_date("since", options.since),
        until=_date("until", options.until),
        include_replies=_flag("include_replies", options.get("include_replies")),
        include_reposts=_flag("include_reposts", options.get("include_reposts")),
        parameters=parameters,
        top=str(options.sort_by).lower() in _TOP,
    )


def account_target(handle: str, wished: Wishes) -> Target:
    """The page of an account that shows what is wished."""
    if not wished.parameters and wished.until is None:
        path = f"/{handle}/with_replies" if wished.include_replies else f"/{handle}"
        return Target(name=handle, path=path, account=handle)
    # A timeline can be neither filtered nor entered in the middle; the account's search can.
    parameters = {"f": "tweets", "q": "", **_search_parameters(wished)}
    return Target(name=handle, path=f"/{handle}/search", query=_encoded(parameters), account=handle)


def search_targets(keywords: list[str], wished: Wishes) -> list[Target]:
    """One search for as many keywords as fit into a query, joined with OR.

    Raises:
        PermanentError: (`no_keywords`, `query_too_long`) there is nothing to search for, or a
            keyword is longer than a query may be.
    """
    terms = list(dict.fromkeys(term for word in keywords if (term := _term(word))))
    if not terms:
        raise PermanentError("a search needs at least one keyword", kind="no_keywords")
    return [
        Target(
            name=query,
            path="/search",
            query=_encoded(
                {"f": "top" if wished.top else "tweets", "q": query, **_search_parameters(wished)}
            ),
            ordered=not wished.top,
        )
        for query in _joined(terms)
    ]


def _joined(terms: list[str]) -> Iterator[str]:
    query = ""
    for term in terms:
        if len(term.encode()) > MAX_QUERY_BYTES:
            raise PermanentError(
                f"the keyword {term[:40]!r}… is longer than the {MAX_QUERY_BYTES} bytes that a "
                f"query may have",
                kind="query_too_long",
            )
        longer = f"{query} OR {term}" if query else term
        if len(longer.encode()) > MAX_QUERY_BYTES:
            yield query
            longer = term
        query = longer
    yield query


def _term(keyword: str) -> str:
    words = " ".join(keyword.split())
    if len(words) > 1 and words[0] == words[-1] == '"':
        return words
    bare = " ".join(words.replace('"', " ").split())
    # A bare OR or AND would be an operator.
    return f'"{bare}"' if " " in bare or bare in ("OR", "AND", "NOT") else bare


def _search_parameters(wished: Wishes) -> dict[str, str]:
    parameters = dict(wished.parameters)
    if wished.since is not None:
        parameters["since"] = wished.since.isoformat()
    if wished.until is not None:
        parameters["until"] = wished.until.isoformat()
    if wished.include_replies is False:
        parameters["e-replies"] = "on"
    if wished.include_reposts is False:
        parameters["e-nativeretweets"] = "on"
    return parameters


def _encoded(parameters: Mapping[str, str]) -> str:
    return urlencode(parameters, quote_via=quote)


def _filters(filters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in filters.items():
        prefix, bare = (name[:2], name[2:]) if name[:2] in ("f-", "e-") else ("", name)
        if bare not in FILTERS:
            raise _bad(f"filters.{name}", value, f"one of {', '.join(FILTERS)}, bare or with f-/e-")
        wanted = _flag(f"filters.{name}", value)
        if prefix and wanted:
            yield f"{prefix}{bare}", "on"
        elif not prefix and wanted is not None:
            yield ("f-" if wanted else "e-") + bare, "on"


def _flag(name: str, value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if value == "on":
        return True
    raise _bad(name, value, "true or false")


def _date(name: str, value: Any) -> date | None:
    if value is None or value == "":
        return None
    wrong = _bad(name, value, "a date such as 2026-01-31")
    if not _DATE.fullmatch(str(value)):
        raise wrong
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise wrong from error


def _bad(name: str, value: Any, expected: str) -> PermanentError:
    return PermanentError(f"option {name} is {value!r}: expected {expected}", kind="bad_option")
