"""The demo site with everything that can go wrong with an instance."""

from __future__ import annotations

import asyncio
import base64
import gzip
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from hotstream_reactive.loopback import Reply, Request
from hotstream_reactive.platforms.twitter import demo_pages
from hotstream_reactive.platforms.twitter.demo_content import NEWEST, Account, Entry, Post, post_id
from hotstream_reactive.platforms.twitter.demo_site import NitterSite, html

COOKIE = "res=passed"
PATIENCE_S = 0.005

VERIFYING = f"""<!DOCTYPE html><html><head><meta charset="utf-8">
<title>Verifying your browser | Nitter</title></head><body><script>
window.onload = function () {{
  document.cookie = "{COOKIE}; path=/";
  window.location.reload();
}};
</script></body></html>"""

ANUBIS = """<!doctype html><html lang="en"><head><title>Making sure you&#39;re not a bot!</title>
<script id="anubis_challenge" type="application/json">{"challenge": "x"}</script></head>
<body><h1>Making sure you&#39;re not a bot!</h1></body></html>"""

CLOUDFLARE = """<!DOCTYPE html><html><head><title>Just a moment...</title></head>
<body><p>Checking.</p><script>window._cf_chl_opt = {};</script></body></html>"""

PARKED = """<!doctype html><html data-adblockkey="abc" lang="en"><head></head>
<body><div id="target"></div><script>window.park = "e30=";</script></body></html>"""

LOGIN = """<!DOCTYPE html><html><head><title>Example Authentication</title>
<script>window.authentik = {};</script></head><body></body></html>"""

UNRELATED = """<!DOCTYPE html><html><head><title>Garden furniture</title></head>
<body><h1>Chairs and tables</h1><p>Just a moment... window.park</p></body></html>"""

BY_SCRIPT = """<!DOCTYPE html><html><head><title>Loading</title></head><body>
<div id="app"></div><script>
fetch(location.pathname + "?part=posts").then(answer => answer.text()).then(text => {
  const page = new DOMParser().parseFromString(text, "text/html");
  document.body.replaceChildren(...page.body.children);
});
</script></body></html>"""

DEVOURING = """<!DOCTYPE html><html><body>x<script>
const kept = [];
for (;;) kept.push(new Array(1e7).fill(Math.random()));
</script></body></html>"""

PLACEHOLDER_FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Somebody / @somebody</title><link>http://site.example</link>
<item><title>RSS reader not yet whitelisted!</title><description>Ask us.</description>
<pubDate>Fri, 01 Jan 1971 00:00:00 GMT</pubDate><guid>http://site.example/rss</guid>
<link>http://site.example/rss</link></item></channel></rss>"""


