"""Post objects of Medium as raw records: one reader for ``?format=json``, page state and GraphQL.

A record has ``source``, ``id``, ``kind`` and, only where the source says so: ``title``,
``subtitle``, ``text``, ``author``, ``handle``, ``author_id``, ``created_at`` (first publication),
``updated_at``, ``url`` (as the source states it), ``article_url``, ``likes`` (claps),
``recommends`` (people), ``replies``,
``reading_time_min``, ``tags``, ``publication``, ``publication_slug``, ``locked``, ``partial`` (the
text is only a part), ``language``, ``reply_to`` (id of the article it answers), ``html``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from hotstream_reactive.platforms.medium.links import (
    bare_id,
    publication_in,
    without_query,
)
from hotstream_reactive.platforms.values import (
    Record,
    count,
    entries,
    identifier,
    known,
    line_of,
    mapping,
    moment,
    text_of,
)

# Numbers in `?format=json`, names in page state.
_HEADINGS: frozenset[int | str] = frozenset({2, 3, 13, "H2", "H3", "H4"})
_LIST_ENTRIES: frozenset[int | str] = frozenset({9, 10, "ULI", "OLI"})
_LOCKED: frozenset[int | str] = frozenset({2, "LOCKED"})


class Lookup(Protocol):
    """How the fields of an object are found, and where its references lead."""

    def field(self, thing: Any, name: str) -> Any:
        """The field, with its reference followed; None when it is not there."""
        ...

    def owner(self, post: Any) -> Any:
        """Who wrote a post."""
        ...

    def home(self, post: Any) -> Any:
        """The publication in which it stands."""
        ...


def read(post: Any, lookup: Lookup, source: str) -> Record | None:
    """The record of a post object; None when it has no id or is only mentioned."""
    identity = bare_id(lookup.field(post, "id"))
    title = line_of(lookup.field(post, "title"))
    address = _address(post, lookup)
    if identity is None or not (title or address):
        return None
    get = _getter(post, lookup)
    body, is_whole = paragraphs(post, lookup, title)
    subtitle = _subtitle(post, lookup)
    recommends = count(get("voterCount", "virtuals.recommends"))
    claps = count(get("clapCount", "virtuals.totalClapCount"))
    record = known(
        {
            "source": source,
            "id": identity,
            "kind": "article",
            "title": title,
            "subtitle": subtitle,
            "text": body or subtitle,
            "created_at": moment(get("firstPublishedAt")),
            "updated_at": moment(get("latestPublishedAt")),
            "url": address,
            "article_url": address,
            # Before 2017 there were no claps, only people who recommended.
            "likes": recommends if claps is None else claps,
            "recommends": recommends,
            "replies": count(
                get("postResponses.count", "responsesCount", "virtuals.responsesCreatedCount")
            ),
            "reading_time_min": _minutes(get("readingTime", "virtuals.readingTime")),
            "tags": tags(post, lookup),
            "locked": _is_locked(post, lookup),
            "partial": None if is_whole and not _is_preview(post, lookup) else True,
            "language": text_of(get("detectedLanguage")),
            "reply_to": bare_id(get("inResponseToPostId", "inResponseToPostResult.id")),
        }
    )
    return record | _author(lookup, lookup.owner(post)) | _publication(lookup, post, address)


def tags(post: Any, lookup: Lookup) -> list[str]:
    """The slugs of a post's tags."""
    found = lookup.field(lookup.field(post, "virtuals"), "tags") or lookup.field(post, "tags")
    result = []
    for tag in found if isinstance(found, list) else []:
        slug = (
            lookup.field(tag, "slug")
            or lookup.field(tag, "normalizedTagSlug")
            or lookup.field(tag, "id")
        )
        if shown := text_of(slug):
            result.append(shown)
    return list(dict.fromkeys(result))


