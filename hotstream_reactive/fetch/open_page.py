"""A page that stays open: it asks for its own data, and what it is answered is collected.

For sites whose pages sign their requests: the page is let to work as for a person, and the answers
it gets are read, not its markup.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio

from hotstream_reactive.errors import ScrapeError, TransientError
from hotstream_reactive.fetch.gateway import Pass
from hotstream_reactive.fetch.guard import without_credentials
from hotstream_reactive.fetch.launch import first_line
from hotstream_reactive.fetch.response import Response
from hotstream_reactive.fetch.traffic import Fetched, address_of, observer
from hotstream_reactive.settings import FetchSettings

if TYPE_CHECKING:  # importing Playwright takes memory that an idle worker should not spend
    from playwright.async_api import Dialog, Page
    from playwright.async_api import Response as BrowserResponse

_ASKED_BY_SCRIPTS = frozenset({"xhr", "fetch"})
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
        watched: Callable[[], AbstractAsyncContextManager[None]],
        ticket: Pass,
    ) -> None:
        self.user_agent = user_agent
        self._watched = watched
        self._ticket = ticket
        self._page = page
        self._settings = settings
        self._wants = wants
        self._slots: deque[_Slot] = deque()
        self._changed = anyio.Event()
        self._is_gone = False
        # Events of the page come in a context that knows no run.
        self._tell = observer.get()
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
            ScrapeError: (`browser`, `timeout`, `connect`, `forbidden_address`, …) there was no
                answer at all.
        """
        from playwright.async_api import Error

        timeout_ms = self._settings.timeout * 1000
        try:
            async with self._watched():
                await self._page.goto(url, wait_until="commit", timeout=timeout_ms)
        except Error as error:
            if self._ticket.refusals:
                raise self._ticket.refusals[-1] from None
            # An error page without a body, or a script that leads elsewhere at once, is an answer.
            if not self._slots:
                raise transient(url, error) from error

    async def heard(self, timeout_s: float) -> Heard | None:
        """The next answer, documents and wanted ones in the order in which they arrived.

        Returns:
            None when none came in time.

        Raises:
            TransientError: (`browser`) the page is gone; (`body_too_large`) an answer was.
        """
        if (heard := self._next()) is not None or timeout_s <= 0:
            return heard
        async with self._watched():
            with anyio.move_on_after(timeout_s):
                while heard is None:
                    await self._changed.wait()
                    heard = self._next()
        return heard

    def _next(self) -> Heard | None:
        """The first answer whose body was read, if it is its turn."""
        while self._slots and self._slots[0].is_read:
            slot = self._slots.popleft()
            if slot.error is not None:
                raise slot.error
            if slot.heard is not None:
                return slot.heard
        if self._is_gone:
            raise TransientError(f"{self.url}: the page crashed or closed", kind="browser")
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
            async with self._watched():
                return bool(await self._page.evaluate(_GO_ON, next_button))
        except Error as error:
            raise transient(self.url, error) from error

    async def state(self) -> dict[str, Any]:
        """Cookies and local storage as they are now; secret."""
        from playwright.async_api import Error

        try:
            async with self._watched():
                return dict(await self._page.context.storage_state())
        except Error as error:
            raise transient(self.url, error) from error

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
            self._told(response)
        except Error:
            # The page went elsewhere before the body was there: nothing was read.
            slot.heard = None
        except ScrapeError as error:
            slot.error = error
        finally:
            slot.is_read = True
            self._wake()

    def _told(self, response: BrowserResponse) -> None:
        if self._tell is not None:
            # Milliseconds since the request began; below 0 when the browser does not know.
            seconds = max(0.0, response.request.timing["responseEnd"] / 1000)
            address = address_of(response.url)
            self._tell(Fetched("browser", address, seconds, response.status))

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


async def _dismiss(dialog: Dialog) -> None:
    await dialog.dismiss()


def transient(url: str, error: Exception) -> TransientError:
    """What went wrong in the browser, by its first line."""
    from playwright.async_api import TimeoutError as PlaywrightTimeout

    return TransientError(
        f"{without_credentials(url)}: {first_line(error)}",
        kind="timeout" if isinstance(error, PlaywrightTimeout) else "browser",
    )
