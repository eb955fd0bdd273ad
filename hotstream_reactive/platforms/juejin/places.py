"""Where content of Juejin stands and who wrote it: tags, categories, themes, columns, accounts.

Their records have the keys of `records`, ``kind`` being ``tag``, ``category``, ``topic``,
``column`` or ``account``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hotstream_reactive.platforms.juejin.records import ADDRESSES, SITE, author_of
from hotstream_reactive.platforms.values import (
    Record,
    count,
    identifier,
    known,
    line_of,
    mapping,
    moment,
    text_of,
)


def theme(found: Mapping[str, Any]) -> Record | None:
    """A theme of the pins, with who wrote to it lately left out."""
    info = mapping(found.get("theme"))
    identity = identifier(info.get("theme_id"))
    if identity is None:
        return None
    return known(
        {
            "id": identity,
            "kind": "topic",
            "title": line_of(info.get("name")),
            "text": text_of(info.get("brief")),
            "created_at": moment(info.get("ctime")),
            "updated_at": moment(info.get("mtime")),
            "url": ADDRESSES["topic"].format(id=identity),
            "views": count(info.get("view_cnt")),
            "followers": count(info.get("user_cnt")),
            "heat": count(info.get("hot")) or None,
        }
    )


def topic(found: Mapping[str, Any]) -> Record | None:
    """A topic (圈子) of the pins."""
    info = mapping(found.get("topic"))
    identity = identifier(info.get("topic_id")) or identifier(found.get("topic_id"))
    if identity is None:
        return None
    return known(
        {
            "id": identity,
            "kind": "topic",
            "title": line_of(info.get("title")),
            "text": text_of(info.get("description")),
            "created_at": moment(info.get("ctime")),
            "url": f"{SITE}/pins/topic/{identity}",
            "followers": count(info.get("follower_count")),
            "pins": count(info.get("msg_count")),
        }
    )


def tag(found: Mapping[str, Any]) -> Record | None:
    """A tag of the list of tags, of a search, or by itself."""
    info = mapping(found.get("tag")) or dict(found)
    identity = identifier(found.get("tag_id")) or identifier(info.get("tag_id"))
    name = line_of(info.get("tag_name"))
    if identity is None or not name:
        return None
    return known(
        {
            "id": identity,
            "kind": "tag",
            "title": name,
            "url": _tag_address(name),
            "created_at": moment(info.get("ctime")),
            "updated_at": moment(info.get("mtime")),
            "articles": count(info.get("post_article_count")),
            "followers": count(info.get("concern_user_count")),
        }
    )


def category(found: Mapping[str, Any]) -> Record | None:
    """A category of the front page."""
    info = mapping(found.get("category")) or dict(found)
    identity = identifier(found.get("category_id")) or identifier(info.get("category_id"))
    name = line_of(info.get("category_name"))
    if identity is None or not name:
        return None
    slug = text_of(info.get("category_url"))
    return known(
        {
            "id": identity,
            "kind": "category",
            "title": name,
            "url": f"{SITE}/{slug}" if slug else None,
            "created_at": moment(info.get("ctime")),
            "updated_at": moment(info.get("mtime")),
        }
    )


def column(found: Mapping[str, Any]) -> Record | None:
    """A column (专栏), a collection of one author's articles."""
    info, version = mapping(found.get("column")), mapping(found.get("column_version"))
    identity = identifier(found.get("column_id")) or identifier(info.get("column_id"))
    if identity is None:
        return None
    return known(
        {
            "id": identity,
            "kind": "column",
            "title": line_of(version.get("title")),
            "text": text_of(version.get("content")),
            **author_of({**found, "author_user_info": found.get("author")}, info),
            "created_at": moment(info.get("ctime")),
            "updated_at": moment(info.get("mtime")),
            "url": ADDRESSES["column"].format(id=identity),
            "articles": count(info.get("article_cnt")),
            "followers": count(info.get("follow_cnt")),
        }
    )


def account(found: Mapping[str, Any]) -> Record | None:
    """An account found in a list."""
    info = mapping(found.get("user")) or dict(found)
    identity = identifier(info.get("user_id"))
    name = line_of(info.get("user_name"))
    if identity is None or not name:
        return None
    return known(
        {
            "kind": "account",
            "id": identity,
            "title": name,
            "url": ADDRESSES["account"].format(id=identity),
            "followers": count(info.get("follower_count")),
            "articles": count(info.get("post_article_count")),
        }
    )


def profile(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """The account of which an answer tells; None when it tells of none."""
    record = account(found)
    if record is None:
        return None
    counters: Record = {name: record[name] for name in ("followers", "articles") if name in record}
    return {"id": record["id"], "name": record["title"], **counters}


def _tag_address(name: str) -> str:
    # Letters of any script stay readable, as in the addresses that the site itself shows.
    return f"{SITE}/tag/" + "".join(
        one if ord(one) > 0x7F and one.isprintable() else quote(one, safe="+", errors="replace")
        for one in name
    )