def paragraphs(post: Any, lookup: Lookup, title: str) -> tuple[str, bool]:
    """The text of a post's body, and whether it is the whole of it; empty when it is not there."""
    content = lookup.field(post, "content")
    for holder, is_whole in ((content, True), (lookup.field(post, "previewContent"), False)):
        body = lookup.field(holder, "bodyModel")
        lines = _lines(lookup.field(body, "paragraphs"), lookup, title)
        if not lines:
            continue
        told = lookup.field(holder, "isFullContent")
        return "\n".join(lines), told if isinstance(told, bool) else is_whole
    return "", False


def _lines(found: Any, lookup: Lookup, title: str) -> list[str]:
    lines: list[str] = []
    for paragraph in found if isinstance(found, list) else []:
        text = text_of(lookup.field(paragraph, "text"))
        kind = lookup.field(paragraph, "type")
        is_title = not lines and _is_among(kind, _HEADINGS) and line_of(text) == title
        if text and not is_title:
            lines.append(f"• {text}" if _is_among(kind, _LIST_ENTRIES) else text)
    return lines


def _getter(post: Any, lookup: Lookup) -> Callable[..., Any]:
    def get(*paths: str) -> Any:
        for path in paths:
            value = post
            for name in path.split("."):
                value = lookup.field(value, name)
            if value is not None and value != "":
                return value
        return None

    return get


def _subtitle(post: Any, lookup: Lookup) -> str:
    get = _getter(post, lookup)
    return text_of(
        get(
            "virtuals.subtitle",
            "extendedPreviewContent.subtitle",
            "previewContent.subtitle",
            "content.subtitle",
            "virtuals.metaDescription",
            "metaDescription",
        )
    )


def _address(post: Any, lookup: Lookup) -> str:
    return without_query(text_of(lookup.field(post, "mediumUrl")))


def _is_locked(post: Any, lookup: Lookup) -> bool | None:
    get = _getter(post, lookup)
    said = [get("isLocked"), get("isSubscriptionLocked"), get("virtuals.isLockedPreviewOnly")]
    visibility = get("visibility")
    if any(one is True for one in said) or _is_among(visibility, _LOCKED):
        return True
    return False if False in said or visibility is not None else None


def _is_among(value: Any, known_ones: frozenset[int | str]) -> bool:
    return isinstance(value, int | str) and value in known_ones


def _is_preview(post: Any, lookup: Lookup) -> bool:
    get = _getter(post, lookup)
    return (
        get("content.isLockedPreviewOnly") is True
        or get("virtuals.isLockedPreviewOnly") is True
        or get("isLockedPreviewOnly") is True
    )


def _minutes(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return round(float(value), 1)


def _author(lookup: Lookup, user: Any) -> Record:
    return known(
        {
            "author": line_of(lookup.field(user, "name")),
            "handle": text_of(lookup.field(user, "username")),
            "author_id": identifier(lookup.field(user, "userId"))
            or identifier(lookup.field(user, "id")),
        }
    )


def _publication(lookup: Lookup, post: Any, address: str) -> Record:
    home = lookup.home(post)
    return known(
        {
            "publication": line_of(lookup.field(home, "name")),
            "publication_slug": text_of(lookup.field(home, "slug")) or publication_in(address),
        }
    )


class References:
    """`Lookup` in the records of ``payload.references`` of a ``?format=json`` answer."""

    def __init__(self, references: Any) -> None:
        self._references = mapping(references)

    def field(self, thing: Any, name: str) -> Any:
        """The field of an object."""
        return thing.get(name) if isinstance(thing, dict) else None

    def owner(self, post: Any) -> Any:
        """The user whose id stands in `creatorId`."""
        inline = self.field(post, "creator")
        return inline or self.of("User", self.field(post, "creatorId"))

    def home(self, post: Any) -> Any:
        """The collection whose id stands in `homeCollectionId`."""
        inline = self.field(post, "homeCollection")
        return inline or self.of("Collection", self.field(post, "homeCollectionId"))

    def of(self, kind: str, identity: Any) -> Any:
        """A record by kind and id; None when it is not there."""
        return (
            mapping(self._references.get(kind)).get(identity) if isinstance(identity, str) else None
        )

    def posts(self) -> list[Record]:
        """All posts, in the order in which they stand."""
        return entries(list(mapping(self._references.get("Post")).values()))
