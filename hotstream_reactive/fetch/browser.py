"""A real browser for pages that check for one: started when first needed, closed when unused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import anyio

from hotstream_reactive.errors import ScrapeError, TransientError
from hotstream_reactive.fetch import chromium
from hotstream_reactive.fetch.guard import without_credentials
from hotstream_reactive.fetch.http import Response
from hotstream_reactive.settings import FetchSettings

if TYPE_CHECKING:  # importing Playwright takes memory that an idle worker should not spend
    from playwright.async_api import Browser, Page, Playwright, Route

_BLOCKED_RESOURCES = frozenset({"image", "media", "font"})
_PAGES_PER_BROWSER = 200
_OPEN_PAGES = 2
_STEP_TIMEOUT_S = 10.0
_CLOSE_TIMEOUT_S = 10.0
_CONTENT_ATTEMPTS = 5


class Visit(NamedTuple):
    """What a visit with the browser brought: the page and the cookies it left, by name."""

    response: Response
    cookies: dict[str, str]


class BrowserPool:
    """One browser for the process, one context per page.

    Hold it with `lease` while pages may be needed: the browser is closed when the last one that
    held it lets go. Objects of Playwright belong to the event loop they were made in; a pool used
    from a new loop starts a new browser.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._holders = 0
        self._forget()

    def _forget(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._pages = 0
        self._starting = anyio.Lock()
        self._places = anyio.Semaphore(_OPEN_PAGES)

    @property
    def is_running(self) -> bool:
        """Whether a browser is up."""
        return self._browser is not None and self._browser.is_connected()

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
            await self.close()

    async def close(self) -> None:
        """Close the browser; also during cancellation, within a time limit."""
        browser, playwright = self._browser, self._playwright
        self._browser = self._playwright = None
        self._pages = 0
        try:
            if browser is not None and browser.is_connected():
                with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                    await browser.close()
        finally:
            if playwright is not None:
                # Ends the driver, and with it a browser that no longer listens.
                with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                    await playwright.stop()

    async def fetch(
        self,
        url: str,
        *,
        settings: FetchSettings,
        user_agent: str,
        ready: str,
        allowed: Callable[[str], Awaitable[bool]],
        credentials: tuple[str, str] | None = None,
    ) -> Visit:
        """Open a page, let its scripts run until `ready` is there, and read it.

        Args:
            url: without credentials.
            settings: `timeout` in seconds, for the first answer and again for the scripts.
            user_agent: the same as for plain requests: cookies of challenges are bound to it.
            ready: a CSS selector that only the wanted page has; when it does not appear in time,
                the page is returned as it then stands.
            allowed: whether an address that the page asks for may be fetched.
            credentials: for basic authentication at the origin of `url`.

        Raises:
            BlockedError: (`no_browser`) there is no Chromium.
            TransientError: (`browser`, `network`, `body_too_large`) the browser or the page failed.
        """
        from playwright.async_api import Error

        async with self._places:
            for last_attempt in (False, True):
                browser = await self._running(settings)
                try:
                    return await self._visit(
                        browser, url, settings, user_agent, ready, allowed, credentials
                    )
                except (Error, TimeoutError) as error:
                    # Some crashes leave a browser that takes orders and never answers.
                    if isinstance(error, TimeoutError) and browser is self._browser:
                        await self.close()
                    # A crashed browser is started again, once; else it is the page's fault.
                    if browser.is_connected() or last_attempt:
                        raise _transient(url, error) from error
        raise AssertionError("the second attempt returns or raises")

    async def _running(self, settings: FetchSettings) -> Browser:
        async with self._starting:
            if self._browser is not None and self.is_running and self._pages < _PAGES_PER_BROWSER:
                self._pages += 1
                return self._browser
            if not self.is_running or self._places.value == _OPEN_PAGES - 1:
                await self.close()
            if self._browser is None:
                await self._start(settings)
            self._pages += 1
            assert self._browser is not None
            return self._browser

    async def _start(self, settings: FetchSettings) -> None:
        from playwright.async_api import Error, async_playwright

        self._playwright = await async_playwright().start()
        try:
            self._browser = await self._playwright.chromium.launch(
                executable_path=chromium.find(
                    settings.chromium, self._playwright.chromium.executable_path
                ),
                headless=True,
                args=chromium.arguments(),
                # The worker drains on signals; the browser must not die of them before.
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except Error as error:
            await self.close()
            raise TransientError(
                f"Chromium does not start: {_first_line(error)}", kind="browser"
            ) from error
        except BaseException:
            await self.close()
            raise

    async def _visit(
        self,
        browser: Browser,
        url: str,
        settings: FetchSettings,
        user_agent: str,
        ready: str,
        allowed: Callable[[str], Awaitable[bool]],
        credentials: tuple[str, str] | None,
    ) -> Visit:
        with anyio.fail_after(_STEP_TIMEOUT_S):
            context = await browser.new_context(
                user_agent=user_agent,
                locale="en-US",
                service_workers="block",
                http_credentials=(
                    {"username": credentials[0], "password": credentials[1], "origin": _origin(url)}
                    if credentials
                    else None
                ),
            )
        try:
            with anyio.fail_after(_STEP_TIMEOUT_S):
                await context.route("**/*", _router(allowed))
                page = await context.new_page()
            with anyio.fail_after(2 * settings.timeout + _STEP_TIMEOUT_S):
                return await _read(page, url, settings, ready)
        finally:
            with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                if browser.is_connected():
                    await context.close()


def _router(allowed: Callable[[str], Awaitable[bool]]) -> Callable[[Route], Awaitable[None]]:
    async def decide(route: Route) -> None:
        request = route.request
        if request.resource_type in _BLOCKED_RESOURCES or not await allowed(request.url):
            await route.abort()
        else:
            await route.continue_()

    return decide


async def _read(page: Page, url: str, settings: FetchSettings, ready: str) -> Visit:
    from playwright.async_api import TimeoutError as PlaywrightTimeout

    answers: list[tuple[int, dict[str, str]]] = []
    page.on(
        "response",
        lambda response: (
            answers.append((response.status, dict(response.headers)))
            if response.request.is_navigation_request() and response.frame == page.main_frame
            else None
        ),
    )
    timeout_ms = settings.timeout * 1000
    await page.goto(url, wait_until="domcontentloaded", timeout=timeout_ms)
    try:
        await page.wait_for_selector(ready, state="attached", timeout=timeout_ms)
        passed = True
    except PlaywrightTimeout:
        passed = False  # what stands there now is judged by the caller
    text = await _content(page)
    if len(text) > settings.max_body_mb * 2**20:
        raise TransientError(
            f"{url}: the page has more than {settings.max_body_mb} MiB (fetch.max_body_mb)",
            kind="body_too_large",
        )
    status, headers = answers[-1] if answers else (200, {})
    cookies = await page.context.cookies(url) if passed else []
    return Visit(
        Response(
            url=url,
            final_url=without_credentials(page.url),
            status=status,
            headers=headers,
            text=text,
            content_type=headers.get("content-type", ""),
        ),
        {cookie["name"]: cookie["value"] for cookie in cookies},
    )


async def _content(page: Page) -> str:
    from playwright.async_api import Error

    for attempts_left in reversed(range(_CONTENT_ATTEMPTS)):
        try:
            return await page.content()
        except Error:
            # While a page navigates there is none to read.
            if not attempts_left or page.is_closed():
                raise
            await page.wait_for_load_state("domcontentloaded")
    raise AssertionError("the last attempt returns or raises")


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.split('/', 1)[0]}"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _transient(url: str, error: BaseException) -> ScrapeError:
    return TransientError(f"{url}: {_first_line(error)}", kind="browser")
