"""A real browser for pages that check for one: started when first needed, closed when unused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from hotstream_reactive.errors import TransientError
from hotstream_reactive.fetch.gateway import Gateway, Pass, Policy
from hotstream_reactive.fetch.guard import AddressGuard
from hotstream_reactive.fetch.launch import LiveBrowser, first_line
from hotstream_reactive.fetch.proxies import Proxy
from hotstream_reactive.fetch.traffic import told
from hotstream_reactive.fetch.visit import Visit, Wish, visit
from hotstream_reactive.settings import FetchSettings

if TYPE_CHECKING:  # importing Playwright takes memory that an idle worker should not spend
    from playwright.async_api import Browser

__all__ = ["BrowserPool", "Visit"]

# Pages that are opened, read and closed again; pages that stay open have places of their own, so
# that a patient reader of one platform keeps nobody else waiting.
_OPEN_PAGES = 2
_STAYING_PAGES = 2
_STEP_TIMEOUT_S = 10.0
# A browser that hangs answers nothing: it is asked every two seconds and given six.
_PULSE_S = 2.0
# How long a worn-out browser waits for the other page to be finished.
_RECYCLE_PATIENCE_S = 60.0
_RECYCLE_POLL_S = 0.05


class BrowserPool:
    """One browser, one context per page; see `session.shared_browser` for that of the process.

    Hold it with `lease` while pages may be needed: the browser is closed when the last one that
    held it lets go. Objects of Playwright belong to the event loop they were made in; a pool used
    from a new loop starts a new browser.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._holders = 0
        self._forget()

    def _forget(self) -> None:
        self._live: LiveBrowser | None = None
        self._gateway = Gateway()
        self._entering = 0
        self._starting = anyio.Lock()
        self._places = anyio.Semaphore(_OPEN_PAGES)
        self._stays = anyio.Semaphore(_STAYING_PAGES)

    @property
    def is_running(self) -> bool:
        """Whether a browser is up, as far as can be seen without asking it."""
        return self._live is not None and self._live.is_alive

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[BrowserPool]:
        """Keep the browser, once started, until the end of the block."""
        await self.acquire()
        try:
            yield self
        finally:
            await self.release()

    async def acquire(self) -> None:
        """Begin to hold the pool; give it back with `release`."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._holders = loop, 0
            self._forget()
        self._holders += 1

    async def release(self) -> None:
        """Let go; the last holder closes the browser."""
        self._holders -= 1
        if self._holders <= 0:
            try:
                await self.close()
            finally:
                # Somebody may have come in the meantime, who needs it.
                if self._holders <= 0:
                    with anyio.CancelScope(shield=True):
                        await self._gateway.close()

    async def close(self) -> None:
        """Close the browser; also during cancellation, within a time limit. Nothing is left."""
        live, self._live = self._live, None
        if live is not None:
            await live.close()

    async def fetch(
        self,
        url: str,
        *,
        settings: FetchSettings,
        user_agent: str,
        ready: str,
        allowed: Callable[[str], Awaitable[bool]] | None = None,
        credentials: tuple[str, str] | None = None,
        guard: AddressGuard | None = None,
        proxy: Proxy | None = None,
        cookies: Mapping[str, str] | None = None,
        state: Mapping[str, Any] | None = None,
        picture: Callable[[bytes], None] | None = None,
    ) -> Visit:
        """Open a page, let its scripts run until `ready` is there, and read it.

        Args:
            url: without credentials.
            settings: `timeout` in seconds, for the first answer and again for the scripts.
            user_agent: the same as for plain requests: cookies of challenges are bound to it.
            ready: a CSS selector that only the wanted page has; when it does not appear in time,
                the page is returned as it then stands.
            allowed: whether an address that the page asks for may be fetched, asked for each.
            credentials: for basic authentication at the origin of `url`.
            guard: vets every connection the page makes, redirects included, at the moment it is
                made; without it `allowed` is asked then, too.
            proxy: what all connections go through.
            cookies: by name, for `url`, e.g. those of a challenge that was passed before.
            state: a session in the form of Playwright's `storage_state`.
            picture: given a PNG of a page that did not get ready.

        Raises:
            BlockedError: (`no_browser`) there is no Chromium; (`forbidden_address`) a redirect
                leads where it may not.
            TransientError: (`browser`, `timeout`, `body_too_large`, …) the browser or the page
                failed.
        """
        wish = Wish(
            url=url,
            settings=settings,
            user_agent=user_agent,
            ready=ready,
            allowed=allowed,
            credentials=credentials,
            guard=guard,
            proxy=proxy,
            cookies=cookies or {},
            state=state,
            picture=picture,
        )
        async with self._places:
            with told("browser", url) as asking:
                brought = await self._twice(wish)
                asking.status = brought.response.status
            return brought

    async def _twice(self, wish: Wish) -> Visit:
        try:
            return await self._attempt(wish)
        except TransientError as error:
            # A crashed browser is started again, once; else it is the page's fault.
            if error.kind != "browser" or self.is_running:
                raise
            return await self._attempt(wish)

    async def _attempt(self, wish: Wish) -> Visit:
        from playwright.async_api import Error
        from playwright.async_api import TimeoutError as PlaywrightTimeout

        browser = await self._running(wish.settings)
        live = self._live
        assert live is not None, "it was just started"
        try:
            async with self.watched():
                return await visit(
                    browser, self._gateway, wish, step_s=_STEP_TIMEOUT_S, stuck=live.give_up
                )
        except PlaywrightTimeout as error:
            raise TransientError(f"{wish.url}: {first_line(error)}", kind="timeout") from error
        except (Error, TimeoutError) as error:
            # Some crashes leave a browser that takes orders and never answers.
            if isinstance(error, TimeoutError):
                live.give_up()
            raise TransientError(f"{wish.url}: {first_line(error)}", kind="browser") from error
        finally:
            if live is self._live and not live.is_alive:
                await self.close()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Leave the block within ten seconds when the browser dies or does not answer any more.

        Raises:
            TransientError: (`browser`) that happened.
        """
        live = self._live
        if live is None:
            raise TransientError("the browser is gone", kind="browser")
        failure: Exception | None = None
        died = False

        async def watch() -> None:
            nonlocal died
            while await live.beats():  # noqa: ASYNC110 - nothing tells when a browser hangs
                await anyio.sleep(_PULSE_S)
            died = True
            await live.kill()
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            try:
                yield
            except Exception as error:
                failure = error  # a task group would wrap it
            group.cancel_scope.cancel()
        if died:
            raise TransientError("the browser does not answer any more", kind="browser")
        if failure is not None:
            raise failure

    @asynccontextmanager
    async def guarded(self, policy: Policy) -> AsyncIterator[Pass]:
        """A pass through the gateway for a context that the caller makes himself."""
        await self._gateway.start()
        with self._gateway.open(policy) as ticket:
            yield ticket

    async def _running(self, settings: FetchSettings) -> Browser:
        self._entering += 1
        try:
            async with self._starting:
                if self._is_worn_out(settings.browser_max_pages):
                    await self._retire()
                if not self.is_running:
                    await self.close()
                    await self._gateway.start()
                    self._live = await LiveBrowser.start(settings)
                assert self._live is not None
                self._live.pages += 1
                return self._live.browser
        finally:
            self._entering -= 1

    def _is_worn_out(self, max_pages: int) -> bool:
        """Whether to start anew; a page that stays open for its platform buys some time."""
        if self._live is None:
            return False
        patience = 2 if self._stays.value < _STAYING_PAGES else 1
        return self._live.pages >= max_pages * patience

    @property
    def _busy_places(self) -> int:
        return _OPEN_PAGES - self._places.value + _STAYING_PAGES - self._stays.value

    async def _retire(self) -> None:
        """Close a worn-out browser once no other page is open in it; later, if that takes long."""
        with anyio.move_on_after(_RECYCLE_PATIENCE_S):
            while self.is_running and self._busy_places > self._entering:  # noqa: ASYNC110 - a semaphore has no event
                await anyio.sleep(_RECYCLE_POLL_S)
            await self.close()
