"""Hot lists in their two forms, and the search terms of the moment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hotstream_reactive.platforms.values import entries, mapping, text_of
from hotstream_reactive.platforms.zhihu import records, text
from hotstream_reactive.platforms.zhihu.links import public_address, search_address, thing_at
from hotstream_reactive.platforms.zhihu.records import Record
from hotstream_reactive.platforms.zhihu.values import count, first_count, moment

_CARD = re.compile(r"([A-Z])_(\d+)")
_CARD_KINDS = {"Q": "question", "A": "answer", "P": "article", "Z": "zvideo"}
_SNAPSHOT = re.compile(r"\d+_(\d{9,10})(?:\.\d+)?")


def is_entry(entry: Mapping[str, Any]) -> bool:
    """Whether it is an entry of a hot list, of the app or of the web site."""
    target = mapping(entry.get("target"))
    return text_of(entry.get("type")).startswith("hot_list") or "title_area" in target


def read(entry: Mapping[str, Any], rank: int) -> Record | None:
    """The record of an entry, with ``rank`` and, where shown, ``heat`` and ``heat_text``.

    None when it leads to nothing that has an id, as advertisements do.
    """
    target = mapping(entry.get("target"))
    areas = "title_area" in target
    record = _from_areas(entry, target) if areas else _from_entity(target)
    if record is None:
        return None
    shown = _area(target, "metrics_area") if areas else text_of(entry.get("detail_text"))
    record["rank"] = rank
    if shown:
        record["heat_text"] = shown
        watched = "播放" in shown or "浏览" in shown
        if (number := count(shown)) is not None:
            record["views" if watched else "heat"] = number
    answers = first_count(mapping(entry.get("feed_specific")), ("answer_count",))
    if answers is not None:
        record["answers"] = answers
    return record


def _from_entity(target: Mapping[str, Any]) -> Record | None:
    record = records.read(target if target.get("type") else {**target, "type": "question"})
    if record is not None and record.pop("anonymous", False):
        # The web form puts a placeholder where an author would stand.
        record["author"] = None
    return record


def _from_areas(entry: Mapping[str, Any], target: Mapping[str, Any]) -> Record | None:
    address = text_of(mapping(target.get("link")).get("url"))
    thing = thing_at(address)
    card = _CARD.fullmatch(text_of(entry.get("card_id")))
    if thing is not None:
        kind, identity = thing
    elif card is not None and card[1] in _CARD_KINDS:
        kind, identity = _CARD_KINDS[card[1]], card[2]
    else:
        return None
    record: Record = {
        "id": identity,
        "kind": kind,
        "title": text.plain(_area(target, "title_area")) or None,
        "author": None,
        "text": text.read(_area(target, "excerpt_area")).text,
        "created_at": None,
        "url": public_address(kind, identity),
    }
    if kind == "answer" and (question := re.search(r"/questions?/(\d+)", address)):
        record["url"] = public_address(kind, identity, question_id=question[1])
    if image := text_of(mapping(target.get("image_area")).get("url")):
        record["media"] = [{"kind": "photo", "url": image}]
    return record


def _area(target: Mapping[str, Any], name: str) -> str:
    return text_of(mapping(target.get(name)).get("text"))


def snapshot_time(data: Iterable[Mapping[str, Any]]) -> str | None:
    """When the list was put together, which the ids of its entries tell."""
    for entry in data:
        if found := _SNAPSHOT.fullmatch(str(entry.get("id", ""))):
            return moment(found[1])
    return None


def terms(data: object) -> list[Record]:
    """The search terms of the moment as records: a term is its own id."""
    found = []
    for rank, entry in enumerate(entries(data), 1):
        shown = text.plain(entry.get("query_display") or entry.get("display_query"))
        query = text.plain(entry.get("real_query") or entry.get("query")) or shown
        if not query:
            continue
        record: Record = {
            "id": query,
            "kind": "search_term",
            "title": shown or query,
            "author": None,
            "text": text.read(entry.get("query_description")).text,
            "created_at": None,
            "url": search_address(query),
            "query": query,
            "rank": rank,
        }
        if address := text_of(entry.get("redirect_link")):
            record["links"] = [address]
        found.append(record)
    return found
