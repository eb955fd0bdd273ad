"""Addresses on Nitter pages: which post, which account, and their canonical forms."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from hotstream_reactive.errors import PermanentError

_STATUS = re.compile(
    r"(?:https?://[^/?#]+)?/(?P<handle>\w{1,50}|i/web)/status(?:es)?/(?P<id>\d{1,20})(?![\w])",
    re.ASCII,
)
_HANDLE = re.compile(r"[A-Za-z0-9_]{1,15}", re.ASCII)
_ANONYMOUS = ("i", "i/web")

CANONICAL = "https://x.com"
_TWITTER_HOSTS = frozenset({"x.com", "twitter.com", "mobile.twitter.com", "mobile.x.com"})
_NO_ACCOUNTS = frozenset(
    {"i", "search", "settings", "hashtag", "home", "explore", "about", "intent", "login", "pic"}
    | {"video", "share", "messages", "notifications", "tos", "privacy"}
)


class PostLink(NamedTuple):
    """The post a link points to; `handle` is None in ``/i/status/<id>``."""

    id: str
    handle: str | None


def post_link(href: str) -> PostLink | None:
    """Read ``/<handle>/status/<id>#m``, with or without a host in front."""
    match = _STATUS.match(href.strip())
    if match is None:
        return None
    handle = match["handle"]
    return PostLink(match["id"], None if handle in _ANONYMOUS else handle)


def post_url(post_id: str, handle: str | None) -> str:
    """The canonical address of a post, the same whatever instance it was read from."""
    return f"{CANONICAL}/{handle or 'i'}/status/{post_id}"


def outside_link(href: str, instance_host: str | None) -> str:
    """A link in a text as it should be stored: paths of the instance itself lead to x.com."""
    if href.startswith("//"):
        href = "https:" + href
    if href.startswith("/"):
        return CANONICAL + href.removesuffix("#m")
    if instance_host:
        try:
            parts = urlsplit(href)
        except ValueError:
            return href
        if parts.hostname == instance_host:
            query = f"?{parts.query}" if parts.query else ""
            return f"{CANONICAL}{parts.path}{query}"
    return href


def asked_post(given: str, *, instance_hosts: frozenset[str] = frozenset()) -> PostLink | None:
    """The post that a task names by its address on x.com or on an instance; None when it is none.

    Args:
        given: what the task says.
        instance_hosts: hosts of the configured instances.
    """
    address = given.strip()
    if any(mark.isspace() for mark in address) or "/" not in address:
        return None
    if "://" not in address:
        address = "https://" + address
    return post_link(address) if _is_known_host(address, instance_hosts) else None


def account_name(given: str, *, instance_hosts: frozenset[str] = frozenset()) -> str:
    """The bare account name of ``name``, ``@name`` or a profile address.

    Args:
        given: what the task says.
        instance_hosts: hosts of the configured instances, whose addresses are accepted too.

    Raises:
        PermanentError: (`bad_account`) it is no account name.
    """
    name = given.strip()
    if "://" in name or "/" in name:
        name = _name_of_address(name, instance_hosts) or ""
    name = name.removeprefix("@")
    if not _HANDLE.fullmatch(name) or name.lower() in _NO_ACCOUNTS:
        raise PermanentError(
            f"{given!r} is no Twitter account: give the name (1 to 15 of A-Z, a-z, 0-9, _), "
            f"with or without @, or its address on x.com",
            kind="bad_account",
        )
    return name


def _name_of_address(address: str, instance_hosts: frozenset[str]) -> str | None:
    if "://" not in address:
        address = "https://" + address
    if not _is_known_host(address, instance_hosts):
        return None
    return urlsplit(address).path.strip("/").split("/", 1)[0]


def _is_known_host(address: str, instance_hosts: frozenset[str]) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    host = (parts.hostname or "").removeprefix("www.")
    known = host in _TWITTER_HOSTS or host in instance_hosts or "nitter" in host
    return known and parts.scheme in ("http", "https")
