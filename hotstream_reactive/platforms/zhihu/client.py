"""The site as one run sees it: browser, session, pace, and what was refused before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import anyio

from hotstream_reactive.errors import BlockedError, PermanentError, ScrapeError
from hotstream_reactive.fetch.evidence import Evidence
from hotstream_reactive.fetch.guard import AddressGuard, endpoint, without_credentials
from hotstream_reactive.fetch.proxies import DIRECT, Proxy
from hotstream_reactive.fetch.response import Response
from hotstream_reactive.fetch.session import PageSession, shared_browser
from hotstream_reactive.fetch.session_file import SavedSession, SessionFile
from hotstream_reactive.fetch.throttle import Throttle
from hotstream_reactive.model.page import ParsedPage
from hotstream_reactive.platforms.base import RunContext
from hotstream_reactive.platforms.zhihu.links import SITE, path_of
from hotstream_reactive.platforms.zhihu.query import Target
from hotstream_reactive.platforms.zhihu.refusals import Refusals

#: Cookie of a signed-in session.
SIGNED_IN = "z_c0"


class Shared:
    """What all runs of the process share: one page at a time, pacing, refusals, the browser."""

    def __init__(self) -> None:
        self.throttle = Throttle()
        self.refusals = Refusals()
        self.browser = shared_browser()
        self.turn = anyio.Semaphore(1)
        self.guest: dict[str, dict[str, Any]] = {}


class OpenPage(NamedTuple):
    """A browser page and the session it was opened with, None for a guest."""

    page: PageSession
    saved: SavedSession | None


class ZhihuClient:
    """The site and the session of one run; close it when done."""

    def __init__(self, context: RunContext, shared: Shared) -> None:
        self._context = context
        self._shared = shared
        self.site = _base(context.platform.base_url or SITE)
        api = context.platform.api_url
        self._hosts = {endpoint(self.site), *([endpoint(api)] if api else [])}
        self._guard = AddressGuard([self.site, *([api] if api else [])])
        self.file = SessionFile(context.platform.storage_state)
        listed = context.platform.proxies or context.fetch.proxies
        # A session that came by many ways would look stolen: always the first proxy.
        self._proxy = Proxy(listed[0]) if listed and listed[0] != DIRECT else None
        self._evidence = Evidence(context.evidence_dir, context.fetch.evidence_max_files)
        self._holds_browser = False

    async def close(self) -> None:
        """Close the browser, when no other run uses it."""
        if self._holds_browser:
            self._holds_browser = False
            await self._shared.browser.release()

    async def is_signed_in(self) -> bool:
        """Whether there is a session file with the cookie of a signed-in session."""
        saved = await self.file.read()
        return saved is not None and SIGNED_IN in saved.cookie_names()

    @asynccontextmanager
    async def open(self, target: Target) -> AsyncIterator[OpenPage]:
        """Open an empty browser page for a target, alone in the process, closed at the end.

        Raises:
            PermanentError: (`no_browser`) there is no Chromium, or it may not be used; (`robots`)
                robots.txt is to be kept.
            RateLimited, SessionNeeded: it is known already that the site would refuse.
        """
        if self._context.platform.browser == "never":
            raise _no_browser("platforms.zhihu.browser is never")
        if self._context.platform.respect_robots is True:
            raise PermanentError(
                "robots.txt of Zhihu forbids all unknown clients, and platforms.zhihu."
                "respect_robots is true",
                kind="robots",
            )
        async with self._shared.turn:
            self._shared.refusals.check(self.site, target.page_kind, self.file, target.name)
            saved = await self._saved()
            if not self._holds_browser:
                await self._shared.browser.acquire()
                self._holds_browser = True
            try:
                async with self._shared.browser.session(
                    settings=self._context.fetch,
                    state=saved.state if saved else self._shared.guest.get(self.site),
                    user_agent=(saved.user_agent if saved else "")
                    or self._context.fetch.user_agent,
                    locale="zh-CN",
                    guard=self._guard,
                    proxy=self._proxy,
                    wants=self._wants(target),
                ) as page:
                    yield OpenPage(page, saved)
            except BlockedError as error:
                if error.kind != "no_browser":
                    raise
                raise _no_browser(str(error)) from error

    async def _saved(self) -> SavedSession | None:
        saved = await self.file.read()
        if saved is not None and not saved.is_private:
            self._context.log.warning(
                f"others may read the session file {self.file.path}: chmod 600 it"
            )
        return saved

    def _wants(self, target: Target) -> Callable[[str, int], bool]:
        def wants(url: str, status: int) -> bool:
            if not self._is_ours(url):
                return False
            # Refusals of any other question may concern all of them.
            return target.is_answer(url) or (status >= 400 and "/api/" in path_of(url))

        return wants

    async def keep(self, saved: SavedSession | None, page: PageSession) -> None:
        """Keep what the site changed in the session, for the next visit."""
        state = await page.state()
        if saved is None:
            self._shared.guest[self.site] = state
            return
        names = {cookie["name"] for cookie in state["cookies"]}
        if SIGNED_IN in saved.cookie_names() and SIGNED_IN not in names:
            return  # signed out by the site: the person's file is still the better one
        try:
            await self.file.refresh(saved, state, page.user_agent)
        except OSError as error:
            self._context.log.warning(
                f"the session file {self.file.path} cannot be kept fresh: {error.strerror}"
            )

    async def pace(self) -> None:
        """Wait until one more request may be made, here and in the fleet."""
        await self._context.pace()
        rate = self._context.platform.rate_limit.requests_per_minute
        async with self._shared.throttle.turn(self.site, rate):
            return

    @property
    def timeout_s(self) -> float:
        """How long a page may take to ask for its data."""
        return self._context.fetch.timeout

    def refused(self, page: ParsedPage, target: Target, headers: Mapping[str, str]) -> ScrapeError:
        """The error for a page that is no content."""
        return self._shared.refusals.note(
            page,
            site=self.site,
            page_kind=target.page_kind,
            file=self.file,
            what=target.name,
            headers=headers,
        )

    def _is_ours(self, url: str) -> bool:
        host, port = endpoint(url)
        is_zhihu = endpoint(self.site)[0].endswith("zhihu.com") and host.endswith(".zhihu.com")
        return is_zhihu or (host, port) in self._hosts

    async def keep_evidence(
        self, response: Response, kind: str, saved: SavedSession | None
    ) -> None:
        """Keep an answer that was a refusal, for a person to look at."""
        cookies = saved.state["cookies"] if saved is not None else []
        file = await self._evidence.keep(
            response, kind, secrets_sent=[cookie["value"] for cookie in cookies]
        )
        if file is not None:
            self._context.log.info(f"what Zhihu answered is kept in {file}")


def _base(address: str) -> str:
    return without_credentials(address).split("?", 1)[0].split("#", 1)[0].rstrip("/")


def _no_browser(why: str) -> PermanentError:
    return PermanentError(
        f"Zhihu can only be read with a browser ({why}): install Chromium (`apt-get install "
        "chromium` or `playwright install chromium`), or name one in fetch.chromium",
        kind="no_browser",
    )
