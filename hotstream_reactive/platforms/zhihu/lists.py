"""Lists of the API: search, questions, members, columns, hot lists, activities, comments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.values import entries, identifier, mapping, text_of
from hotstream_reactive.platforms.zhihu import hot, records
from hotstream_reactive.platforms.zhihu.links import path_of, query_of
from hotstream_reactive.platforms.zhihu.records import Record
from hotstream_reactive.platforms.zhihu.values import count, moment

_PATHS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"/search_v3\b", "search"),
        (r"/hot-lists?\b", "hot_list"),
        (r"/questions/\d+/(feeds|answers)\b", "question_answers"),
        (r"/moments/[^/]+/activities\b|/members/[^/]+/activities\b", "member_activities"),
        (r"/(members|people|org)/[^/]+/answers\b", "member_answers"),
        (r"/(members|people|org)/[^/]+/articles\b", "member_articles"),
        (r"/(members|people|org)/[^/]+/zvideos\b", "member_zvideos"),
        (r"/pins/[^/]+/moments\b|/(members|people|org)/[^/]+/pins\b", "member_pins"),
        (r"/columns/[^/]+/(items|articles|pinned-items)\b", "column_items"),
        (r"/topics/[^/]+/feeds\b", "topic_feed"),
        (r"/collections/[^/]+/(items|contents)\b", "collection_items"),
        (r"/comment_v5/|/(root_|child_)?comments?\b", "comments"),
        (r"/topstory/recommend\b", "feed"),
    )
)
# Never empty for a good reason.
_ALWAYS_FULL = frozenset({"hot_list", "top_search", "feed"})
_CONTENT = frozenset({"answer", "article", "question", "zvideo", "pin", "comment"})
#: What may stand where content stands and is told beside it.
_TOLD = frozenset(
    {"people", "organization", "topic", "column", "collection", "live", "roundtable", "favlist"}
)


def kind_of(url: str | None) -> str:
    """Which list an address of the API is; empty for other addresses."""
    path = path_of(url)
    return next((kind for pattern, kind in _PATHS if pattern.search(path)), "")


def read(payload: Mapping[str, Any], url: str | None, info: dict[str, Any]) -> ParsedPage:
    """Read an answer that holds a list under `data`.

    Args:
        payload: the answer, keys in snake_case.
        url: what was asked for, where known; else the list is told by its own next address.
        info: what is known already; added to: ``is_end``, ``totals``, ``page``,
            ``other_results``, ``skipped``, for searches ``search_hash_id`` and ``lc_idx``, for hot
            lists ``snapshot_at``.
    """
    paging = mapping(payload.get("paging"))
    following = text_of(paging.get("next"))
    data = entries(payload.get("data"))
    kind = kind_of(url) or kind_of(following) or kind_of(text_of(paging.get("previous")))
    kind = kind or _kind_by_entries(data)
    _tell_paging(paging, info)
    action = mapping(payload.get("search_action_info"))
    info |= {name: action[name] for name in ("search_hash_id", "lc_idx") if name in action}
    if any(hot.is_entry(one) for one in data):
        kind = "hot_list"
    found = _Found()
    for rank, entry in enumerate(data, 1):
        found.take(entry, rank, kind)
    found.tell(info)
    if kind == "hot_list" and (taken_at := hot.snapshot_time(data)):
        info["snapshot_at"] = taken_at
    next_cursor = None if paging.get("is_end") is not False or not following else following
    if data:
        return _full(kind, found, next_cursor, info)
    return _empty(kind, url, paging, next_cursor, info)


def _tell_paging(paging: Mapping[str, Any], info: dict[str, Any]) -> None:
    if isinstance(paging.get("is_end"), bool):
        info["is_end"] = paging["is_end"]
    for name in ("totals", "page"):
        if (number := count(paging.get(name))) is not None:
            info[name] = number


def _kind_by_entries(data: list[dict[str, Any]]) -> str:
    first = data[0] if data else {}
    if text_of(first.get("verb")).startswith("MEMBER_"):
        return "member_activities"
    kind = records.kind_of(first)
    if kind == "search_result":
        return "search"
    if kind == "question_feed_card":
        return "question_answers"
    return f"{kind}s" if kind in _CONTENT else "list"


class _Found:
    """What the entries of a list turn out to be."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._others: list[Record] = []
        self._skipped: dict[str, int] = {}
        self._unreadable = 0

    def take(self, entry: dict[str, Any], rank: int, kind: str) -> None:
        """Sort one entry in, `rank` being its place in a list of kind `kind`."""
        if kind == "hot_list":
            entity, record = mapping(entry.get("target")), hot.read(entry, rank)
        else:
            entity = _entity(entry)
            record = records.read(entity) if entity.get("is_delete") is not True else None
        if record is not None:
            self.records.append(record | _deed(entry))
            return
        what = records.kind_of(entity) or records.kind_of(entry)
        if what in _TOLD:
            self._others.append(records.people(entity) | _deed(entry))
        elif what in _CONTENT and entity.get("is_delete") is not True:
            self._unreadable += 1
        else:
            name = what or "unknown"
            self._skipped[name] = self._skipped.get(name, 0) + 1

    def tell(self, info: dict[str, Any]) -> None:
        """Note what was no content."""
        if self._others:
            info["other_results"] = self._others
        if self._skipped:
            info["skipped"] = self._skipped
        if self._unreadable:
            info["unreadable"] = self._unreadable


