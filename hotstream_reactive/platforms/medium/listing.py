"""``?format=json`` answers and GraphQL answers: JSON, perhaps behind a guard prefix."""

from __future__ import annotations

import json
from typing import Any

from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.medium import graph, post
from hotstream_reactive.platforms.medium.links import CANONICAL, article_id, bare_id
from hotstream_reactive.platforms.values import (
    Record,
    count,
    entries,
    known,
    mapping,
    text_of,
)

_GUARD = "])}while(1);"
_NOT_FOUND = ("not found", "could not find", "no such", "deleted", "gone")
_CARRIERS = ("postPreview", "bmPostPreview", "postPreviewAbbreviated", "post")


def payload_in(text: str) -> Any:
    """The JSON value in an answer, its guard prefix cut off; None when there is none."""
    bare = text.lstrip("\ufeff \t\r\n")
    if bare.startswith(_GUARD):
        bare = bare[max(bare.find("{"), 0) :]
    if bare[:1] not in ("{", "["):
        return None
    try:
        return json.JSONDecoder().raw_decode(bare)[0]
    except (ValueError, RecursionError):
        return None


def read(value: Any, url: str | None, info: dict[str, Any]) -> ParsedPage | None:
    """Read an answer.

    Args:
        value: the JSON value.
        url: what was asked for, where known.
        info: added to: ``profile``, ``next_cursor`` (as an object) and ``next_path``.

    Returns:
        None when it is no answer of Medium.
    """
    if isinstance(value, list) and value:
        answers = [one for one in entries(value) if "data" in one or "errors" in one]
        return _graph_answer(answers, info) if answers else None
    answer = mapping(value)
    if isinstance(answer.get("payload"), dict):
        return _listing(answer["payload"], url, info)
    if answer.get("success") is False or "error" in answer:
        return _refusal(text_of(answer.get("error")) or "Medium says no without a reason", info)
    if isinstance(answer.get("data"), dict) or answer.get("errors"):
        return _graph_answer([answer], info)
    return None


def _refusal(message: str, info: dict[str, Any]) -> ParsedPage:
    is_missing = any(mark in message.lower() for mark in _NOT_FOUND)
    return ParsedPage(
        outcome=PageOutcome.NOT_FOUND if is_missing else PageOutcome.ERROR,
        page_kind="failure",
        failure_kind="not_found" if is_missing else "platform_error",
        message=message,
        info=info,
    )


def _graph_answer(answers: list[dict[str, Any]], info: dict[str, Any]) -> ParsedPage:
    found = [graph.of_answer(one["data"]) for one in answers if isinstance(one.get("data"), dict)]
    records = [record for one in found for record in one.records]
    errors = [text_of(mapping(e).get("message")) for a in answers for e in entries(a.get("errors"))]
    if not records and errors:
        return _refusal(errors[0] or "GraphQL error", info)
    following = next((one.next_page for one in found if one.next_page), None)
    kind = next((one.kind for one in found if one.records), found[0].kind if found else "listing")
    return listed(records, kind, following, info)


def listed(
    records: list[Record], kind: str, following: dict[str, Any] | None, info: dict[str, Any]
) -> ParsedPage:
    """A list of posts as a page; its cursor is the object that leads on, as JSON."""
    if following:
        info["next_cursor"] = following
    return ParsedPage(
        outcome=PageOutcome.OK if records else PageOutcome.EMPTY,
        page_kind=kind,
        records=records,
        next_cursor=json.dumps(following, separators=(",", ":")) if following else None,
        failure_kind=None if records else "no_items",
        message=None if records else "the answer holds no stories",
        info=info,
    )


def _listing(payload: dict[str, Any], url: str | None, info: dict[str, Any]) -> ParsedPage:
    references = post.References(payload.get("references"))
    if profile := _profile(payload):
        info["profile"] = profile
    single = mapping(payload.get("value"))
    if bare_id(single.get("id")) and "title" in single:
        record = _record(single, references)
        return listed([record] if record else [], "article", None, info)
    posts = _in_order(payload, references)
    read = (_record(one, references) for one in posts)
    records = [record for record in read if record is not None]
    paging = mapping(payload.get("paging"))
    following = mapping(paging.get("next")) if text_of(paging.get("path")) else {}
    if following:
        info["next_path"] = paging["path"]
    kind = _kind(payload, url)
    claimed = count(mapping(payload.get("userMeta")).get("numberOfPostsPublished")) or 0
    if not records and claimed and "page" not in (url or ""):
        return ParsedPage(
            outcome=PageOutcome.EMPTY_SUSPECT,
            page_kind=kind,
            failure_kind="empty_suspect",
            message=f"no stories shown, although the profile counts {claimed}",
            info=info,
        )
    return listed(records, kind, following or None, info)


def _record(found: dict[str, Any], references: post.References) -> Record | None:
    record = post.read(found, references, "json")
    slug = text_of(found.get("uniqueSlug"))
    if record is not None and slug and record.get("handle"):
        record.setdefault("article_url", f"{CANONICAL}/@{record['handle']}/{slug}")
    return record


def _in_order(payload: dict[str, Any], references: post.References) -> list[dict[str, Any]]:
    """The posts of the stream; what is only referred to is not listed."""
    stream = payload.get("streamItems")
    if stream is None:
        mentioned = payload.get("posts") or mapping(payload.get("value")).get("posts")
        if mentioned is not None:
            return entries(mentioned)
        return references.posts()
    found: dict[str, dict[str, Any]] = {}
    for item in entries(stream):
        for identity in _carried(item):
            record = references.of("Post", identity)
            if isinstance(record, dict):
                found.setdefault(identity, record)
    return list(found.values())


def _carried(item: dict[str, Any]) -> list[str]:
    ids = [mapping(item.get(name)).get("postId") for name in _CARRIERS]
    section = mapping(item.get("section"))
    ids += [mapping(one.get("post")).get("postId") for one in entries(section.get("items"))]
    return [identity for one in ids if (identity := bare_id(one))]


def _profile(payload: dict[str, Any]) -> dict[str, Any] | None:
    user, collection = mapping(payload.get("user")), mapping(payload.get("collection"))
    if user:
        return known(
            {
                "handle": text_of(user.get("username")),
                "name": text_of(user.get("name")),
                "id": text_of(user.get("userId")),
            }
        )
    return (
        known(
            {
                "handle": text_of(collection.get("slug")),
                "name": text_of(collection.get("name")),
                "id": text_of(collection.get("id")),
            }
        )
        or None
    )


def _kind(payload: dict[str, Any], url: str | None) -> str:
    if "user" in payload or "profileTypeName" in payload:
        profile = text_of(payload.get("profileTypeName")) or "latest"
        return f"user_{profile.replace('-', '_')}_json"
    if "/search" in (url or ""):
        return "search_json"
    if "tag" in payload:
        return "tag_json"
    if "collection" in payload:
        return "publication_json"
    if article_id(url or ""):
        return "article"
    return "stream_json"
