"""One question to one instance: plainly, with a browser where a script checks for one, by feed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

from hotstream_reactive.errors import ScrapeError
from hotstream_reactive.fetch.browser import BrowserPool
from hotstream_reactive.fetch.evidence import Evidence
from hotstream_reactive.fetch.http import HttpClient, Response
from hotstream_reactive.fetch.session import shared_browser
from hotstream_reactive.fetch.session_file import SessionFile
from hotstream_reactive.fetch.throttle import Throttle
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.base import RunContext
from hotstream_reactive.platforms.instances import Health, Instance
from hotstream_reactive.platforms.twitter.html import STRUCTURE
from hotstream_reactive.platforms.twitter.pages import parse_page

# Scripts that a browser runs by itself. A captcha is for a person and is only reported.
_BROWSER_PASSES = frozenset({"verifying_browser_pow", "anubis", "bot_wall"})
# What a person may want to look at: not Nitter's own clear words.
_WORTH_KEEPING = frozenset(
    {
        PageOutcome.BLOCKED,
        PageOutcome.CHALLENGE,
        PageOutcome.EMPTY_SUSPECT,
        PageOutcome.LOGIN_REQUIRED,
        PageOutcome.NOT_INSTANCE,
        PageOutcome.NOT_TIMELINE,
    }
)


class Shared:
    """What all runs of the process share: pacing, health of the instances, the browser."""

    def __init__(self) -> None:
        self.throttle = Throttle()
        self.health = Health()
        self.browser: BrowserPool = shared_browser()


class Asked(NamedTuple):
    """What an instance answered, and how it looked in the browser if it was asked with one."""

    page: ParsedPage
    response: Response
    picture: bytes | None = None


class Asker:
    """Asks for one run; close it when done.

    Raises:
        PermanentError: (`no_socks`) a configured proxy cannot be used.
    """

    def __init__(self, context: RunContext, shared: Shared) -> None:
        self._context = context
        self._shared = shared
        # Not asked again here: the next instance is, and then the task as a whole.
        self.http = HttpClient.for_platform(context.fetch, context.platform, retries=0)
        self._evidence = Evidence(context.evidence_dir, context.fetch.evidence_max_files)
        self._state: Mapping[str, Any] | None = None
        self._holds_browser = False

    async def close(self) -> None:
        """Close connections; the browser too, when no other run uses it."""
        try:
            await self.http.close()
        finally:
            if self._holds_browser:
                self._holds_browser = False
                await self._shared.browser.release()

    async def page(self, instance: Instance, path: str) -> Asked:
        """A page of HTML.

        Raises:
            ScrapeError: there was no answer, or none may be asked for.
        """
        mode = self._context.platform.browser
        if mode == "always":
            await self.http.may_ask(instance.base + path)
            return await self._browse(instance, path)
        asked = await self._get(instance, path)
        page = asked.page
        passable = page.outcome is PageOutcome.CHALLENGE and page.failure_kind in _BROWSER_PASSES
        if passable and mode == "auto":
            return await self._browse(instance, path)
        return asked

    async def feed(self, instance: Instance, path: str) -> Asked:
        """The feed of the same posts, at the same place; it has no counters.

        Args:
            instance: who is asked.
            path: as `feed_path` made it.

        Raises:
            ScrapeError: as `page` does.
        """
        asked = await self._get(instance, path)
        cursor = dict(parse_qsl(urlsplit(asked.page.next_cursor or "").query)).get("cursor")
        if not cursor:
            return asked
        # Its header holds the bare cursor; a page's link holds the question as well.
        query = [pair for pair in parse_qsl(urlsplit(path).query) if pair[0] != "cursor"]
        following = "?" + urlencode([*query, ("cursor", cursor)], quote_via=quote)
        page = msgspec.structs.replace(asked.page, next_cursor=following)
        return asked._replace(page=page)

    async def keep(self, asked: Asked, instance: Instance) -> str:
        """Keep a page that is not what was asked for; gives the words that name the file."""
        if asked.page.outcome not in _WORTH_KEEPING or not asked.response.text.strip():
            return ""
        sent = [*(await self._cookies(instance)).values(), *(instance.credentials or ())]
        file = await self._evidence.keep(
            asked.response,
            asked.page.failure_kind or str(asked.page.outcome),
            picture=asked.picture,
            secrets_sent=sent,
        )
        return f"; the page is kept in {file}" if file is not None else ""

    async def _get(self, instance: Instance, path: str) -> Asked:
        cookies = await self._cookies(instance)
        headers = {"cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())} if cookies else {}
        async with self._turn(instance):
            response = await self.http.get(instance.base + path, headers=headers)
        return Asked(_parsed(response), response)

    async def _browse(self, instance: Instance, path: str) -> Asked:
        if not self._holds_browser:
            await self._shared.browser.acquire()
            self._holds_browser = True
        if self._state is None:
            saved = await SessionFile(self._context.platform.storage_state).read()
            self._state = saved.state if saved is not None else {}
        pictures: list[bytes] = []
        cookies = await self._cookies(instance)
        async with self._turn(instance):
            visit = await self._shared.browser.fetch(
                instance.base + path,
                settings=self._context.fetch,
                user_agent=self.http.user_agent,
                ready=STRUCTURE,
                allowed=self._may_load,
                credentials=instance.credentials,
                guard=self.http.guard,
                proxy=await self.http.proxy_for(instance.base),
                cookies=cookies,
                state=self._state,
                picture=pictures.append if self._evidence.is_kept else None,
            )
        # With the cookies of a passed challenge the next pages need no browser.
        cookies.update(visit.cookies)
        return Asked(_parsed(visit.response), visit.response, *pictures)

    async def _cookies(self, instance: Instance) -> dict[str, str]:
        proxy = await self.http.proxy_for(instance.base)
        return self._shared.health.cookies(instance, via=proxy.label if proxy else "")

    @asynccontextmanager
    async def _turn(self, instance: Instance) -> AsyncIterator[None]:
        """The turn of this worker at the instance, and of the fleet at the platform."""
        rate = self._context.platform.rate_limit.requests_per_minute
        async with self._shared.throttle.turn(instance.label, rate):
            await self._context.pace()
            yield

    async def _may_load(self, url: str) -> bool:
        if not url.startswith(("http://", "https://")):
            return True  # its own data, which leads nowhere
        try:
            await self.http.guard.vet(url, by_proxy=True)
        except ScrapeError as error:
            self._context.log.debug(f"the browser may not load something: {error}")
            return False
        return True


def feed_path(path: str) -> str | None:
    """Where the feed of a list of posts is; None when it has none."""
    parts = urlsplit(path)
    kind = dict(parse_qsl(parts.query)).get("f", "tweets")
    if "/status/" in parts.path or kind != "tweets":
        return None
    return f"{parts.path.rstrip('/')}/rss" + (f"?{parts.query}" if parts.query else "")


def _parsed(response: Response) -> ParsedPage:
    return parse_page(
        response.text,
        url=response.final_url,
        status=response.status,
        content_type=response.content_type,
        headers=response.headers,
    )
