"""The HTTP client of the adapters: bounded in time, size and redirects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urldefrag, urljoin

import anyio
import msgspec

from hotstream_reactive.errors import TransientError
from hotstream_reactive.fetch.guard import AddressGuard, endpoint, is_local, without_credentials
from hotstream_reactive.fetch.proxies import Proxy, ProxyPool, shared_pool
from hotstream_reactive.fetch.question import Question
from hotstream_reactive.fetch.response import (
    Response,
    basic_credentials,
    basic_header,
    origin_of,
)
from hotstream_reactive.fetch.retry import pause_after_answer, pause_after_error
from hotstream_reactive.fetch.robots import Robots, Text, shared_robots
from hotstream_reactive.fetch.traffic import told
from hotstream_reactive.fetch.wire import ProxyFailed, Wire, ssl_context
from hotstream_reactive.settings import FetchSettings, PlatformSettings
from hotstream_reactive.version import __version__

__all__ = ["DEFAULT_USER_AGENT", "HttpClient", "Response", "basic_credentials", "prepare"]

DEFAULT_USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    f"HotStreamReactive/{__version__} Safari/537.36"
)
_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Tries with other proxies are no retries of the site, but they take time too.
_PROXIES_PER_FETCH = 3


def prepare() -> None:
    """Do once, at a quiet moment, what the first client would otherwise wait for."""
    ssl_context()


class HttpClient:
    """Fetches pages over connections that are kept open; close it when done.

    Args:
        settings: `timeout` is the longest one fetch may take with all its redirects and retries,
            in seconds; `max_body_mb` limits the decompressed body.
        trusted: addresses from the operator's configuration, perhaps with ``user:password@``,
            which is then sent to that scheme, host and port and nowhere else.
        retries: how often a page is asked for again; None is `settings.retries`.
        again: awaited before each such request; the caller waits before the first one himself.
        proxies: what to go through; None goes directly.
        robots: whose robots.txt is kept; None keeps none.
        unruled: addresses whose robots.txt is not asked for.
    """

    def __init__(
        self,
        settings: FetchSettings,
        *,
        trusted: Iterable[str] = (),
        retries: int | None = None,
        again: Callable[[], Awaitable[None]] | None = None,
        proxies: ProxyPool | None = None,
        robots: Robots | None = None,
        unruled: Iterable[str] = (),
    ) -> None:
        trusted = list(trusted)
        self._settings = settings
        self._retries = settings.retries if retries is None else retries
        self._again = again
        self._proxies = proxies
        self._chosen: dict[str, Proxy | None] = {}
        self._robots = robots
        self._unruled = {origin_of(address) for address in unruled}
        self._credentials = {
            origin_of(address): basic_header(pair)
            for address in trusted
            if (pair := basic_credentials(address))
        }
        self.guard = AddressGuard(trusted)
        self.user_agent = settings.user_agent or DEFAULT_USER_AGENT
        self._wire = Wire(
            settings,
            {
                "user-agent": self.user_agent,
                "accept": _ACCEPT,
                "accept-language": "en-US,en;q=0.8",
                "accept-encoding": "gzip, deflate",
            },
        )

    @classmethod
    def for_platform(
        cls,
        settings: FetchSettings,
        platform: PlatformSettings,
        *,
        trusted: Iterable[str] = (),
        retries: int | None = None,
        again: Callable[[], Awaitable[None]] | None = None,
    ) -> Self:
        """A client that goes through the platform's proxies and keeps robots.txt as configured.

        Args:
            settings, trusted, retries, again: as above; what the operator configured as
                `instances`, `base_url` or `api_url` is trusted too.
            platform: its `proxies` go before `settings.proxies`.

        Raises:
            PermanentError: (`no_socks`) see `ProxyPool`.
        """
        own = [*platform.instances, *filter(None, (platform.base_url, platform.api_url))]
        listed = platform.proxies or settings.proxies
        return cls(
            settings,
            trusted=[*trusted, *own],
            retries=retries,
            again=again,
            proxies=shared_pool(tuple(listed)) if listed else None,
            robots=shared_robots() if platform.respect_robots else None,
            unruled=own if platform.respect_robots == "auto" else (),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._wire.close()

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Response:
        """Fetch a page.

        Args:
            url: from the configuration or from a page; the latter only in public networks.
            headers: additional ones, sent to the host of `url` only.

        Raises:
            TransientError: network fault (`dns`, `connect`, `tls`, `timeout`, `network`, `proxy`),
                too many redirects (`redirects`), `body_too_large`, `content_encoding`,
                `robots_unavailable`.
            BlockedError: (`forbidden_address`) the address, or a redirect, leads into a private
                network.
            RateLimited: (`crawl_delay`) robots.txt wants a long pause.
            PermanentError: (`bad_address`) it is no address; (`robots`) the site forbids it.
        """
        return await self._ask(url, Question(headers or {}))

    async def post_json(
        self,
        url: str,
        payload: Any,
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Response:
        """Send a value as JSON and read the answer.

        A redirect of status 307 or 308 is sent the value again, within its own scheme, host and
        port only; any other redirect is followed without it.

        Args:
            url, headers: as for `get`.
            payload: anything that JSON can hold.
            repeatable: whether asking twice does no harm, as where the value is only a question.
                Without it the request is sent again only when the site took no notice of the
                first: no connection came about, or it was told to come back later.

        Raises:
            ScrapeError: as `get` does.
        """
        given = {"content-type": "application/json", **(headers or {})}
        body = msgspec.json.encode(payload)
        return await self._ask(url, Question(given, body, repeatable))

    async def _ask(self, url: str, question: Question) -> Response:
        shown = without_credentials(url)
        await self.may_ask(shown)
        with told("http", shown) as asking:
            async with self._bounded(shown):
                response = await self._with_retries(shown, question)
            asking.status = response.status
        return response

    async def may_ask(self, url: str) -> None:
        """Let an address pass when robots.txt allows it, and wait for the pause it wants.

        Raises:
            ScrapeError: as `get` does for robots.txt.
        """
        if self._robots is not None and origin_of(url) not in self._unruled:
            # Else a private address would be told as one whose robots.txt cannot be read.
            await self.guard.vet(url, by_proxy=self._proxies is not None)
            pause_s = await self._robots.check(url, self._robots_text)
            await self._robots.keep_distance(url, pause_s)

    async def proxy_for(self, url: str) -> Proxy | None:
        """The proxy to go through, the same for a host until it fails or is refused.

        Raises:
            TransientError: (`proxy`) none works at the moment.
        """
        if self._proxies is None:
            return None
        host = endpoint(url)[0]
        if host not in self._chosen:
            # A configured address in a private network is out of a proxy's reach.
            local = self.guard.is_trusted(url) and await is_local(url)
            self._chosen[host] = None if local else self._proxies.choose(host)
        return self._chosen[host]

    def refused(self, url: str) -> None:
        """Tell that a site refused this client: it is asked through another proxy next time."""
        host = endpoint(url)[0]
        proxy = self._chosen.pop(host, None)
        if self._proxies is not None and proxy is not None:
            self._proxies.refused(proxy, host)

    async def _robots_text(self, url: str) -> Text:
        if self._again is not None:
            await self._again()  # it is a request like any other
        async with self._bounded(url):
            response = await self._with_retries(url, Question(), ruled=False)
        return Text(response.status, response.text)

    @asynccontextmanager
    async def _bounded(self, url: str) -> AsyncIterator[None]:
        try:
            with anyio.fail_after(self._settings.timeout):
                yield
        except TimeoutError as error:
            seconds = f"{self._settings.timeout:g} s"
            raise TransientError(
                f"{url}: no complete answer within {seconds} (fetch.timeout)", kind="timeout"
            ) from error

    async def _with_retries(self, url: str, question: Question, *, ruled: bool = True) -> Response:
        """Ask again, a few times, what may be answered the next time."""
        proxies_left = _PROXIES_PER_FETCH
        attempt = 1
        while True:
            response: Response | None = None
            try:
                response = await self._follow(url, question, ruled)
                asked = response.headers.get("retry-after")
                pause = pause_after_answer(response.status, asked, attempt)
                if not question.may_follow_answer(response.status, asked):
                    return response
                # A challenge comes with the status of an overloaded server.
                challenged = "cf-mitigated" in response.headers
                if pause is None or challenged or not self._may_repeat(attempt, pause):
                    return response
            except ProxyFailed:
                proxies_left -= 1
                if not proxies_left:
                    raise
                continue  # another proxy, at once: the site has not seen anything yet
            except TransientError as error:
                pause = pause_after_error(error, attempt)
                if not question.may_follow_error(error):
                    raise
                if pause is None or not self._may_repeat(attempt, pause):
                    raise
            attempt += 1
            await anyio.sleep(pause)
            if self._again is not None:
                await self._again()

    def _may_repeat(self, attempt: int, pause_s: float) -> bool:
        """Whether one more try is allowed and there is time for it."""
        left = anyio.current_effective_deadline() - anyio.current_time()
        return attempt <= self._retries and 2 * pause_s < left

    async def _follow(self, url: str, question: Question, ruled: bool) -> Response:
        seen = [url]
        while True:
            is_own = endpoint(seen[-1]) == endpoint(url)
            response = await self._hop(seen[-1], question if is_own else Question())
            target = response.headers.get("location", "").strip()
            if response.status not in _REDIRECTS or not target:
                return msgspec.structs.replace(response, url=url)
            target = without_credentials(urldefrag(urljoin(seen[-1], target)).url)
            if target in seen:
                raise TransientError(f"{url}: redirects in a circle at {target}", kind="redirects")
            if len(seen) > _MAX_REDIRECTS:
                raise TransientError(
                    f"{url}: more than {_MAX_REDIRECTS} redirects, the last to {target}",
                    kind="redirects",
                )
            leaves = origin_of(target) != origin_of(url)
            question = question.redirected(response.status, target, leaves=leaves)
            seen.append(target)
            # What may not be asked for directly may not be asked for on the way either.
            if ruled and leaves:
                await self.may_ask(target)

    async def _hop(self, url: str, question: Question) -> Response:
        proxy = await self.proxy_for(url)
        pinned = await self.guard.vet(url, by_proxy=proxy is not None)
        sent = dict(question.headers)
        if credentials := self._credentials.get(origin_of(url)):
            sent["authorization"] = credentials
        try:
            question = question._replace(headers=sent)
            response = await self._wire.send(url, question, pinned=pinned, proxy=proxy)
        except ProxyFailed:
            self._chosen.pop(endpoint(url)[0], None)
            if self._proxies is not None:
                self._proxies.failed(proxy)
            raise
        if self._proxies is not None and proxy is not None:
            self._proxies.answered(proxy)
        return response
