"""The state that pages embed as JSON: ``script#js-initialData``, in camelCase."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.values import identifier, mapping, text_of
from hotstream_reactive.platforms.zhihu import hot, lists, records, text
from hotstream_reactive.platforms.zhihu.links import path_of
from hotstream_reactive.platforms.zhihu.records import Record
from hotstream_reactive.platforms.zhihu.values import count, first_count, snake

#: Lists of an account by the last part of its page's address: name in the state, kind of page.
_TABS: Mapping[str, tuple[str, str]] = {
    "answers": ("answersByUser", "member_answers"),
    "posts": ("articlesByUser", "member_articles"),
    "pins": ("pinsByUser", "member_pins"),
    "zvideos": ("zvideosByUser", "member_zvideos"),
    "activities": ("activitiesByUser", "member_activities"),
    "": ("activitiesByUser", "member_activities"),
}
_MEMBER = re.compile(r"/(?:people|org)/([^/]+)(?:/(\w*))?/?")
_ANSWER = re.compile(r"/question/(\d+)/answer/(\d+)/?")
_QUESTION = re.compile(r"/question/(\d+)(?:/.*)?")
_ARTICLE = re.compile(r"/p/(\d+)(?:/.*)?")
_COLUMN = re.compile(r"/(?:column/)?([\w-]+)/?")
_CONTENT = ("answers", "articles", "pins", "zvideos")


def embedded(tree: LexborHTMLParser) -> dict[str, Any] | None:
    """The embedded state of a page; None when it has none that can be read."""
    node = tree.css_first("script#js-initialData")
    if node is None:
        return None
    try:
        state = json.loads(node.text())
    except (ValueError, RecursionError):
        return None
    return mapping(mapping(state).get("initialState")) or None


def own_address(state: Mapping[str, Any]) -> str:
    """The address of the page as it knows it itself; empty when it does not say."""
    context = mapping(mapping(state.get("env")).get("ctx"))
    return text_of(context.get("href")) or text_of(context.get("path"))


def read(state: dict[str, Any], url: str | None, info: dict[str, Any]) -> ParsedPage | None:
    """Read a page by its embedded state; None when nothing of what it should show is there."""
    path = path_of(url) or path_of(own_address(state))
    if path.startswith("/topsearch") or mapping(state.get("topsearch")).get("data"):
        return _terms(state, info)
    hot_list = mapping(state.get("topstory")).get("hotList")
    if path.startswith(("/hot", "/billboard")) or hot_list:
        payload = {"data": snake(hot_list or []), "paging": {"is_end": True}}
        return lists.read(payload, "https://api.zhihu.com/topstory/hot-lists/total", info)
    view = _View(state)
    if found := _ANSWER.fullmatch(path):
        return _one(view, "answers", found[2], "answer", info)
    if found := _ARTICLE.fullmatch(path):
        return _one(view, "articles", found[1], "article", info)
    if found := _QUESTION.fullmatch(path):
        return _question(view, found[1], path.endswith("/updated"), info)
    if found := _MEMBER.fullmatch(path):
        return _member(view, found[1], found[2] or "", info)
    return _anything(view, path, info)


class _View:
    """The records of a state, in its own order."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self._entities = mapping(state.get("entities"))

    def table(self, name: str) -> dict[str, Any]:
        """The objects of one kind by id."""
        return mapping(self._entities.get(name))

    def entity(self, name: str, identity: str) -> dict[str, Any]:
        """One object in snake_case, with what it refers to put in its place; empty if unknown."""
        found = mapping(snake(self.table(name).get(identity)))
        return {key: self._resolved(value) for key, value in found.items()}

    def record(self, name: str, identity: str) -> Record | None:
        """The record of one object."""
        entity = self.entity(name, identity)
        # The table says what it is, should the object not.
        return records.read({"type": name.removesuffix("s"), **entity}) if entity else None

    def records(self, name: str, identities: Iterable[str]) -> list[Record]:
        """The records of those that are there."""
        return [one for i in identities if (one := self.record(name, i)) is not None]

    def _resolved(self, value: Any) -> Any:
        if not isinstance(value, dict) or "schema" not in value:
            return value
        table, identity = f"{value['schema']}s", str(value.get("id"))
        found = snake(self.table(table).get(identity))
        return {"type": value["schema"], **found} if isinstance(found, dict) else value


def _terms(state: Mapping[str, Any], info: dict[str, Any]) -> ParsedPage:
    found = hot.terms(snake(mapping(state.get("topsearch")).get("data")))
    return ParsedPage(
        outcome=PageOutcome.OK if found else PageOutcome.EMPTY_SUSPECT,
        page_kind="top_search",
        records=found,
        failure_kind=None if found else "empty_suspect",
        message=None if found else "the page lists no search terms, which there always are",
        retry_elsewhere=not found,
        info=info,
    )


