"""A started Chromium with all that belongs to it, and its end without remains."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import anyio

from hotstream_reactive.errors import TransientError
from hotstream_reactive.fetch import chromium
from hotstream_reactive.fetch.processes import BrowserProcesses, browser_processes
from hotstream_reactive.settings import FetchSettings

if TYPE_CHECKING:  # importing Playwright takes memory that an idle worker should not spend
    from playwright.async_api import Browser, CDPSession, Playwright

_CLOSE_TIMEOUT_S = 10.0
_PULSE_TIMEOUT_S = 6.0
_NOTICE_TIMEOUT_S = 1.0
_NOTICE_POLL_S = 0.02


class LiveBrowser:
    """One start of the browser; `pages` counts what it was used for."""

    def __init__(
        self,
        playwright: Playwright,
        browser: Browser,
        pulse: CDPSession,
        processes: BrowserProcesses | None,
    ) -> None:
        self.browser = browser
        self.pages = 0
        self._playwright = playwright
        self._pulse = pulse
        self._processes = processes
        self._is_broken = False

    @classmethod
    async def start(cls, settings: FetchSettings) -> Self:
        """Start one.

        Raises:
            BlockedError: (`no_browser`) there is no Chromium.
            TransientError: (`browser`) it does not start.
        """
        from playwright.async_api import Error, async_playwright

        manager = async_playwright()
        playwright = await manager.start()
        _take_note_of_its_end(manager)
        try:
            browser = await playwright.chromium.launch(
                executable_path=chromium.find(
                    settings.chromium, playwright.chromium.executable_path
                ),
                headless=True,
                args=chromium.arguments(),
                # The worker drains on signals; the browser must not die of them before.
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
            pulse = await browser.new_browser_cdp_session()
            return cls(playwright, browser, pulse, await _processes(pulse))
        except BaseException as error:
            # Ends the driver, and with it a browser that was started half.
            with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                await playwright.stop()
            if isinstance(error, Error):
                raise TransientError(
                    f"Chromium does not start: {first_line(error)}", kind="browser"
                ) from error
            raise

    @property
    def is_alive(self) -> bool:
        """Whether it can be used, as far as can be seen without asking it."""
        if self._is_broken or not self.browser.is_connected():
            return False
        # When the driver between us and it dies, the browser still counts as connected.
        return self._processes is None or self._processes.are_alive

    def give_up(self) -> None:
        """It is of no use any more, whatever it says."""
        self._is_broken = True

    async def beats(self) -> bool:
        """Whether the browser itself answers: the driver alone may do so without it."""
        from playwright.async_api import Error

        try:
            with anyio.fail_after(_PULSE_TIMEOUT_S):
                await self._pulse.send("Browser.getVersion")
        except (Error, TimeoutError):
            return False
        return True

    async def kill(self) -> None:
        """End it at once: every call that waits for it fails, and nothing has to be waited out."""
        self._is_broken = True
        if self._processes is None:
            return
        self._processes.end_browser()
        with anyio.move_on_after(_NOTICE_TIMEOUT_S, shield=True):
            while self.browser.is_connected():  # noqa: ASYNC110 - a dead driver tells nobody
                await anyio.sleep(_NOTICE_POLL_S)
            return
        # It is the driver that hangs.
        self._processes.end()

    async def close(self) -> None:
        """End it in order, also during cancellation, within a time limit. Nothing is left."""
        try:
            if self.is_alive:
                with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                    await self.browser.close()
            else:
                await self.kill()
        finally:
            with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                await self._playwright.stop()
            if self._processes is not None:
                self._processes.end()


def _take_note_of_its_end(manager: object) -> None:
    """Read the error by which Playwright notes that its driver died, which it does not itself.

    asyncio would report it as a fault of ours. There is no public way to it; without this, only the
    log is longer.
    """
    client = getattr(manager, "_client", None) or getattr(manager, "_connection", None)
    ended = getattr(getattr(client, "_transport", None), "on_error_future", None)
    if isinstance(ended, asyncio.Future):
        ended.add_done_callback(lambda future: future.cancelled() or future.exception())


async def _processes(pulse: CDPSession) -> BrowserProcesses | None:
    found = (await pulse.send("SystemInfo.getProcessInfo")).get("processInfo", [])
    pid = next((one["id"] for one in found if one.get("type") == "browser"), None)
    return browser_processes(int(pid)) if pid is not None else None


def first_line(error: BaseException) -> str:
    """What an error of Playwright says, without the log of its steps."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
