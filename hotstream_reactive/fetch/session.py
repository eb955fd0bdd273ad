"""A page that stays open: it asks for its own data, and what it is answered is collected.

For sites whose pages sign their requests: the page is let to work as for a person, and the answers
it gets are read, not its markup.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import anyio

from hotstream_reactive.errors import ScrapeError, TransientError
from hotstream_reactive.fetch.browser import BrowserPool
from hotstream_reactive.fetch.guard import without_credentials
from hotstream_reactive.fetch.http import Response
from hotstream_reactive.settings import FetchSettings

if TYPE_CHECKING:  # importing Playwright takes memory that an idle worker should not spend
    from playwright.async_api import (
        Browser,
        BrowserContext,
        Dialog,
        Page,
        Route,
        StorageState,
    )
    from playwright.async_api import Response as BrowserResponse

_BLOCKED_RESOURCES = frozenset({"image", "media", "font"})
_ASKED_BY_SCRIPTS = frozenset({"xhr", "fetch"})
_CLOSE_TIMEOUT_S = 10.0
_MEBIBYTE = 2**20
# A lazy list loads on scrolling towards its end, and some want to see a movement.
_GO_ON = """selector => {
  const button = selector && document.querySelector(selector);
  if (button && !button.disabled) { button.click(); return true; }
  window.scrollBy(0, -400);
  requestAnimationFrame(() => window.scrollTo(0, document.documentElement.scrollHeight));
  return false;
}"""


class Heard(NamedTuple):
    """An answer the page got; `is_document` when it is the page itself."""

    response: Response
    is_document: bool


class _Slot:
    """The place of an answer in the order of arrival, while its body is still read."""

    def __init__(self) -> None:
        self.is_read = False
        self.heard: Heard | None = None
        self.error: ScrapeError | None = None


class PageSession:
    """One open page; made by `SessionPool.session`, which also closes it."""

    def __init__(
        self,
        page: Page,
        settings: FetchSettings,
        user_agent: str,
        wants: Callable[[str, int], bool],
    ) -> None:
        self.user_agent = user_agent
        self._page = page
        self._settings = settings
        self._wants = wants
        self._slots: deque[_Slot] = deque()
        self._changed = anyio.Event()
        self._is_gone = False
        page.on("response", self._hear)
        page.on("crash", self._gone)
        page.on("close", self._gone)
        page.on("dialog", _dismiss)

    @property
    def url(self) -> str:
        """Where the page is now."""
        return without_credentials(self._page.url)

    async def open(self, url: str) -> None:
        """Go to an address; what it answers comes out of `heard`.

        Raises:
            TransientError: (`browser`, `timeout`) there was no answer at all.
        """
        from playwright.async_api import Error

        try:
            await self._page.goto(url, wait_until="commit", timeout=self._settings.timeout * 1000)
        except Error as error:
            # An error page without a body, or a script that leads elsewhere at once, is an answer.
            if not self._slots:
                raise _transient(url, error) from error

    async def heard(self, timeout_s: float) -> Heard | None:
        """The next answer, documents and wanted ones in the order in which they arrived.

        Returns:
            None when none came in time.

        Raises:
            TransientError: (`browser`) the page is gone; (`body_too_large`) an answer was.
        """
        with anyio.move_on_after(timeout_s):
            while True:
                while self._slots and self._slots[0].is_read:
                    slot = self._slots.popleft()
                    if slot.error is not None:
                        raise slot.error
                    if slot.heard is not None:
                        return slot.heard
                if self._is_gone:
                    raise TransientError(f"{self.url}: the page crashed or closed", kind="browser")
                await self._changed.wait()
        return None

    async def go_on(self, next_button: str) -> bool:
        """Make the page ask for more: by its button for the next page, else by scrolling.

        Args:
            next_button: a CSS selector.

        Returns:
            Whether there was a button.
        """
        from playwright.async_api import Error

        try:
            return bool(await self._page.evaluate(_GO_ON, next_button))
        except Error as error:
            raise _transient(self.url, error) from error

    async def state(self) -> dict[str, Any]:
        """Cookies and local storage as they are now; secret."""
        from playwright.async_api import Error

        try:
            return dict(await self._page.context.storage_state())
        except Error as error:
            raise _transient(self.url, error) from error

    async def _hear(self, response: BrowserResponse) -> None:
        from playwright.async_api import Error

        slot = _Slot()
        try:
            request = response.request
            is_document = (
                request.is_navigation_request() and response.frame == self._page.main_frame
            )
            by_script = request.resource_type in _ASKED_BY_SCRIPTS and request.method != "OPTIONS"
            wanted = is_document or (by_script and self._wants(response.url, response.status))
            if not wanted or 300 <= response.status < 400:
                return
            self._slots.append(slot)  # before the first await: this is what keeps the order
            slot.heard = Heard(await self._read(response), is_document)
        except Error:
            # The page went elsewhere before the body was there: nothing was read.
            slot.heard = None
        except ScrapeError as error:
            slot.error = error
        finally:
            slot.is_read = True
            self._wake()

    async def _read(self, response: BrowserResponse) -> Response:
        limit = self._settings.max_body_mb * _MEBIBYTE
        url = without_credentials(response.url)
        body = await response.body()
        if len(body) > limit:
            raise TransientError(
                f"{url}: the answer has more than {self._settings.max_body_mb} MiB "
                "(fetch.max_body_mb)",
                kind="body_too_large",
            )
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Response(
            url=url,
            final_url=url,
            status=response.status,
            headers=headers,
            text=body.decode("utf-8", "replace"),
            content_type=headers.get("content-type", ""),
        )

    def _gone(self, _: object) -> None:
        self._is_gone = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


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
        allowed: Callable[[str], Awaitable[bool]],
        wants: Callable[[str, int], bool],
    ) -> AsyncIterator[PageSession]:
        """Open an empty page in a context of its own; closed at the end, whatever happens.

        Args:
            settings: `timeout` for each step, `max_body_mb` for each answer.
            state: cookies and local storage to begin with.
            user_agent: the one the session belongs to; empty for that of an ordinary Chromium.
            locale: of the browser, e.g. ``zh-CN``.
            allowed: whether an address that the page asks for may be fetched.
            wants: whether the answer of an address, with this status, is to be collected.

        Raises:
            BlockedError: (`no_browser`) there is no Chromium.
            TransientError: (`browser`) it does not start, or takes no such session.
        """
        async with self._places:
            browser = await self._running(settings)
            agent = user_agent or ordinary_user_agent(browser.version)
            context = await _context(browser, state, agent, locale)
            try:
                yield await _page(context, settings, agent, allowed, wants)
            finally:
                with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                    if browser.is_connected():
                        await context.close()


def ordinary_user_agent(version: str) -> str:
    """The user agent of a Chromium with a window; that of one without names itself headless."""
    major = version.split(".", 1)[0]
    return (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{major}.0.0.0 Safari/537.36"
    )


async def _context(
    browser: Browser, state: Mapping[str, Any] | None, user_agent: str, locale: str
) -> BrowserContext:
    from playwright.async_api import Error

    try:
        return await browser.new_context(
            user_agent=user_agent,
            locale=locale,
            service_workers="block",
            storage_state=cast("StorageState", dict(state)) if state is not None else None,
        )
    except Error as error:
        # What the browser says may quote the session.
        raise TransientError(
            f"the browser opens no window for this session ({type(error).__name__})",
            kind="browser",
        ) from None


async def _page(
    context: BrowserContext,
    settings: FetchSettings,
    user_agent: str,
    allowed: Callable[[str], Awaitable[bool]],
    wants: Callable[[str, int], bool],
) -> PageSession:
    from playwright.async_api import Error

    async def decide(route: Route) -> None:
        request = route.request
        if request.resource_type in _BLOCKED_RESOURCES or not await allowed(request.url):
            await route.abort()
        else:
            await route.continue_()

    try:
        await context.route("**/*", decide)
        page = await context.new_page()
    except Error as error:
        raise _transient("about:blank", error) from error
    return PageSession(page, settings, user_agent, wants)


async def _dismiss(dialog: Dialog) -> None:
    await dialog.dismiss()


def _transient(url: str, error: Exception) -> TransientError:
    from playwright.async_api import TimeoutError as PlaywrightTimeout

    lines = str(error).strip().splitlines()
    return TransientError(
        f"{without_credentials(url)}: {lines[0] if lines else type(error).__name__}",
        kind="timeout" if isinstance(error, PlaywrightTimeout) else "browser",
    )