def _one(
    view: _View, table: str, identity: str, kind: str, info: dict[str, Any]
) -> ParsedPage | None:
    record = view.record(table, identity)
    if record is None:
        return None
    return ParsedPage(outcome=PageOutcome.OK, page_kind=kind, records=[record], info=info)


def _question(
    view: _View, question_id: str, newest: bool, info: dict[str, Any]
) -> ParsedPage | None:
    question = view.record("questions", question_id)
    if question is not None:
        info["question"] = question
    lists_of = mapping(view.state.get("question"))
    name = "updatedAnswers" if newest else "answers"
    listing = mapping(mapping(lists_of.get(name)).get(question_id))
    identities = _identities(listing) or [
        key
        for key in view.table("answers")
        if str(mapping(view.entity("answers", key).get("question")).get("id")) == question_id
    ]
    if not identities and question is None:
        return None
    known = first_count(view.entity("questions", question_id), ("answer_count",))
    found = view.records("answers", identities)
    return _listed(found, "question_answers", listing, known, info)


def _member(view: _View, token: str, tab: str, info: dict[str, Any]) -> ParsedPage | None:
    profile = view.entity("users", token)
    if profile:
        info["profile"] = _profile(profile)
    if tab not in _TABS:
        return _anything(view, "", info)
    name, kind = _TABS[tab]
    listing = mapping(mapping(mapping(view.state.get("people")).get(name)).get(token))
    if not listing and not profile:
        return None
    identities = _identities(listing)
    table = name.removesuffix("ByUser")
    if table == "activities":
        entities = [view.entity(table, one) for one in identities]
        deeds = [one for one in entities if one]
        payload = {"data": deeds, "paging": {"is_end": _ended(listing) is True}}
        if deeds:
            return lists.read(payload, f"/api/v3/moments/{token}/activities", info)
    counted = {"answers": "answer_count", "articles": "articles_count", "pins": "pins_count"}
    known = count(profile.get(counted.get(table, ""))) if listing else None
    return _listed(view.records(table, identities), kind, listing, known, info)


def _profile(user: Mapping[str, Any]) -> Record:
    found = records.people(user)
    for name, source in (("answers", "answer_count"), ("articles", "articles_count")):
        if (number := count(user.get(source))) is not None:
            found[name] = number
    if headline := text.plain(user.get("headline")):
        found["headline"] = headline
    return found


def _ended(listing: Mapping[str, Any]) -> bool | None:
    """Whether a listing is all there is; None when it does not say."""
    for name in ("isEnd", "isDrained"):
        if isinstance(listing.get(name), bool):
            return bool(listing[name])
    return None


def _identities(listing: Mapping[str, Any]) -> list[str]:
    """The ids of a listing: plain ones, or objects that name their target."""
    ids = listing.get("ids") or listing.get("newIds")
    found = []
    for one in ids if isinstance(ids, list) else []:
        value = (one.get("target") or one.get("id")) if isinstance(one, dict) else one
        if isinstance(value, dict):
            value = value.get("id")
        if (identity := identifier(value)) is not None:
            found.append(identity)
    return found


def _listed(
    found: list[Record],
    kind: str,
    listing: Mapping[str, Any],
    known: int | None,
    info: dict[str, Any],
) -> ParsedPage:
    """A list as far as the page holds it, `known` being how many there are in all."""
    if (is_end := _ended(listing)) is not None:
        info["is_end"] = is_end
    totals = count(listing.get("totals"))
    totals = known if totals is None else totals
    if totals is not None:
        info["totals"] = totals
    if found:
        following = text_of(listing.get("next"))
        return ParsedPage(
            outcome=PageOutcome.OK,
            page_kind=kind,
            records=found,
            next_cursor=following if following and info.get("is_end") is False else None,
            info=info,
        )
    is_empty = totals == 0
    return ParsedPage(
        outcome=PageOutcome.EMPTY if is_empty else PageOutcome.EMPTY_SUSPECT,
        page_kind=kind,
        failure_kind=None if is_empty else "empty_suspect",
        message=None if is_empty else "the page itself holds no entries; its scripts fetch them",
        info=info,
    )


def _anything(view: _View, path: str, info: dict[str, Any]) -> ParsedPage | None:
    """All content of a page whose kind is not known."""
    tables = {name: list(view.table(name)) for name in _CONTENT}
    found = [one for name, ids in tables.items() for one in view.records(name, ids)]
    if not found:
        return None
    column = _COLUMN.fullmatch(path)
    is_column = column is not None and column[1] in view.table("columns")
    kind = found[0]["kind"] if len(found) == 1 else "page"
    return ParsedPage(
        outcome=PageOutcome.OK,
        page_kind="column_items" if is_column else kind,
        records=found,
        info=info,
    )
