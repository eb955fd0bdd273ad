"""Asks the instances for a page, one after the other, until one gives a real answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from hotstream_reactive.errors import BlockedError, PermanentError, ScrapeError, TransientError
from hotstream_reactive.fetch.browser import BrowserPool
from hotstream_reactive.fetch.http import HttpClient, Response
from hotstream_reactive.fetch.throttle import Throttle
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.base import RunContext
from hotstream_reactive.platforms.twitter.html import STRUCTURE
from hotstream_reactive.platforms.twitter.instances import (
    Health,
    Instance,
    Refusal,
    all_refused,
    configured,
    retry_after_s,
)
from hotstream_reactive.platforms.twitter.pages import parse_page

# Scripts that a browser runs by itself. A captcha is for a person and is only reported.
_BROWSER_PASSES = frozenset({"verifying_browser_pow", "anubis", "bot_wall"})
_GOOD = frozenset({PageOutcome.OK, PageOutcome.EMPTY})
_SAID_BY_PLATFORM = frozenset({PageOutcome.ERROR, PageOutcome.NOT_FOUND})
_PASSING = frozenset({"network_error", "instance_error"})


class Shared:
    """What all runs of the process share: pacing, health of the instances, the browser."""

    def __init__(self) -> None:
        self.throttle = Throttle()
        self.health = Health()
        self.browser = BrowserPool()


class Answer(NamedTuple):
    """A page and the label of the instance that gave it."""

    page: ParsedPage
    label: str


class NitterClient:
    """The instances of one run; close it when done.

    Raises:
        PermanentError: (`no_instances`) none is configured.
    """

    def __init__(self, context: RunContext, shared: Shared) -> None:
        self._context = context
        self._shared = shared
        self.instances = configured(context.platform.instances)
        if not self.instances:
            raise PermanentError(
                "no Nitter instance is configured: set platforms.twitter.instances to a list of "
                'addresses, e.g. ["https://nitter.example"]',
                kind="no_instances",
            )
        self._http = HttpClient(context.fetch, trusted=context.platform.instances)
        self._holds_browser = False

    async def close(self) -> None:
        """Close connections; the browser too, when no other run uses it."""
        try:
            await self._http.close()
        finally:
            if self._holds_browser:
                self._holds_browser = False
                await self._shared.browser.release()

    async def fetch(self, path: str, *, account: str | None, what: str) -> Answer:
        """Fetch a page of posts from the first instance that has it.

        Args:
            path: path and query.
            account: whose page it must be; None for a search.
            what: what is asked for, for messages.

        Raises:
            PermanentError: the platform itself says no (`account_not_found`, `account_suspended`,
                `account_protected`, …): no other instance can say otherwise.
            RateLimited, BlockedError, TransientError: no instance gave the page.
        """
        health = self._shared.health
        refusals = [
            Refusal(one.label, "limited", "rate_limited", f"cools down for {wait:.0f} s more", wait)
            for one in self.instances
            if (wait := health.cooling_s(one)) > 0
        ]
        for instance in health.ordered(self.instances):
            refusal: Refusal | None
            try:
                page, headers = await self._ask(instance, path)
            except (TransientError, BlockedError) as error:
                refusal = Refusal(
                    instance.label,
                    "transient" if isinstance(error, TransientError) else "blocked",
                    error.kind,
                    _reason(error, instance),
                )
            else:
                refusal = _judge(page, account, instance)
                if refusal is None:
                    health.answered(instance)
                    return Answer(page, instance.label)
                if refusal.nature == "limited":
                    wait = health.limited(instance, retry_after_s(headers.get("retry-after")))
                    refusal = refusal._replace(wait_s=wait)
                elif page.outcome in _SAID_BY_PLATFORM and not page.retry_elsewhere:
                    health.answered(instance)
                    raise PermanentError(
                        f"{what}: {page.message} (said {instance.label})",
                        kind=page.failure_kind or "error",
                    )
            if refusal.nature != "limited":
                health.failed(instance)
            refusals.append(refusal)
            self._context.log.debug(
                f"{what}: {refusal.label} gave no answer: {refusal.message} ({refusal.kind})"
            )
        raise all_refused(what, refusals)

    async def _ask(self, instance: Instance, path: str) -> tuple[ParsedPage, dict[str, str]]:
        mode = self._context.platform.browser
        if mode == "always":
            response = await self._browse(instance, path)
            return _parsed(response), response.headers
        url = instance.base + path
        cookies = self._shared.health.cookies(instance)
        headers = {"cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())} if cookies else {}
        async with self._turn(instance):
            response = await self._http.get(url, headers=headers)
        page = _parsed(response)
        passable = page.outcome is PageOutcome.CHALLENGE and page.failure_kind in _BROWSER_PASSES
        if passable and mode == "auto":
            response = await self._browse(instance, path)
            page = _parsed(response)
        return page, response.headers

    async def _browse(self, instance: Instance, path: str) -> Response:
        if not self._holds_browser:
            await self._shared.browser.acquire()
            self._holds_browser = True
        async with self._turn(instance):
            visit = await self._shared.browser.fetch(
                instance.base + path,
                settings=self._context.fetch,
                user_agent=self._http.user_agent,
                ready=STRUCTURE,
                allowed=self._may_load,
                credentials=instance.credentials,
            )
        # With the cookies of a passed challenge the next pages need no browser.
        self._shared.health.cookies(instance).update(visit.cookies)
        return visit.response

    @asynccontextmanager
    async def _turn(self, instance: Instance) -> AsyncIterator[None]:
        """The turn of this worker at the instance, and of the fleet at the platform."""
        rate = self._context.platform.rate_limit.requests_per_minute
        async with self._shared.throttle.turn(instance.label, rate):
            await self._context.pace()
            yield

    async def _may_load(self, url: str) -> bool:
        try:
            await self._http.guard.vet(url)
        except ScrapeError as error:
            self._context.log.debug(f"the browser may not load something: {error}")
            return False
        return True


def _parsed(response: Response) -> ParsedPage:
    return parse_page(
        response.text,
        url=response.final_url,
        status=response.status,
        content_type=response.content_type,
        headers=response.headers,
    )


def _judge(page: ParsedPage, account: str | None, instance: Instance) -> Refusal | None:
    kind, message = page.failure_kind or str(page.outcome), page.message or str(page.outcome)
    if page.outcome in _GOOD:
        shown = page.info.get("profile", {}).get("handle", account or "")
        if account is None or shown.lower() == account.lower():
            return None
        return Refusal(instance.label, "blocked", "wrong_account", f"shows @{shown} instead")
    if page.outcome is PageOutcome.RATE_LIMITED:
        return Refusal(instance.label, "limited", kind, message)
    if page.outcome is PageOutcome.ERROR and (kind in _PASSING or kind.startswith("http_5")):
        return Refusal(instance.label, "transient", kind, message)
    return Refusal(instance.label, "blocked", kind, message)


def _reason(error: ScrapeError, instance: Instance) -> str:
    # The label stands in front of the reason already.
    return str(error).replace(instance.base, "", 1).lstrip(": ")
