"""Addresses: public ones from type and id, type and id from addresses, wrapped links unwrapped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote, urljoin, urlsplit

SITE = "https://www.zhihu.com"
_WRAPPER = "link.zhihu.com"

_THING = re.compile(
    r"/answers?/(?P<answer>\d+)"
    r"|/questions?/(?P<question>\d+)"
    r"|/(?:p|articles?)/(?P<article>\d+)"
    r"|/pins?/(?P<pin>\d+)"
    r"|/zvideos?/(?P<zvideo>\d+)"
)
_ADDRESSES = {
    "article": "https://zhuanlan.zhihu.com/p/{id}",
    "question": SITE + "/question/{id}",
    "pin": SITE + "/pin/{id}",
    "zvideo": SITE + "/zvideo/{id}",
    "story": "https://daily.zhihu.com/story/{id}",
}


class Thing(NamedTuple):
    """A piece of content as an address names it."""

    kind: str
    id: str


def public_address(kind: str, identity: str, *, question_id: str | None = None) -> str | None:
    """The address under which people read something; None for kinds that have none.

    Args:
        kind: answer, article, question, pin, zvideo or story.
        identity: its id.
        question_id: what an answer answers; without it, its short address is given.
    """
    if kind == "answer":
        where = f"/question/{question_id}/answer/" if question_id else "/answer/"
        return f"{SITE}{where}{identity}"
    form = _ADDRESSES.get(kind)
    return form.format(id=identity) if form else None


def member_address(token: str, *, is_organization: bool) -> str:
    """The page of an account."""
    return f"{SITE}/{'org' if is_organization else 'people'}/{token}"


def search_address(query: str) -> str:
    """The page of a search."""
    return f"{SITE}/search?type=content&q={quote(query, errors='replace')}"


def thing_at(address: str) -> Thing | None:
    """What an address leads to, of the site, its app or its API."""
    # In an app's address the first word is where a host would be: zhihu://questions/1.
    path = address.split("?", 1)[0].replace("://", "://x/", 1)
    found = _THING.search(path)
    if found is None or found.lastgroup is None:
        return None
    # The question stands before the answer in the address of an answer.
    answer = re.search(r"/answers?/(\d+)", path)
    return Thing("answer", answer[1]) if answer else Thing(found.lastgroup, found[found.lastgroup])


def outside_link(href: str) -> str:
    """A link of a text in full, without the redirector that Zhihu puts before it."""
    href = href.strip()
    try:
        full = urljoin(SITE, href)
        parts = urlsplit(full)
    except ValueError:
        return href
    if (parts.hostname or "") == _WRAPPER:
        target = parse_qs(parts.query).get("target", [""])[0]
        # Some writers escaped the target once more than the query itself.
        return (target if "://" in target else unquote(target)) or full
    return full


def path_of(address: str | None) -> str:
    """The path of an address, empty when there is none."""
    try:
        return urlsplit(address or "").path
    except ValueError:
        return ""


def query_of(address: str | None) -> Mapping[str, str]:
    """The query of an address as a table; of repeated names the first counts."""
    try:
        found = parse_qs(urlsplit(address or "").query, keep_blank_values=True)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}
