"""Addresses of Medium: which article, whose list, and their canonical forms."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from hotstream_reactive.errors import PermanentError

CANONICAL = "https://medium.com"

_ID = re.compile(r"[0-9a-f]{8,12}")
_IN_SLUG = re.compile(r"(?:^|-)([0-9a-f]{8,12})$")
_HANDLE = re.compile(r"@?[\w.-]{1,64}")
_SLUG = re.compile(r"[\w.-]{1,128}")
_DOMAIN = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}")
_SUBDOMAIN = re.compile(r"(?P<name>[\w-]{1,64})\.medium\.com")
_NO_SUBDOMAINS = frozenset({"www", "help", "policy", "link", "api", "cdn-images-1", "miro"})
_NO_PUBLICATIONS = frozenset(
    {"m", "p", "s", "_", "me", "tag", "tags", "feed", "search", "about", "membership", "topic"}
    | {"topics", "new-story", "explore-topics", "jobs-at-medium", "plans", "signin", "post"}
)
_LISTS = frozenset({"latest", "archive", "recommended", "about", "all", "trending"})

Kind = Literal["user", "publication", "domain", "tag", "article"]


class Place(NamedTuple):
    """What a task names.

    `name` is the handle without ``@``, the publication's slug, the host of an own domain, the tag,
    or the id of an article; `address` is that of an article on a domain of its own.
    """

    kind: Kind
    name: str
    address: str = ""

    @property
    def label(self) -> str:
        """The name for reports, checkpoints and messages."""
        return f"@{self.name}" if self.kind == "user" else self.name


def article_id(address: str) -> str | None:
    """The hexadecimal id at the end of an article's address or path, or in ``/p/<id>``."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    # In an app's address the first word is where a host would be: medium://p/1234.
    path = f"{parts.netloc}/{parts.path}" if parts.scheme == "medium" else parts.path
    last = path.rstrip("/").rsplit("/", 1)[-1]
    found = _IN_SLUG.search(last.lower())
    return found[1] if found else None


def bare_id(value: object) -> str | None:
    """The value if it is an article's id."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def permalink(identity: str) -> str:
    """The address that always leads to the article."""
    return f"{CANONICAL}/p/{identity}"


def without_query(address: str) -> str:
    """The address without query and fragment, which only say where the reader came from."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def handle_in(address: str) -> str | None:
    """The author whom an address names: ``/@name/…`` or ``name.medium.com``."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    first = unquote(parts.path.strip("/").split("/", 1)[0])
    if first.startswith("@") and len(first) > 1:
        return first[1:]
    found = _SUBDOMAIN.fullmatch(host)
    return found["name"] if found and found["name"] not in _NO_SUBDOMAINS else None


def publication_in(address: str) -> str | None:
    """The publication that an address on medium.com names; None for other addresses."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    words = [word for word in parts.path.split("/") if word]
    on_medium = (parts.hostname or "").removeprefix("www.") == "medium.com"
    if not on_medium or len(words) < 2 or words[0].startswith("@") or words[0] in _NO_PUBLICATIONS:
        return None
    return words[0]


def tag_slug(keyword: str) -> str:
    """A keyword as Medium spells tags: lower case, words joined by hyphens."""
    return re.sub(r"[^\w]+", "-", keyword.strip().lower()).strip("-_")


def place(given: str, *, base: str) -> Place:
    """What an account of a task is.

    Args:
        given: ``@user``, a publication's slug, an own domain, ``tag/<tag>``, or an address of one
            of these or of an article.
        base: the configured site, whose addresses are accepted like those of medium.com.

    Raises:
        PermanentError: (`bad_account`) it is none of these.
    """
    name = given.strip()
    found: Place | None
    if "/" in name:
        found = _of_address(name, base)
    elif name.startswith("@"):
        found = Place("user", name[1:]) if _HANDLE.fullmatch(name) and len(name) > 1 else None
    elif _DOMAIN.fullmatch(name.lower()):
        found = _of_host(name.lower(), base)
    else:
        is_slug = _SLUG.fullmatch(name) and name not in _NO_PUBLICATIONS
        found = Place("publication", name) if is_slug else None
    if found is None:
        raise PermanentError(
            f"{given!r} is no account of Medium: give @name, the name of a publication, its own "
            f"domain, or an address",
            kind="bad_account",
        )
    return found


def article_place(given: str, *, base: str) -> Place:
    """An article given by its id or its address.

    Raises:
        PermanentError: (`bad_article`) it is neither.
    """
    text = given.strip()
    if identity := bare_id(text.lower()):
        return Place("article", identity)
    found = _of_address(text, base) if "/" in text else None
    if found is None or found.kind != "article":
        raise PermanentError(
            f"{given!r} is no article of Medium: give its address or the 8 to 12 digits at its end",
            kind="bad_article",
        )
    return found


def _of_address(address: str, base: str) -> Place | None:
    if address.startswith("tag/"):
        address = f"{base}/{address}"
    if "://" not in address:
        address = "https://" + address
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower().removeprefix("www.")
        own = urlsplit(base).netloc == parts.netloc
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    words = [unquote(word) for word in parts.path.split("/") if word]
    if host == "medium.com" or own:
        return _of_path(words)
    identity = article_id(parts.path) if words and words[-1] not in _LISTS else None
    if identity is not None:
        subdomain = _SUBDOMAIN.fullmatch(host)
        return Place("article", identity, "" if subdomain else without_query(address))
    return _of_host(host, base)


def _of_host(host: str, base: str) -> Place | None:
    host = host.removeprefix("www.")
    if host in ("medium.com", (urlsplit(base).hostname or "")):
        return None
    if found := _SUBDOMAIN.fullmatch(host):
        return Place("user", found["name"]) if found["name"] not in _NO_SUBDOMAINS else None
    return Place("domain", host) if _DOMAIN.fullmatch(host) else None


def _of_path(words: list[str]) -> Place | None:
    if words and words[0] == "feed":
        words = words[1:]
    match words:
        case []:
            return None
        case ["p", word]:
            return Place("article", word) if bare_id(word) else None
        case ["tag", tag, *_]:
            return Place("tag", tag) if _SLUG.fullmatch(tag) else None
        case [_, slug, *_] if slug not in _LISTS and (identity := article_id("/" + slug)):
            return Place("article", identity)
        case [name, *_] if name.startswith("@"):
            return Place("user", name[1:]) if _HANDLE.fullmatch(name) and len(name) > 1 else None
        case [name, *_] if name not in _NO_PUBLICATIONS and _SLUG.fullmatch(name):
            return Place("publication", name)
    return None
