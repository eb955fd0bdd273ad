"""Where content of Juejin stands and who wrote it: tags, categories, themes, columns, accounts.

Their records have the keys of `records`, ``kind`` being ``tag``, ``category``, ``topic``,
``column`` or ``account``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
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


class _Shape(NamedTuple):
    """Where a kind of place keeps what: names of fields, the counters by their name here.

    `around` is the object around it, which may hold the id as well; some answers leave it out.
    """

    kind: str
    around: str
    id: str
    name: str
    text: str = ""
    counters: Mapping[str, str] = {}
    needs_name: bool = True


_THEME = _Shape(
    kind="topic",
    around="theme",
    id="theme_id",
    name="name",
    text="brief",
    counters={"views": "view_cnt", "followers": "user_cnt"},
    needs_name=False,
)
_TOPIC = _Shape(
    kind="topic",
    around="topic",
    id="topic_id",
    name="title",
    text="description",
    counters={"followers": "follower_count", "pins": "msg_count"},
    needs_name=False,
)
_TAG = _Shape(
    kind="tag",
    around="tag",
    id="tag_id",
    name="tag_name",
    counters={"articles": "post_article_count", "followers": "concern_user_count"},
)
_CATEGORY = _Shape(kind="category", around="category", id="category_id", name="category_name")
_COLUMN = _Shape(
    kind="column",
    around="column",
    id="column_id",
    name="title",
    counters={"articles": "article_cnt", "followers": "follow_cnt"},
    needs_name=False,
)
_ACCOUNT = _Shape(
    kind="account",
    around="user",
    id="user_id",
    name="user_name",
    counters={"followers": "follower_count", "articles": "post_article_count"},
)


def _place(
    found: Mapping[str, Any], shape: _Shape, more: Callable[[Record, Mapping[str, Any]], Record]
) -> Record | None:
    """The record of a place; `more` adds what only its kind has. None when it is none."""
    info = mapping(found.get(shape.around)) or dict(found)
    identity = identifier(found.get(shape.id)) or identifier(info.get(shape.id))
    name = line_of(info.get(shape.name))
    if identity is None or (shape.needs_name and not name):
        return None
    record = {
        "id": identity,
        "kind": shape.kind,
        "title": name,
        "text": text_of(info.get(shape.text)),
        "created_at": moment(info.get("ctime")),
        "updated_at": moment(info.get("mtime")),
        **{name: count(info.get(field)) for name, field in shape.counters.items()},
    }
    return known({**record, **more(record, info)})


def theme(found: Mapping[str, Any]) -> Record | None:
    """A theme of the pins, with who wrote to it lately left out."""
    return _place(
        found,
        _THEME,
        lambda own, info: {
            "url": ADDRESSES["topic"].format(id=own["id"]),
            "heat": count(info.get("hot")) or None,
        },
    )


def topic(found: Mapping[str, Any]) -> Record | None:
    """A topic (圈子) of the pins."""
    return _place(found, _TOPIC, lambda own, _: {"url": f"{SITE}/pins/topic/{own['id']}"})


def tag(found: Mapping[str, Any]) -> Record | None:
    """A tag of the list of tags, of a search, or by itself."""
    return _place(found, _TAG, lambda own, _: {"url": _tag_address(own["title"])})


def category(found: Mapping[str, Any]) -> Record | None:
    """A category of the front page."""

    def more(_: Record, info: Mapping[str, Any]) -> Record:
        slug = text_of(info.get("category_url"))
        return {"url": f"{SITE}/{slug}" if slug else None}

    return _place(found, _CATEGORY, more)


def column(found: Mapping[str, Any]) -> Record | None:
    """A column (专栏), a collection of one author's articles."""
    version = mapping(found.get("column_version"))

    def more(own: Record, info: Mapping[str, Any]) -> Record:
        return {
            "title": line_of(version.get("title")),
            "text": text_of(version.get("content")),
            **author_of({**found, "author_user_info": found.get("author")}, info),
            "url": ADDRESSES["column"].format(id=own["id"]),
        }

    return _place(found, _COLUMN, more)


def account(found: Mapping[str, Any]) -> Record | None:
    """An account found in a list."""
    return _place(
        found, _ACCOUNT, lambda own, _: {"url": ADDRESSES["account"].format(id=own["id"])}
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
