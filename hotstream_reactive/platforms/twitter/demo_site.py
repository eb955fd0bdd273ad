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
from collections.abc import Mapping

from hotstream_reactive.loopback import LoopbackServer, Reply, Request
from hotstream_reactive.platforms.twitter import (
    demo_conversation,
    demo_feed,
    demo_pages,
    demo_search,
)
from hotstream_reactive.platforms.twitter.demo_content import Account, Entry, make_accounts

PAGE_SIZE = 20
_TABS = {"", "with_replies", "media", "search"}


def html(page: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A page as a reply."""
    return Reply(status=status, body=page.encode(), headers=headers or {})


class NitterSite(LoopbackServer):
    """The demo site; an asynchronous context manager.

    Args:
        delay_s: how long every answer takes, in seconds.
        port: 0 takes a free one.
        posts_per_account: how much each of the invented accounts has written.

    Attributes:
        accounts: the invented accounts by lower-case handle.
    """

    def __init__(self, *, delay_s: float = 0.0, port: int = 0, posts_per_account: int = 60) -> None:
        super().__init__(delay_s=delay_s, port=port)
        self.accounts: dict[str, Account] = make_accounts(posts_per_account)
        self._names = {account.handle: account.name for account in self.accounts.values()}

    @property
    def requests(self) -> list[str]:
        """The targets asked for so far, e.g. ``/nightdome?cursor=…``."""
        return [request.target for request in self.received]

    async def answer(self, request: Request) -> Reply:
        """Answer one request; the tests' misbehaving site overrides this."""
        parts = [part for part in request.path.strip("/").split("/") if part]
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
