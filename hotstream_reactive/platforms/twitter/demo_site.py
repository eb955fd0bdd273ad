"""A small site on loopback that looks like a Nitter instance: for `hotstream demo` and the tests.

Run it by itself with ``python -m hotstream_reactive.platforms.twitter.demo_site --port 0``: it
prints its address and serves until it is stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import binascii
import contextlib
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

from hotstream_reactive.platforms.twitter import (
    demo_conversation,
    demo_feed,
    demo_pages,
    demo_search,
)
from hotstream_reactive.platforms.twitter.demo_content import Account, Entry, make_accounts

PAGE_SIZE = 20
_MAX_HEAD_BYTES = 64 * 1024
_IDLE_TIMEOUT_S = 75.0
_TABS = {"", "with_replies", "media", "search"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client asked for; header names are in lower case."""

    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the site answers; with `chunks` the body comes piece by piece, as they are made."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: AsyncIterator[bytes] | None = None


def html(page: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A page as a reply."""
    return Reply(status=status, body=page.encode(), headers=headers or {})


class NitterSite:
    """The demo site; an asynchronous context manager.

    Args:
        delay_s: how long every answer takes, in seconds.
        port: 0 takes a free one.
        posts_per_account: how much each of the invented accounts has written.

    Attributes:
        requests: the targets asked for so far, e.g. ``/nightdome?cursor=…``.
        accounts: the invented accounts by lower-case handle.
    """

    def __init__(self, *, delay_s: float = 0.0, port: int = 0, posts_per_account: int = 60) -> None:
        self.delay_s = delay_s
        self.requests: list[str] = []
        self.accounts: dict[str, Account] = make_accounts(posts_per_account)
        self._names = {account.handle: account.name for account in self.accounts.values()}
        self._asked_port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise RuntimeError("the site is not running: use `async with`")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Its base address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> NitterSite:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self._asked_port, limit=_MAX_HEAD_BYTES
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._closing = True
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def answer(self, request: Request) -> Reply:
        """Answer one request; the tests' misbehaving site overrides this."""
        parts = [unquote(part) for part in request.path.strip("/").split("/") if part]
        match parts:
            case [] | ["search"]:
                return self._search(request.query, request.path)
            case ["search", "rss"]:
                found = demo_search.search(self.accounts.values(), request.query)
                title = f'Search results for "{request.query.get("q", "")}"'
                return self._feed(title, found, request.query)
            case ["about"]:
                return html(demo_pages.about())
            case ["robots.txt"]:
                text = b"User-agent: *\nDisallow: /\nCrawl-delay: 1\n"
                return Reply(body=text, content_type="text/plain")
            case [_, "status", wanted]:
                return self._conversation(wanted, request.query)
            case [name, *tabs, "rss"] if len(tabs) <= 1 and name.lower() in self.accounts:
                return self._account_feed(self.accounts[name.lower()], request.query, *tabs)
            case [name] | [name, _] if len(parts) == 1 or parts[1] in _TABS:
                return self._account(name, parts[1] if len(parts) == 2 else "", request)
        return html(demo_pages.error("Page not found"), 404)

    def _account(self, name: str, tab: str, request: Request) -> Reply:
        account = self.accounts.get(name.lower())
        if account is None:
            return html(demo_pages.error(f'User "{name}" not found'), 404)
        if tab == "search":
            query = {**request.query, "q": f"from:{account.handle} {request.query.get('q', '')}"}
            entries = demo_search.search(self.accounts.values(), query)
        else:
            entries = [entry for entry in account.timeline if _belongs(entry, tab)]
        kept = {key: value for key, value in request.query.items() if key != "cursor"}
        timeline = self._timeline(
            entries, request.query, kept if tab == "search" else {}, request.path
        )
        return html(demo_pages.account_page(account, timeline, tab=f"/{tab}" if tab else ""))

    def _account_feed(self, account: Account, query: dict[str, str], tab: str = "") -> Reply:
        entries = [entry for entry in account.timeline if _belongs(entry, tab)]
        return self._feed(f"{account.name} / @{account.handle}", entries, query)

    def _conversation(self, wanted: str, query: dict[str, str]) -> Reply:
        found = demo_conversation.find(self.accounts.values(), wanted)
        if found is None:
            return html(demo_pages.error("Tweet not found"), 404)
        start = _offset(query.get("cursor", ""))
        end = start + demo_conversation.THREADS_PER_PAGE
        more = _cursor(end) if end < len(found.replies) else None
        return html(demo_conversation.page(found, self._names, start=start, more=more))

    def _search(self, query: dict[str, str], path: str) -> Reply:
        words = query.get("q", "")
        if len(words) > 500:
            return html(demo_pages.error("Search input too long."), 400)
        entries = demo_search.search(self.accounts.values(), query)
        kept = {key: value for key, value in query.items() if key != "cursor"}
        return html(demo_pages.search_page(words, self._timeline(entries, query, kept, path)))

    def _timeline(
        self, entries: list[Entry], query: dict[str, str], kept: dict[str, str], path: str
    ) -> str:
        start = _offset(query.get("cursor", ""))
        end = start + PAGE_SIZE
        more = kept | {"cursor": _cursor(end)} if end < len(entries) else None
        return demo_pages.timeline(
            entries[start:end], self._names, first=start == 0, more=more, path=path
        )

    def _feed(self, title: str, entries: list[Entry], query: dict[str, str]) -> Reply:
        start = _offset(query.get("cursor", ""))
        end = start + PAGE_SIZE
        feed = demo_feed.feed(title, entries[start:end], self._names, self.url)
        return Reply(
            body=feed.encode(),
            content_type="application/rss+xml; charset=utf-8",
            headers={"Min-Id": _cursor(end) if end < len(entries) else ""},
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while (request := await _read_request(reader)) is not None:
                self.requests.append(request.target)
                if self.delay_s > 0:
                    await asyncio.sleep(self.delay_s)
                await _write_reply(writer, await self.answer(request), request)
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            return  # the client went away, as clients do
        except asyncio.CancelledError:
            if not self._closing:
                raise
        finally:
            self._connections.discard(task)
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _IDLE_TIMEOUT_S)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        return None
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    parts = urlsplit(words[1])
    return Request(
        method=words[0],
        target=words[1],
        path=parts.path,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
    )


async def _write_reply(writer: asyncio.StreamWriter, reply: Reply, request: Request) -> None:
    fields = {"Content-Type": reply.content_type, **reply.headers}
    fields.setdefault("Connection", "keep-alive" if reply.chunks is None else "close")
    if reply.chunks is None:
        fields.setdefault("Content-Length", str(len(reply.body)))
    head = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    writer.write(f"{head}\r\n".encode("latin-1"))
    if request.method != "HEAD":
        writer.write(reply.body)
    await writer.drain()
    if reply.chunks is not None:
        async for chunk in reply.chunks:
            writer.write(chunk)
            await writer.drain()
    if fields["Connection"] == "close":
        raise ConnectionResetError("the end of the body is the end of the connection")


def _belongs(entry: Entry, tab: str) -> bool:
    if tab == "media":
        return entry.reposted_by is None and any(post.media for post in entry.posts)
    is_reply = entry.reposted_by is None and bool(entry.posts[0].reply_to)
    return tab == "with_replies" or not is_reply


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"at:{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("at:") or 0)
    except (ValueError, binascii.Error):
        return 0


async def _serve_until_stopped(port: int, delay_s: float, posts_per_account: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no such handlers
            loop.add_signal_handler(name, stopped.set)
    async with NitterSite(delay_s=delay_s, port=port, posts_per_account=posts_per_account) as site:
        print(site.url, flush=True)
        await stopped.wait()


def main() -> None:
    """Serve the site from the command line."""
    parser = argparse.ArgumentParser(description="A site that looks like a Nitter instance.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds each answer takes")
    parser.add_argument("--posts", type=int, default=60, help="posts of each invented account")
    options = parser.parse_args()
    asyncio.run(_serve_until_stopped(options.port, options.delay, options.posts))


if __name__ == "__main__":
    main()
