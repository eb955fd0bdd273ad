"""One visit to a page with the browser: a context of its own, guarded, read and closed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import anyio
import msgspec

from hotstream_reactive.errors import BlockedError, ScrapeError, TransientError
from hotstream_reactive.fetch.gateway import Gateway, Pass, Policy
from hotstream_reactive.fetch.guard import AddressGuard, without_credentials
from hotstream_reactive.fetch.proxies import Proxy
from hotstream_reactive.fetch.response import Response
from hotstream_reactive.settings import FetchSettings

if TYPE_CHECKING:  # importing Playwright takes memory that an idle worker should not spend
    from playwright.async_api import Browser, BrowserContext, Page, Route, StorageState

_BLOCKED_RESOURCES = frozenset({"image", "media", "font"})
_SCHEMES = ("http://", "https://", "data:", "blob:", "about:")
_CONTENT_ATTEMPTS = 5
_PICTURE_TIMEOUT_MS = 3000.0
CLOSE_TIMEOUT_S = 10.0
_MEBIBYTE = 2**20
_ERROR_PAGE = "chrome-error:"


class Visit(NamedTuple):
    """What a visit with the browser brought: the page and the cookies it left, by name."""

    response: Response
    cookies: dict[str, str]


class Wish(msgspec.Struct, kw_only=True, frozen=True):
    """What is to be fetched and how; see `BrowserPool.fetch`."""

    url: str
    settings: FetchSettings
    user_agent: str
    ready: str
    allowed: Callable[[str], Awaitable[bool]] | None = None
    credentials: tuple[str, str] | None = None
    guard: AddressGuard | None = None
    proxy: Proxy | None = None
    cookies: Mapping[str, str] = {}
    state: Mapping[str, Any] | None = None
    picture: Callable[[bytes], None] | None = None


def policy_of(wish: Wish) -> Policy:
    """What the page of a wish may reach."""

    async def vet(url: str) -> str | None:
        if wish.guard is not None:
            return await wish.guard.vet(url, by_proxy=wish.proxy is not None)
        if wish.allowed is not None and not await wish.allowed(url):
            raise BlockedError(
                f"the page may not go to {without_credentials(url)}", kind="forbidden_address"
            )
        return None

    async def proxy_for(_: str) -> Proxy | None:
        return wish.proxy

    # Compressed or not, and what its scripts load: about twice the page.
    return Policy(vet, proxy_for, 2 * wish.settings.max_body_mb * _MEBIBYTE)


async def visit(
    browser: Browser, gateway: Gateway, wish: Wish, *, step_s: float, stuck: Callable[[], None]
) -> Visit:
    """Open a page and read it.

    Args:
        browser: up and running.
        gateway: started.
        wish: what is wanted.
        step_s: how long opening a page may take.
        stuck: called when the page does not go away, because it works on without end.

    Raises:
        ScrapeError: (`forbidden_address`, `body_too_large`, …) the gateway let nothing through.
        playwright.async_api.Error, TimeoutError: the browser or the page failed.
    """
    from playwright.async_api import Error

    with gateway.open(policy_of(wish)) as ticket:
        async with _context(browser, wish, ticket, step_s, stuck) as context:
            try:
                with anyio.fail_after(step_s):
                    page = await _page(context, wish)
                with anyio.fail_after(2 * wish.settings.timeout + step_s):
                    return await _read(page, wish, ticket)
            except Error:
                if (reason := _refused(wish, ticket)) is not None:
                    raise reason from None
                raise


async def _page(context: BrowserContext, wish: Wish) -> Page:
    await context.route("**/*", _router(wish.allowed))
    await context.route_web_socket("**/*", lambda socket: socket.close())
    for name, value in wish.cookies.items():
        await context.add_cookies([{"name": name, "value": value, "url": wish.url}])
    return await context.new_page()


@asynccontextmanager
async def _context(
    browser: Browser, wish: Wish, ticket: Pass, step_s: float, stuck: Callable[[], None]
) -> AsyncIterator[BrowserContext]:
    with anyio.fail_after(step_s):
        context = await browser.new_context(
            user_agent=wish.user_agent,
            locale="en-US",
            service_workers="block",
            accept_downloads=False,
            proxy={
                "server": ticket.server,
                "username": ticket.username,
                "password": ticket.password,
            },
            storage_state=cast("StorageState", dict(wish.state)) if wish.state else None,
            http_credentials=(
                {
                    "username": wish.credentials[0],
                    "password": wish.credentials[1],
                    "origin": _origin(wish.url),
                }
                if wish.credentials
                else None
            ),
        )
    try:
        yield context
    finally:
        with anyio.move_on_after(CLOSE_TIMEOUT_S, shield=True) as patience:
            if browser.is_connected():
                await context.close()
        if patience.cancelled_caught:
            stuck()


def _router(
    allowed: Callable[[str], Awaitable[bool]] | None,
) -> Callable[[Route], Awaitable[None]]:
    async def decide(route: Route) -> None:
        request = route.request
        wanted = request.resource_type not in _BLOCKED_RESOURCES and request.url.startswith(
            _SCHEMES
        )
        if wanted and (allowed is None or await allowed(request.url)):
            await route.continue_()
        else:
            await route.abort()

    return decide


def _refused(wish: Wish, ticket: Pass) -> ScrapeError | None:
    """Why a page did not come, when it was the gateway that stopped it."""
    if ticket.is_exceeded:
        return _too_large(wish)
    return ticket.refusals[-1] if ticket.refusals else None


def _too_large(wish: Wish) -> TransientError:
    return TransientError(
        f"{wish.url}: the page has more than {wish.settings.max_body_mb} MiB (fetch.max_body_mb)",
        kind="body_too_large",
    )


async def _read(page: Page, wish: Wish, ticket: Pass) -> Visit:
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
    timeout_ms = wish.settings.timeout * 1000
    await page.goto(wish.url, wait_until="domcontentloaded", timeout=timeout_ms)
    try:
        await page.wait_for_selector(wish.ready, state="attached", timeout=timeout_ms)
        passed = True
    except PlaywrightTimeout:
        passed = False  # what stands there now is judged by the caller
    if not passed and page.url.startswith(_ERROR_PAGE) and (why := _refused(wish, ticket)):
        raise why
    text = await _content(page, wish)
    if not passed and wish.picture is not None:
        await _take_picture(page, wish.picture)
    status, headers = answers[-1] if answers else (200, {})
    cookies = await page.context.cookies(wish.url) if passed else []
    return Visit(
        Response(
            url=wish.url,
            final_url=without_credentials(page.url),
            status=status,
            headers=headers,
            text=text,
            content_type=headers.get("content-type", ""),
        ),
        {cookie["name"]: cookie["value"] for cookie in cookies},
    )


async def _content(page: Page, wish: Wish) -> str:
    from playwright.async_api import Error

    limit = wish.settings.max_body_mb * _MEBIBYTE
    for attempts_left in reversed(range(_CONTENT_ATTEMPTS)):
        try:
            # Asked for first: a text of 100 MB would go through three processes only to be refused.
            length = await page.evaluate("document.documentElement.outerHTML.length")
            text = "" if isinstance(length, int) and length > limit else await page.content()
        except Error:
            # While a page navigates there is none to read.
            if not attempts_left or page.is_closed():
                raise
            await page.wait_for_load_state("domcontentloaded")
        else:
            if not text or len(text) > limit:
                raise _too_large(wish)
            return text
    raise AssertionError("the last attempt returns or raises")


async def _take_picture(page: Page, give: Callable[[bytes], None]) -> None:
    from playwright.async_api import Error

    try:
        give(await page.screenshot(timeout=_PICTURE_TIMEOUT_MS, type="png"))
    except Error:
        return  # a picture is a help, not a need


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.split('/', 1)[0]}"
