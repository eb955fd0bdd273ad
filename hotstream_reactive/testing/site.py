"""A site made of recorded pages, which can be told to misbehave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotstream_reactive.loopback import LoopbackServer, Reply, Request

CHALLENGE_PAGE = """<!DOCTYPE html><html><head><title>Just a moment...</title></head>
<body><p>Checking.</p><script>window._cf_chl_opt = {};</script></body></html>"""

#: Ways in which any site refuses, by name; an adapter must tell each of them as an error.
REFUSALS: Mapping[str, Reply] = {
    "challenge": Reply(status=403, body=CHALLENGE_PAGE),
    "limited": Reply(status=429, body="slow down", headers={"Retry-After": "90"}),
    "gone": Reply(status=410, body="<html><body>gone</body></html>"),
    "broken": Reply(status=502, body="<html><body>bad gateway</body></html>"),
    "cut": Reply(body="<html>", cut=True),
    "forbidden": Reply(status=403, body="<html><body>no</body></html>"),
    "empty": Reply(body=""),
}

_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
}

#: What a site gives for an address: the body, a file with it, or all of the answer.
Page = str | bytes | Path | Reply


@dataclass
class _Rule:
    part: str
    times: int | None
    reply: Reply

    def applies(self, request: Request) -> bool:
        if self.times == 0 or self.part not in request.target:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class RecordedSite(LoopbackServer):
    """Recorded pages on loopback; an asynchronous context manager.

    Give `url` to an adapter as its `base_url`: addresses from the operator's configuration may be
    on loopback, others may not. What is not recorded is answered with status 404.

    Args:
        pages: by target (path and query, e.g. ``/posts?page=2``), else by path alone. A file's
            ending (``.json``, ``.html``, ``.xml``) gives its content type, as it does for the
            path of a text.
    """

    def __init__(self, pages: Mapping[str, Page] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._pages = dict(pages or {})
        self._rules: list[_Rule] = []

    def misbehave(self, part: str, reply: Reply, *, times: int | None = None) -> None:
        """Answer otherwise where the target holds `part`, from now on or so often."""
        self._rules.insert(0, _Rule(part, times, reply))

    def behave(self) -> None:
        """Be well again, and forget what was asked."""
        self._rules.clear()
        self.received.clear()

    async def answer(self, request: Request) -> Reply:
        """As a rule of `misbehave` says, else well."""
        rule = next((rule for rule in self._rules if rule.applies(request)), None)
        return rule.reply if rule else await self.page(request)

    async def page(self, request: Request) -> Reply:
        """The recorded page; a site that is more than recordings overrides this."""
        page = self._pages.get(request.target, self._pages.get(request.path))
        if page is None:
            return Reply(status=404, body="<html><body>not recorded</body></html>")
        if isinstance(page, Reply):
            return page
        suffix = page.suffix if isinstance(page, Path) else Path(request.path).suffix
        body = page.read_bytes() if isinstance(page, Path) else page
        return Reply(body=body, content_type=_CONTENT_TYPES.get(suffix, _guessed(body)))


def _guessed(body: str | bytes) -> str:
    begins = body[:1] if isinstance(body, str) else body[:1].decode("latin-1")
    return _CONTENT_TYPES[".json" if begins in ("{", "[") else ".html"]
