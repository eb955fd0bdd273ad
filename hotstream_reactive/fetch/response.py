"""An answer, and the credentials inside configured addresses."""

from __future__ import annotations

import base64
from urllib.parse import unquote, urlsplit

import msgspec

from hotstream_reactive.fetch.guard import endpoint


class Response(msgspec.Struct, kw_only=True, frozen=True):
    """An answer, whatever its status.

    `url` is what was asked for and `final_url` where the redirects ended, both without
    credentials; `headers` have names in lower case; `text` is the decoded body.
    """

    url: str
    final_url: str
    status: int
    headers: dict[str, str]
    text: str
    content_type: str


def basic_credentials(address: str) -> tuple[str, str] | None:
    """User and password inside a configured address."""
    parts = urlsplit(address)
    if not parts.username and not parts.password:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")


def basic_header(pair: tuple[str, str]) -> str:
    """The value of an Authorization header for basic authentication."""
    return "Basic " + base64.b64encode(":".join(pair).encode()).decode()


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port."""
    return (urlsplit(url).scheme, *endpoint(url))
