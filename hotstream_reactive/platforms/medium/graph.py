"""Page state (``window.__APOLLO_STATE__``) and GraphQL answers: which posts, and where to go on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from hotstream_reactive.platforms.medium import post
from hotstream_reactive.platforms.medium.links import bare_id
from hotstream_reactive.platforms.values import Record, identifier, known, mapping, text_of

_ASSIGNED = re.compile(r"window\.__APOLLO_STATE__\s*=\s*(?={)")
_POST_ARGUMENT = re.compile(r'"(?:id|postId)"\s*:\s*"([0-9a-f]{8,12})"')
# What stands beside a list of posts without belonging to it.
_BESIDE = re.compile(
    r"staffPicks|recirc|readNext|moreFrom|related|sidebar|viewer|catalog|recommendedPub"
    r"|recommendedUser|responses|inResponseTo|pinned",
    re.IGNORECASE,
)
_MAX_DEPTH = 40
_KINDS = (
    ("search", "search"),
    ("postresult", "article"),
    ("post", "article"),
    ("tag", "tag_page"),
    ("topic", "tag_page"),
    ("collection", "publication_page"),
    ("publication", "publication_page"),
    ("user", "user_page"),
)


def state_in(script: str) -> dict[str, Any] | None:
    """The page state that a script sets; None when it sets none."""
    found = _ASSIGNED.search(script)
    if found is None:
        return None
    try:
        state, _ = json.JSONDecoder().raw_decode(script, found.end())
    except (ValueError, RecursionError):
        return None
    return state if isinstance(state, dict) else None


class State:
    """`Lookup` in a page state; objects that stand in place are found as well.

    Args:
        objects: by their keys; empty for a GraphQL answer, in which everything stands in place.
    """

    def __init__(self, objects: dict[str, Any] | None = None) -> None:
        self._objects = objects or {}

    def followed(self, value: Any) -> Any:
        """The object to which a reference leads; any other value as it is."""
        if isinstance(value, list):
            return [self.followed(one) for one in value]
        if not isinstance(value, dict):
            return value
        if value.get("type") == "json" and "json" in value:
            return value["json"]
        key = _reference(value)
        if key is None:
            return value
        found = self._objects.get(key)
        return found if found is not None else {"id": key.partition(":")[2]}

    def field(self, thing: Any, name: str) -> Any:
        """The field, also when its name is followed by arguments."""
        if not isinstance(thing, dict):
            return None
        if name in thing:
            return self.followed(thing[name])
        start = f"{name}("
        found = [value for key, value in thing.items() if key.startswith(start)]
        full = [value for value in found if value is not None]
        return self.followed(full[0]) if full else None

    def owner(self, thing: Any) -> Any:
        """Who wrote a post."""
        return self.field(thing, "creator")

    def home(self, thing: Any) -> Any:
        """The publication in which a post stands."""
        return self.field(thing, "collection")

    def kind_of(self, thing: dict[str, Any]) -> str:
        """The type of an object, empty when it does not say."""
        return text_of(thing.get("__typename"))

    def is_post(self, thing: Any) -> bool:
        """Whether an object is an article (or an answer to one)."""
        if not isinstance(thing, dict) or bare_id(thing.get("id")) is None:
            return False
        kind = self.kind_of(thing)
        return kind == "Post" or (not kind and "title" in thing and "firstPublishedAt" in thing)

    def posts_below(self, thing: Any) -> list[dict[str, Any]]:
        """The posts of the lists below an object, in order, each once."""
        found: dict[str, dict[str, Any]] = {}
        for one in self._walk(thing, set(), 0):
            found.setdefault(one["id"], one)
        return list(found.values())

    def _walk(self, value: Any, entered: set[int], depth: int) -> Iterator[dict[str, Any]]:
        value = self.followed(value)
        if depth > _MAX_DEPTH or not isinstance(value, dict | list) or id(value) in entered:
            return
        if isinstance(value, dict):
            if self.is_post(value):
                yield value
                return
            entered.add(id(value))
            inner = [one for key, one in value.items() if not _BESIDE.search(key.split("(")[0])]
        else:
            inner = value
        for one in inner:
            yield from self._walk(one, entered, depth + 1)

    def next_page(self, value: Any, entered: set[int] | None = None) -> dict[str, Any] | None:
        """The parameters of the next page (``limit``, ``to``, …) below an object."""
        value = self.followed(value)
        entered = set() if entered is None else entered
        if not isinstance(value, dict) or self.is_post(value) or id(value) in entered:
            return None
        entered.add(id(value))
        for key, one in value.items():
            name = key.split("(")[0]
            if name == "pagingInfo":
                following = mapping(self.field(self.followed(one), "next"))
                plain = {word: told for word, told in following.items() if word != "__typename"}
                if plain := known(plain):
                    return plain
            elif not _BESIDE.search(name) and (found := self.next_page(one, entered)):
                return found
        return None


def _reference(value: dict[str, Any]) -> str | None:
    key = value.get("__ref")
    if key is None and value.get("type") == "id" and "typename" in value:
        key = value.get("id")
    return key if isinstance(key, str) else None


class Found:
    """What a page state or an answer holds.

    Attributes:
        records: the posts of its lists, in order.
        kind: of the page.
        next_page: parameters of the next page; None when it names none.
        profile: the account or publication whose page it is.
    """

    def __init__(self, state: State, root: Any, objects: dict[str, Any], source: str) -> None:
        self._state = state
        self._root = mapping(root)
        posts = state.posts_below(self._root)
        if not posts and not self._root:
            posts = [one for one in objects.values() if state.is_post(one)]
        read = (post.read(one, state, source) for one in posts)
        self.records: list[Record] = [record for record in read if record is not None]
        self.kind = self._kind()
        self.next_page = state.next_page(self._root)
        self.profile = self._profile()

    def _names(self) -> list[str]:
        return [key.split("(")[0] for key, value in self._root.items() if value]

    def _kind(self) -> str:
        names = [name.lower() for name in self._names() if not _BESIDE.search(name)]
        for start, kind in _KINDS:
            if any(name.startswith(start) or name.endswith(start + "feed") for name in names):
                return kind
        return "listing"

    def _profile(self) -> dict[str, Any] | None:
        for name in ("userResult", "user", "collectionByDomainOrSlug", "collection"):
            if owner := mapping(self._state.field(self._root, name)):
                handle = text_of(owner.get("username")) or text_of(owner.get("slug"))
                shown = {"handle": handle, "name": text_of(owner.get("name"))}
                return known(shown | {"id": identifier(owner.get("id"))}) or None
        return None

    def main_post(self) -> str | None:
        """The id of the post that the page itself asked for."""
        for key in self._root:
            if key.startswith(("post(", "postResult(", "meterPost(", "post:")):
                argument = _POST_ARGUMENT.search(key)
                if argument:
                    return argument[1]
        return None


def of_page(objects: dict[str, Any]) -> Found:
    """Read a page state."""
    return Found(State(objects), objects.get("ROOT_QUERY"), objects, "apollo")


def post_of_page(objects: dict[str, Any], identity: str) -> Record | None:
    """The record of one post of a page state."""
    found = objects.get(f"Post:{identity}")
    return post.read(found, State(objects), "apollo") if isinstance(found, dict) else None


def of_answer(data: dict[str, Any]) -> Found:
    """Read the ``data`` of a GraphQL answer."""
    return Found(State(), data, {}, "graphql")
