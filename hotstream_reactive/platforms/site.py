"""Asks one site politely: one request at a time, at the agreed pace, with the pauses it asks for.

For platforms of one site; what an answer means is told by the platform's own parser.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from hotstream_reactive.errors import (
    BlockedError,
    LoginRequired,
    PermanentError,
    RateLimited,
    ScrapeError,
    TransientError,
)
from hotstream_reactive.fetch.evidence import Evidence
from hotstream_reactive.fetch.http import HttpClient, Response
from hotstream_reactive.fetch.retry import retry_after_s
from hotstream_reactive.fetch.throttle import Throttle
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.base import RunContext
from hotstream_reactive.platforms.instances import Health, Instance, configured

_GOOD = frozenset({PageOutcome.OK, PageOutcome.EMPTY})
_REFUSED = frozenset({PageOutcome.BLOCKED, PageOutcome.CHALLENGE, PageOutcome.RATE_LIMITED})
_PUZZLING = frozenset({PageOutcome.BLOCKED, PageOutcome.CHALLENGE, PageOutcome.EMPTY_SUSPECT})


class SharedPace:
    """What all runs of the process share about a site: pacing and how long to leave it alone."""

    def __init__(self) -> None:
        self.throttle = Throttle()
        self.health = Health()


class Site:
    """The site of one run.

    Args:
        context: of the run; its `pace` and the platform's rate limit are kept.
        shared: of the process.
        http: the client of the run, told when the site refuses it.
        base: address of the site. All requests of the platform share its pace, whatever their
            host: a publication's own domain has the same limits.
        cut_means: what a cut connection stands for on this site.
    """

    def __init__(
        self,
        context: RunContext,
        shared: SharedPace,
        http: HttpClient,
        base: str,
        *,
        cut_means: Callable[[str], ScrapeError],
    ) -> None:
        self._context = context
        self._shared = shared
        self._http = http
        self._self: Instance = configured([base])[0]
        self._cut_means = cut_means
        self._evidence = Evidence(context.evidence_dir, context.fetch.evidence_max_files)

    @property
    def base(self) -> str:
        """The address without a slash at the end and without credentials."""
        return self._self.base

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """The turn of this worker at the site, and of the fleet at the platform.

        Raises:
            RateLimited: the site asked to be left alone for some time yet.
        """
        wait = self._shared.health.cooling_s(self._self)
        if wait > 0:
            raise RateLimited(
                f"{self._self.label} asked for a pause: {wait:.0f} s more",
                kind="cooling_down",
                retry_after=wait,
            )
        rate = self._context.platform.rate_limit.requests_per_minute
        async with self._shared.throttle.turn(self._self.label, rate):
            await self._context.pace()
            yield

    async def ask(self, send: Callable[[], Awaitable[Response]]) -> Response:
        """Send a request when it is its turn.

        Raises:
            RateLimited: the site asked to be left alone.
            ScrapeError: as the HTTP client does, but for what a cut connection stands for.
        """
        async with self.turn():
            try:
                return await send()
            except TransientError as error:
                if error.kind != "network":
                    raise
                raise self._cut_means(str(error)) from error

    async def judge(self, page: ParsedPage, what: str, answer: Response | None) -> ParsedPage:
        """Let a good page pass; keep what came in its place for a person to look at.

        Args:
            page: what the answer turned out to be.
            what: what was asked for, for messages.
            answer: where the page came from, where there was one.

        Raises:
            ScrapeError: of the class that says what helps.
        """
        if page.outcome in _GOOD:
            self._shared.health.answered(self._self)
            return page
        if answer is not None and page.outcome in _REFUSED:
            self._http.refused(answer.url)
        kind = page.failure_kind or str(page.outcome)
        message = f"{what}: {page.message or page.outcome}"
        if answer is not None and page.outcome in _PUZZLING:
            kept = await self._evidence.keep(answer, kind)
            message += f" (page kept in {kept})" if kept else ""
        if page.outcome is PageOutcome.RATE_LIMITED:
            header = answer.headers.get("retry-after") if answer is not None else None
            wait = self._shared.health.limited(self._self, retry_after_s(header))
            raise RateLimited(message, kind=kind, retry_after=wait)
        raise failure_of(page.outcome, message, kind)


def failure_of(outcome: PageOutcome, message: str, kind: str) -> ScrapeError:
    """The error of a page that is not what was asked for, by what helps."""
    if outcome is PageOutcome.NOT_FOUND:
        return PermanentError(message, kind=kind)
    if outcome is PageOutcome.LOGIN_REQUIRED:
        return LoginRequired(message, kind=kind)
    if outcome is PageOutcome.ERROR:
        return TransientError(message, kind=kind)
    return BlockedError(message, kind=kind)


def moved(address: str, base: str) -> str:
    """Path and query of an address, at the configured site in place of its own host."""
    parts = urlsplit(address)
    query = f"?{parts.query}" if parts.query else ""
    return f"{base}{parts.path or '/'}{query}"
