"""Pages that stay open, in contexts with a session of their own."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import anyio

from hotstream_reactive.errors import BlockedError, TransientError
from hotstream_reactive.fetch.browser import BrowserPool
from hotstream_reactive.fetch.gateway import Pass, Policy
from hotstream_reactive.fetch.guard import AddressGuard, without_credentials
from hotstream_reactive.fetch.open_page import Heard, PageSession, transient
from hotstream_reactive.fetch.proxies import Proxy
from hotstream_reactive.settings import FetchSettings

if TYPE_CHECKING:  # importing Playwright takes memory that an idle worker should not spend
    from playwright.async_api import Browser, BrowserContext, Page, Route, StorageState

__all__ = ["Heard", "PageSession", "SessionPool", "ordinary_user_agent", "shared_browser"]

_BLOCKED_RESOURCES = frozenset({"image", "media", "font"})
_CLOSE_TIMEOUT_S = 10.0
_MEBIBYTE = 2**20
# What a page that stays open may receive in all, as a multiple of the largest answer.
_ANSWERS_PER_PAGE = 50


class SessionPool(BrowserPool):
    """A browser pool whose pages can stay open, with a session given to them."""

    @asynccontextmanager
    async def session(
        self,
        *,
        settings: FetchSettings,
        state: Mapping[str, Any] | None,
        user_agent: str,
        locale: str,
        wants: Callable[[str, int], bool],
        guard: AddressGuard | None = None,
        proxy: Proxy | None = None,
        allowed: Callable[[str], Awaitable[bool]] | None = None,
    ) -> AsyncIterator[PageSession]:
        """Open an empty page in a context of its own; closed at the end, whatever happens.

        Args:
            settings: `timeout` for each step, `max_body_mb` for each answer.
            state: cookies and local storage to begin with.
            user_agent: the one the session belongs to; empty for that of an ordinary Chromium.
            locale: of the browser, e.g. ``zh-CN``.
            wants: whether the answer of an address, with this status, is to be collected.
            guard: vets every connection that the page makes; without it `allowed` is asked.
            proxy: what all connections go through.
            allowed: whether an address may be fetched.

        Raises:
            BlockedError: (`no_browser`) there is no Chromium.
            TransientError: (`browser`) it does not start, or takes no such session.
        """
        limit = _ANSWERS_PER_PAGE * settings.max_body_mb * _MEBIBYTE
        async with self._stays, self.guarded(_policy(guard, proxy, allowed, limit)) as ticket:
            browser = await self._running(settings)
            live = self._live
            assert live is not None, "it is running"
            agent = user_agent or ordinary_user_agent(browser.version)
            try:
                async with self.watched():
                    context = await _context(browser, ticket, state, agent, locale)
                try:
                    async with self.watched():
                        page = await _page(context)
                    yield PageSession(page, settings, agent, wants, self.watched, ticket)
                finally:
                    with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True) as patience:
                        if live.is_alive:
                            await context.close()
                    if patience.cancelled_caught:
                        live.give_up()
            finally:
                if live is self._live and not live.is_alive:
                    await self.close()


@functools.cache
def shared_browser() -> SessionPool:
    """The browser of this process, for all platforms; each page has a context of its own."""
    return SessionPool()


def _policy(
    guard: AddressGuard | None,
    proxy: Proxy | None,
    allowed: Callable[[str], Awaitable[bool]] | None,
    limit_bytes: int,
) -> Policy:
    async def vet(url: str) -> str | None:
        if guard is not None:
            return await guard.vet(url, by_proxy=proxy is not None)
        if allowed is not None and not await allowed(url):
            raise BlockedError(
                f"the page may not go to {without_credentials(url)}", kind="forbidden_address"
            )
        return None

    async def proxy_for(_: str) -> Proxy | None:
        return proxy

    return Policy(vet, proxy_for, limit_bytes)


def ordinary_user_agent(version: str) -> str:
    """The user agent of a Chromium with a window; that of one without names itself headless."""
    major = version.split(".", 1)[0]
    return (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{major}.0.0.0 Safari/537.36"
    )


async def _context(
    browser: Browser,
    ticket: Pass,
    state: Mapping[str, Any] | None,
    user_agent: str,
    locale: str,
) -> BrowserContext:
    from playwright.async_api import Error

    try:
        return await browser.new_context(
            user_agent=user_agent,
            locale=locale,
            service_workers="block",
            accept_downloads=False,
            proxy={
                "server": ticket.server,
                "username": ticket.username,
                "password": ticket.password,
            },
            storage_state=cast("StorageState", dict(state)) if state is not None else None,
        )
    except Error as error:
        # What the browser says may quote the session.
        raise TransientError(
            f"the browser opens no window for this session ({type(error).__name__})",
            kind="browser",
        ) from None


async def _page(context: BrowserContext) -> Page:
    from playwright.async_api import Error

    async def decide(route: Route) -> None:
        if route.request.resource_type in _BLOCKED_RESOURCES:
            await route.abort()
        else:
            await route.continue_()

    try:
        await context.route("**/*", decide)
        await context.route_web_socket("**/*", lambda socket: socket.close())
        return await context.new_page()
    except Error as error:
        raise transient("about:blank", error) from error