def _entity(entry: dict[str, Any]) -> dict[str, Any]:
    """The object an entry is about: search results, feed cards, activities
    and collections wrap it."""
    entity: dict[str, Any] = entry
    for name in ("object", "target", "content"):
        if isinstance(entry.get(name), dict):
            entity = entry[name]
            break
    if entity is entry:
        return entry
    # Cards name the type outside, and the search keeps the shown passage there.
    outer: dict[str, Any] = {"type": entry.get("target_type") or entry.get("type"), "highlight": {}}
    if isinstance(entry.get("highlight"), dict):
        outer["highlight"] = entry["highlight"]
    return {**outer, **entity}


def _deed(entry: Mapping[str, Any]) -> Record:
    """What a watched member did, and when; the author stays that of the target."""
    verb = text_of(entry.get("verb"))
    if not verb:
        return {}
    actor = mapping(entry.get("actor"))
    deed = {
        "verb": verb,
        "activity_time": moment(entry.get("created_time"), entry.get("updated_time")),
        "activity_id": identifier(entry.get("id")),
        "action_text": text_of(entry.get("action_text")) or None,
        "actor": identifier(actor.get("url_token")) or text_of(actor.get("name")) or None,
    }
    return {name: value for name, value in deed.items() if value is not None}


def _full(kind: str, found: _Found, next_cursor: str | None, info: dict[str, Any]) -> ParsedPage:
    if not found.records and info.get("unreadable"):
        return ParsedPage(
            outcome=PageOutcome.EMPTY_SUSPECT,
            page_kind=kind,
            next_cursor=next_cursor,
            failure_kind="unreadable_items",
            message=f"{info['unreadable']} entries could not be read: their form has changed",
            info=info,
        )
    return ParsedPage(
        outcome=PageOutcome.OK,
        page_kind=kind,
        records=found.records,
        next_cursor=next_cursor,
        info=info,
    )


def _empty(
    kind: str,
    url: str | None,
    paging: Mapping[str, Any],
    next_cursor: str | None,
    info: dict[str, Any],
) -> ParsedPage:
    doubt = _doubt(kind, url, paging, info)
    return ParsedPage(
        outcome=PageOutcome.EMPTY_SUSPECT if doubt else PageOutcome.EMPTY,
        page_kind=kind,
        next_cursor=next_cursor,
        failure_kind="empty_suspect" if doubt else None,
        message=doubt,
        retry_elsewhere=bool(doubt),
        info=info,
    )


def _doubt(
    kind: str, url: str | None, paging: Mapping[str, Any], info: Mapping[str, Any]
) -> str | None:
    """Why an empty list should not be believed; None when it may be."""
    if kind in _ALWAYS_FULL:
        return "an empty list where there is always something"
    totals = info.get("totals")
    if info.get("is_end") is False:
        return "an empty page that is not the last"
    if not _is_first(url, paging):
        return None
    if totals:
        return f"an empty first page, although {totals} are said to exist"
    if totals is None and kind not in ("search", "comments", ""):
        return "an empty first page of a list that does not say that it has nothing"
    return None


def _is_first(url: str | None, paging: Mapping[str, Any]) -> bool:
    if isinstance(paging.get("is_start"), bool):
        return paging["is_start"] is True
    asked = query_of(url)
    if asked.get("cursor"):
        return False
    if "offset" in asked:
        return asked["offset"] in ("", "0")
    # Without an offset of its own, the next one tells: at the start it has not moved yet.
    moved_to = count(query_of(text_of(paging.get("next"))).get("offset"))
    return url is not None if moved_to is None else moved_to == 0
