"""Raw records out of Zhihu's objects: one reader for the API's and the pages' spelling of them.

A record has ``id``, ``kind``, ``title``, ``author``, ``text``, ``created_at`` and ``url`` (None
where the object does not say) and, only where it says so, the keys of `_extras` and those of its
kind. Objects are given with keys in snake_case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hotstream_reactive.platforms.values import entries, identifier, mapping, text_of
from hotstream_reactive.platforms.zhihu import text
from hotstream_reactive.platforms.zhihu.links import member_address, public_address
from hotstream_reactive.platforms.zhihu.values import first_count, moment

Record = dict[str, Any]

#: Counters by the names they have in the objects; the first that is there counts.
_COUNTERS: Mapping[str, tuple[str, ...]] = {
    "likes": ("voteup_count", "vote_count", "like_count", "reaction_count"),
    "replies": ("comment_count", "child_comment_count"),
    "reposts": ("repin_count", "share_count"),
    "collects": ("favorite_count", "favlists_count", "collected_count"),
    "views": ("view_count", "visit_count", "visits_count", "play_count"),
    "video_views": ("play_count",),
    "answers": ("answer_count",),
    "followers": ("follower_count", "followers_count"),
    "thanks": ("thanks_count",),
}
_OWN_COUNTERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "pin": {"likes": ("like_count", "reaction_count", "voteup_count")},
    "comment": {
        "likes": ("like_count", "vote_count"),
        "replies": ("child_comment_count", "comment_count"),
    },
    "question": {"likes": ("voteup_count",)},
}
#: What stands for an asker that the lists do not name.
_NOBODY = frozenset({"", "用户"})


def read(entity: Mapping[str, Any]) -> Record | None:
    """The record of an object; None when it is no content or has no id."""
    reader = _READERS.get(kind_of(entity))
    return reader(entity) if reader else None


def kind_of(entity: Mapping[str, Any]) -> str:
    """What an object is: its `type`, or what its fields tell; empty when nothing does."""
    kind = text_of(entity.get("type")).lower()
    if kind:
        return {"post": "article", "member": "people"}.get(kind, kind)
    if isinstance(entity.get("question"), dict) and "content" in entity:
        return "answer"
    if "reply_comment_id" in entity or "child_comment_count" in entity:
        return "comment"
    if "title" in entity and "answer_count" in entity:
        return "question"
    return "article" if "title" in entity and "voteup_count" in entity else ""


def people(entity: Mapping[str, Any]) -> Record:
    """An account, column or topic found in a list: no content, but worth telling."""
    kind = text_of(entity.get("user_type")) or kind_of(entity)
    name = entity.get("name") or entity.get("title") or entity.get("subject")
    found: Record = {
        "kind": kind,
        "handle": identifier(entity.get("url_token")) or identifier(entity.get("id")),
        "title": text.plain(name),
    }
    followers = first_count(entity, ("follower_count", "followers_count", "followers"))
    if followers is not None:
        found["followers"] = followers
    return found


def _base(entity: Mapping[str, Any], kind: str) -> Record | None:
    identity = identifier(entity.get("id"))
    if identity is None:
        return None
    content = text.read(entity.get("content") or entity.get("detail"))
    if not content.text:
        highlight = mapping(entity.get("highlight"))
        content = text.read(entity.get("excerpt") or highlight.get("description") or "")
    record: Record = {
        "id": identity,
        "kind": kind,
        "title": _title(entity),
        "author": None,
        "text": content.text,
        "created_at": moment(
            *(entity.get(name) for name in ("created_time", "created", "created_at")),
            *(entity.get(name) for name in ("published_at", "published_time", "publish_time")),
        ),
        "url": public_address(kind, identity),
    }
    record |= _author(entity)
    return record | _extras(entity, kind, content)


def _title(entity: Mapping[str, Any]) -> str | None:
    # Old answers of the search give the question's title under `name`.
    question = mapping(entity.get("question"))
    for title in (entity.get("title"), question.get("title"), question.get("name")):
        if shown := text.plain(title):
            return shown
    return None


def _author(entity: Mapping[str, Any]) -> Record:
    author = mapping(entity.get("author"))
    author = mapping(author.get("member")) or author
    found: Record = {"author": text.plain(author.get("name")) or None}
    token = identifier(author.get("url_token"))
    if token:
        is_organization = author.get("is_org") is True or author.get("user_type") == "organization"
        found["handle"] = token
        found["author_url"] = member_address(token, is_organization=is_organization)
    if author_id := identifier(author.get("id")):
        found["author_id"] = author_id
    elif author and not token:
        found["anonymous"] = True
        if found["author"] in _NOBODY:
            found["author"] = None
    return found


def _extras(entity: Mapping[str, Any], kind: str, content: text.Content) -> Record:
    found: Record = {}
    updated = moment(entity.get("updated_time"), entity.get("updated"), entity.get("updated_at"))
    if updated:
        found["updated_at"] = updated
    statistics = mapping(mapping(entity.get("reaction")).get("statistics"))
    for name, sources in {**_COUNTERS, **_OWN_COUNTERS.get(kind, {})}.items():
        if (number := first_count(entity, sources)) is not None:
            found[name] = number
    if "collects" not in found and (saved := first_count(statistics, ("favorites",))) is not None:
        found["collects"] = saved
    topics = entity.get("topics") or mapping(entity.get("question")).get("topics")
    if tags := [text.plain(one.get("name")) for one in entries(topics) if one.get("name")]:
        found["tags"] = tags
    if content.links:
        found["links"] = content.links
    if content.images:
        found["media"] = [{"kind": "photo", "url": address} for address in content.images]
    if place := text_of(entity.get("ip_info")):
        found["ip_info"] = place
    return found


def _answer(entity: Mapping[str, Any]) -> Record | None:
    record = _base(entity, "answer")
    if record is None:
        return None
    question = mapping(entity.get("question"))
    question_id = identifier(question.get("id"))
    record["url"] = public_address("answer", record["id"], question_id=question_id)
    if question_id:
        record["question"] = {"id": question_id, "title": record["title"]}
    return record


def _article(entity: Mapping[str, Any]) -> Record | None:
    record = _base(entity, "article")
    column = mapping(entity.get("column"))
    if record is not None and (column_id := identifier(column.get("id"))):
        record["column"] = {"id": column_id, "title": text.plain(column.get("title")) or None}
    return record


def _question(entity: Mapping[str, Any]) -> Record | None:
    # The search calls its title a name.
    return _base({**entity, "title": entity.get("title") or entity.get("name")}, "question")


def _zvideo(entity: Mapping[str, Any]) -> Record | None:
    record = _base({**entity, "content": entity.get("description")}, "zvideo")
    if record is not None:
        record.setdefault("media", []).append({"kind": "video", "url": record["url"]})
    return record


def _pin(entity: Mapping[str, Any]) -> Record | None:
    parts = entries(entity.get("content"))
    written = entity.get("content_html") or "\n".join(
        text_of(part.get("content")) or text_of(part.get("own_text"))
        for part in parts
        if part.get("type") == "text"
    )
    # What stands in a list of parts is no text for `_base`.
    body = entity.get("content") if isinstance(entity.get("content"), str) else written
    record = _base({**entity, "title": None, "content": body}, "pin")
    if record is None:
        return None
    for part in parts:
        _take_part(record, part)
    origin = mapping(entity.get("origin_pin"))
    if origin_id := identifier(origin.get("id")):
        record["is_repost"] = True
        quoted = _pin(origin) or {}
        record["quote"] = {
            "id": origin_id,
            **{key: quoted[key] for key in ("author", "handle", "text") if quoted.get(key)},
        }
    return record


def _take_part(record: Record, part: Mapping[str, Any]) -> None:
    kind = part.get("type")
    address = text_of(part.get("url"))
    if kind == "link" and address:
        record.setdefault("links", []).append(address)
        title = text.plain(part.get("title"))
        if title:
            record["card"] = {"url": address, "title": title}
    elif kind in ("image", "video"):
        playlist = entries(part.get("playlist"))
        found = address or (text_of(playlist[-1].get("url")) if playlist else "")
        media = record.setdefault("media", [])
        entry = {"kind": "photo" if kind == "image" else "video", "url": found or None}
        if entry not in media:
            media.append(entry)


def _comment(entity: Mapping[str, Any]) -> Record | None:
    record = _base({**entity, "title": None, "question": None}, "comment")
    if record is None:
        return None
    replied = mapping(entity.get("reply_to_author"))
    replied = mapping(replied.get("member")) or replied
    if name := identifier(replied.get("url_token")) or text.plain(replied.get("name")):
        record["reply_to"] = [name]
    root = identifier(entity.get("reply_root_comment_id"))
    if root and root != record["id"]:
        record["root_id"] = root
    return record


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Record | None]] = {
    "answer": _answer,
    "article": _article,
    "question": _question,
    "zvideo": _zvideo,
    "pin": _pin,
    "comment": _comment,
}
