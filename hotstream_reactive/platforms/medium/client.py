"""Asks Medium for feeds, lists, articles and, through a browser, for searches."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from hotstream_reactive.errors import BlockedError, RateLimited, ScrapeError
from hotstream_reactive.fetch.http import HttpClient, Response
from hotstream_reactive.fetch.session import shared_browser
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.base import RunContext
from hotstream_reactive.platforms.medium import search_page
from hotstream_reactive.platforms.medium.links import CANONICAL
from hotstream_reactive.platforms.site import SharedPace, Site

# A connection cut twice is a limit, not an accident.
_RETRIES = 1
_REMEMBERED_FEEDS = 64
_REFUSAL_REMEMBERED_S = 30 * 60.0


class _Kept(NamedTuple):
    page: ParsedPage
    validators: dict[str, str]


class Shared(SharedPace):
    """What all runs of the process share: pacing, validators of feeds, the browser.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.browser = shared_browser()
        self._clock = clock
        self._feeds: OrderedDict[str, _Kept] = OrderedDict()
        self._lists_refused_at = float("-inf")

    def validators(self, url: str) -> dict[str, str]:
        """Headers that ask for a feed only if it has changed; empty when it is not known."""
        kept = self._feeds.get(url)
        return kept.validators if kept else {}

    def unchanged(self, url: str) -> ParsedPage | None:
        """The feed as it was last seen."""
        kept = self._feeds.get(url)
        return kept.page if kept else None

    def keep(self, url: str, response: Response, page: ParsedPage) -> None:
        """Remember a feed with what tells whether it has changed."""
        told = {
            "if-none-match": response.headers.get("etag", ""),
            "if-modified-since": response.headers.get("last-modified", ""),
        }
        validators = {name: value for name, value in told.items() if value}
        self._feeds.pop(url, None)
        if validators and page.outcome is PageOutcome.OK:
            self._feeds[url] = _Kept(page, validators)
            while len(self._feeds) > _REMEMBERED_FEEDS:
                self._feeds.popitem(last=False)

    def lists_refused(self) -> None:
        """Remember that ``?format=json`` was refused, as it is to most clients today."""
        self._lists_refused_at = self._clock()

    @property
    def may_ask_lists(self) -> bool:
        """Whether asking for ``?format=json`` is worth a try."""
        return self._clock() - self._lists_refused_at > _REFUSAL_REMEMBERED_S


class MediumClient:
    """Medium for one run; close it when done."""

    def __init__(self, context: RunContext, shared: Shared) -> None:
        self._context = context
        self.shared = shared
        base = context.platform.base_url or CANONICAL
        self._http = HttpClient.for_platform(
            context.fetch,
            context.platform,
            retries=min(_RETRIES, context.fetch.retries),
            again=context.pace,
        )
        self._site = Site(context, shared, self._http, base, cut_means=_cut)
        self._holds_browser = False

    @property
    def base(self) -> str:
        """The configured site, without a slash at the end."""
        return self._site.base

    async def close(self) -> None:
        """Close connections; the browser too, when no other run uses it."""
        try:
            await self._http.close()
        finally:
            if self._holds_browser:
                self._holds_browser = False
                await self.shared.browser.release()

    async def get(self, url: str, what: str) -> ParsedPage:
        """Fetch a page, list or article.

        Raises:
            PermanentError: there is no such thing.
            RateLimited, BlockedError, TransientError: Medium did not give it.
        """
        response = await self._site.ask(lambda: self._http.get(url))
        return await self._judged(response, what)

    async def feed(self, url: str, what: str) -> ParsedPage:
        """Fetch a feed, or the one last seen when it has not changed since.

        Raises:
            ScrapeError: as `get` does; also (`no_feed`) when there is something else.
        """
        headers = self.shared.validators(url)
        response = await self._site.ask(lambda: self._http.get(url, headers=headers))
        if response.status == 304 and (known := self.shared.unchanged(url)) is not None:
            return known
        page = await self._judged(response, what)
        if not page.page_kind.endswith("_rss"):
            raise BlockedError(f"{what}: {url} is no feed but {page.page_kind}", kind="no_feed")
        self.shared.keep(url, response, page)
        return page

    async def search(self, query: str, wanted: int, what: str) -> ParsedPage:
        """Read the search page in a browser.

        Args:
            query: the words.
            wanted: how many articles would do.
            what: what is asked for, for messages.

        Raises:
            BlockedError: there is no browser, or it was not let in.
            PermanentError: (`robots`) the site forbids it.
            TransientError: the browser failed.
        """
        await self._hold_browser(what)
        url = f"{self.base}/search?q={quote(query, safe='')}"
        await self._http.may_ask(url)
        async with (
            self._site.turn(),
            self.shared.browser.session(
                settings=self._context.fetch,
                state=None,
                user_agent=self._context.fetch.user_agent,
                locale="en-US",
                guard=self._http.guard,
                proxy=await self._http.proxy_for(url),
                wants=search_page.is_answer,
            ) as page,
        ):
            seen = await search_page.listen(
                page,
                url,
                self._context.fetch.timeout,
                lambda so_far: search_page.is_enough(so_far, url, wanted),
            )
        return await self._site.judge(search_page.together(seen, url), what, seen.document)

    async def _hold_browser(self, what: str) -> None:
        if self._context.platform.browser == "never":
            raise BlockedError(
                f'{what}: needs a browser, and platforms.medium.browser is "never"',
                kind="no_browser",
            )
        if not self._holds_browser:
            await self.shared.browser.acquire()
            self._holds_browser = True

    async def _judged(self, response: Response, what: str) -> ParsedPage:
        return await self._site.judge(search_page.parsed(response), what, response)


def _cut(message: str) -> ScrapeError:
    # Medium cuts connections without an answer when it is asked too often.
    return RateLimited(f"{message} (Medium cuts connections when asked too often)", kind="cut")