@dataclass
class _Rule:
    path: str | None
    times: int | None
    act: Callable[[Request], Awaitable[Reply]]
    but: Callable[[Request], bool] | None = None

    def applies(self, request: Request) -> bool:
        if self.times == 0 or (self.path is not None and request.path != self.path):
            return False
        if self.but is not None and self.but(request):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class MisbehavingSite(NitterSite):
    """A demo site that can be told to fail: `misbehave("rate_limited", retry_after="7")`."""

    def __init__(self, **options: float) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # the options of NitterSite
        self.headers_seen: list[dict[str, str]] = []
        self._rules: list[_Rule] = []
        self._writers: dict[object, asyncio.StreamWriter] = {}

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    def misbehave(
        self,
        kind: str,
        *,
        path: str | None = None,
        times: int | None = None,
        but: Callable[[Request], bool] | None = None,
        **details: str,
    ) -> None:
        """Fail from now on.

        Args:
            kind: name of one of the methods below, without the underscore.
            path: only there; None is everywhere.
            times: so often; None is always.
            but: requests that are answered well nevertheless.
            details: arguments of the method.
        """
        act = getattr(self, f"_{kind}")

        async def bound(request: Request) -> Reply:
            return await act(request, **details)

        self._rules.insert(0, _Rule(path, times, bound, but))

    def behave(self) -> None:
        """Be a good instance again."""
        self._rules.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers[asyncio.current_task()] = writer
        try:
            await super()._serve(reader, writer)
        finally:
            del self._writers[asyncio.current_task()]

    async def answer(self, request: Request) -> Reply:
        self.headers_seen.append(request.headers)
        for rule in self._rules:
            if rule.applies(request):
                return await rule.act(request)
        return await super().answer(request)

    async def _page(self, _: Request, *, text: str, status: str = "200") -> Reply:
        return html(text, int(status))

    async def _suspended(self, request: Request) -> Reply:
        return html(demo_pages.error('User "" has been suspended'))

    async def _protected(self, request: Request) -> Reply:
        account = self.accounts[request.path.strip("/").split("/")[0].lower()]
        return html(demo_pages.account_page(account, demo_pages.protected(account)))

    async def _rate_limited(self, _: Request, *, retry_after: str = "") -> Reply:
        text = 'Instance has been rate limited.<br>Use <a href="/x">another instance</a> or wait.'
        return html(demo_pages.error(text), 429, {"Retry-After": retry_after})

    async def _internal_error(self, _: Request) -> Reply:
        return html(demo_pages.error("An error occurred, please tell somebody."), 500)

    async def _bad_gateway(self, _: Request) -> Reply:
        return html("<html><body>502 Bad Gateway</body></html>", 502)

    async def _forbidden(self, _: Request) -> Reply:
        return html("<html><body>403 Forbidden</body></html>", 403)

    async def _challenged(self, _: Request) -> Reply:
        return html(CLOUDFLARE, 503, {"cf-mitigated": "challenge"})

    async def _empty(self, _: Request) -> Reply:
        return Reply(content_type="")

    async def _verifying(self, request: Request) -> Reply:
        if COOKIE in request.headers.get("cookie", ""):
            return await NitterSite.answer(self, request)
        return html(VERIFYING)

    async def _asks_password(self, request: Request, *, user: str, password: str) -> Reply:
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        if request.headers.get("authorization") == f"Basic {pair}":
            return await NitterSite.answer(self, request)
        headers = {"WWW-Authenticate": 'Basic realm="private"'}
        return html("<html><body>401</body></html>", 401, headers)

    async def _redirect(self, _: Request, *, to: str) -> Reply:
        return Reply(status=302, headers={"Location": to})

    async def _redirect_onwards(self, request: Request) -> Reply:
        step = int(request.query.get("step", "0")) + 1
        return Reply(status=302, headers={"Location": f"{request.path}?step={step}"})

    async def _none_found(self, request: Request) -> Reply:
        account = self.accounts[request.path.strip("/").split("/")[0].lower()]
        nothing = demo_pages.timeline([], {}, first=True, more=None, path=request.path)
        return html(demo_pages.account_page(account, nothing))

    async def _same_page(self, request: Request) -> Reply:
        """The first page again and again, each time with another cursor."""
        account = self.accounts[request.path.strip("/").split("/")[0].lower()]
        more = {"cursor": f"again-{len(self.requests)}"}
        entries = account.timeline[:20]
        names = {account.handle: account.name}
        shown = demo_pages.timeline(entries, names, first=True, more=more, path=request.path)
        return html(demo_pages.account_page(account, shown))

    async def _endless(self, request: Request) -> Reply:
        """New posts on every page, without end."""
        account = self.accounts[request.path.strip("/").split("/")[0].lower()]
        number = int(request.query.get("cursor", "0"))
        entries = [_invented(account, number * 20 + place) for place in range(20)]
        shown = demo_pages.timeline(
            entries, {}, first=number == 0, more={"cursor": str(number + 1)}, path=request.path
        )
        return html(demo_pages.account_page(account, shown))

    async def _bomb(self, _: Request) -> Reply:
        body = gzip.compress(b"<html><body>" + b"0" * (40 * 2**20))
        return Reply(body=body, headers={"Content-Encoding": "gzip"})

    async def _huge(self, _: Request, *, mebibytes: str = "100") -> Reply:
        """A body that is sent as it is made, without saying how long it is."""

        async def pieces() -> AsyncIterator[bytes]:
            yield b"<html><body>"
            for _ in range(int(mebibytes) * 16):
                yield b"<p>" + b"0" * (2**16 - 7) + b"</p>"

        return Reply(chunks=pieces())

    async def _by_script(self, request: Request) -> Reply:
        """A page without posts that fetches them when its script runs."""
        if request.query.get("part") == "posts":
            return await NitterSite.answer(self, request)
        return html(BY_SCRIPT)

    async def _hangs(self, _: Request) -> Reply:
        """A page whose script never ends."""
        return html("<html><body>x<script>for (;;) {}</script></body></html>")

    async def _devours(self, _: Request) -> Reply:
        """A page whose script takes memory until its process dies."""
        return html(DEVOURING)

    async def _reset(self, _: Request) -> Reply:
        """The connection is reset before anything is answered."""
        writer = self._writers[asyncio.current_task()]
        # Without lingering, closing resets the connection.
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        writer.transport.abort()
        raise ConnectionResetError

    async def _slow_drip(self, _: Request) -> Reply:
        async def drops() -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(PATIENCE_S)

        return Reply(chunks=drops())

    async def _cut(self, _: Request) -> Reply:
        return Reply(body=b"<html>", headers={"Content-Length": "5000", "Connection": "close"})


def _invented(account: Account, number: int) -> Entry:
    at = NEWEST - timedelta(minutes=number)
    post = Post(id=post_id(at, number), handle=account.handle, at=at, text=f"Number {number}")
    return Entry(posts=(post,))
