"""Asks the instances for a page, one after the other, until one gives a real answer."""

from __future__ import annotations

from typing import NamedTuple

from hotstream_reactive.errors import (
    BlockedError,
    PermanentError,
    RateLimited,
    ScrapeError,
    TransientError,
)
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.base import RunContext
from hotstream_reactive.platforms.instances import (
    Instance,
    Refusal,
    all_refused,
    configured,
    retry_after_s,
)
from hotstream_reactive.platforms.twitter.asking import Asked, Asker, Shared, feed_path

__all__ = ["Answer", "NitterClient", "Shared"]

_GOOD = frozenset({PageOutcome.OK, PageOutcome.EMPTY})
_SAID_BY_PLATFORM = frozenset({PageOutcome.ERROR, PageOutcome.NOT_FOUND})
_PASSING = frozenset({"network_error", "instance_error"})
# No page of any kind comes from there.
_NO_FEED_EITHER = frozenset({"robots", "forbidden_address", "no_browser"})


class Answer(NamedTuple):
    """A page and the label of the instance that gave it."""

    page: ParsedPage
    label: str


class Question(NamedTuple):
    """What is asked for: `account` whose page, or `post` whose conversation it must be."""

    path: str
    what: str
    account: str | None = None
    post: str | None = None


class NitterClient:
    """The instances of one run; close it when done.

    Raises:
        PermanentError: (`no_instances`) none is configured; (`no_socks`) a proxy cannot be used.
    """

    def __init__(self, context: RunContext, shared: Shared) -> None:
        self._context = context
        self._health = shared.health
        self.instances = configured(context.platform.instances)
        if not self.instances:
            raise PermanentError(
                "no Nitter instance is configured: set platforms.twitter.instances to a list of "
                'addresses, e.g. ["https://nitter.example"]',
                kind="no_instances",
            )
        self._asker = Asker(context, shared)
        # Where pages are refused but the feed is not, in this run.
        self._by_feed: Instance | None = None

    async def close(self) -> None:
        """Close connections; the browser too, when no other run uses it."""
        await self._asker.close()

    async def fetch(
        self, path: str, *, account: str | None, what: str, post: str | None = None
    ) -> Answer:
        """Fetch a page of posts from the first instance that has it.

        Where no instance gives the page, the feeds of those are asked that refused it.

        Args:
            path: path and query.
            account: whose page it must be; None for a search.
            what: what is asked for, for messages.
            post: the id of the post whose conversation it must be.

        Raises:
            PermanentError: the platform itself says no (`account_not_found`, `account_suspended`,
                `account_protected`, …): no other instance can say otherwise.
            RateLimited, BlockedError, TransientError: no instance gave the page.
        """
        question = Question(path, what, account, post)
        feed = feed_path(path)
        if feed is not None and self._by_feed is not None:
            if answer := await self._feed(self._by_feed, question, feed):
                return answer
            self._by_feed = None
        refusals = [
            Refusal(one.label, "limited", "rate_limited", f"cools down for {wait:.0f} s more", wait)
            for one in self.instances
            if (wait := self._health.cooling_s(one)) > 0
        ]
        walled: list[Instance] = []
        for instance in self._health.ordered(self.instances):
            found = await self._page(instance, question)
            if isinstance(found, Answer):
                return found
            refusals.append(found)
            if found.nature == "blocked" and found.kind not in _NO_FEED_EITHER:
                walled.append(instance)
        for instance in walled if feed is not None else ():
            if answer := await self._feed(instance, question, feed or ""):
                self._by_feed = instance
                self._context.log.info(
                    f"{what}: {instance.label} gives only its feed, which has no counters"
                )
                return answer
        raise all_refused(what, refusals)

    async def _page(self, instance: Instance, question: Question) -> Answer | Refusal:
        """Ask an instance for the page itself.

        Raises:
            PermanentError: the platform says no.
        """
        try:
            asked = await self._asker.page(instance, question.path)
        except ScrapeError as error:
            refusal = _unanswered(error, instance)
        else:
            judged = _judge(asked.page, question, instance)
            if judged is None:
                self._health.answered(instance)
                return Answer(asked.page, instance.label)
            if asked.page.outcome in _SAID_BY_PLATFORM and not asked.page.retry_elsewhere:
                self._health.answered(instance)
                raise PermanentError(
                    f"{question.what}: {asked.page.message} (said {instance.label})",
                    kind=asked.page.failure_kind or "error",
                )
            refusal = await self._refused(judged, asked, instance)
        if refusal.nature != "limited":
            self._health.failed(instance)
        self._context.log.debug(
            f"{question.what}: {refusal.label} gave no answer: {refusal.message} ({refusal.kind})"
        )
        return refusal

    async def _refused(self, refusal: Refusal, asked: Asked, instance: Instance) -> Refusal:
        """Remember a refusal, and keep what there is to see of it."""
        refusal = refusal._replace(
            message=refusal.message + await self._asker.keep(asked, instance)
        )
        if refusal.nature != "transient":
            self._asker.http.refused(instance.base)
        if refusal.nature != "limited":
            return refusal
        asked_wait = retry_after_s(asked.response.headers.get("retry-after"))
        return refusal._replace(wait_s=self._health.limited(instance, asked_wait))

    async def _feed(self, instance: Instance, question: Question, path: str) -> Answer | None:
        """The feed of an instance; None when it does not help."""
        try:
            asked = await self._asker.feed(instance, path)
        except ScrapeError as error:
            self._context.log.debug(f"{question.what}: no feed of {instance.label}: {error}")
            return None
        page = asked.page
        # An empty feed of an instance that refuses its pages proves nothing; later it is the end.
        is_end = page.outcome is PageOutcome.EMPTY and "cursor=" in path
        is_feed = page.page_kind.endswith("_rss")
        if is_feed and (page.records or is_end) and _judge(page, question, instance) is None:
            return Answer(page, instance.label)
        self._context.log.debug(
            f"{question.what}: the feed of {instance.label} does not help: {page.message}"
        )
        return None


def _unanswered(error: ScrapeError, instance: Instance) -> Refusal:
    """The refusal of an instance that gave no page at all.

    Raises:
        ScrapeError: the error itself, when it does not concern the instance.
    """
    reason = _reason(error, instance)
    if isinstance(error, RateLimited):
        return Refusal(instance.label, "limited", error.kind, reason, error.retry_after)
    if isinstance(error, TransientError):
        return Refusal(instance.label, "transient", error.kind, reason)
    if isinstance(error, BlockedError) or error.kind == "robots":
        return Refusal(instance.label, "blocked", error.kind, reason)
    raise error


def _judge(page: ParsedPage, question: Question, instance: Instance) -> Refusal | None:
    kind, message = page.failure_kind or str(page.outcome), page.message or str(page.outcome)
    if page.outcome in _GOOD:
        return _other_than_asked(page, question, instance)
    if page.outcome is PageOutcome.RATE_LIMITED:
        return Refusal(instance.label, "limited", kind, message)
    if page.outcome is PageOutcome.ERROR and (kind in _PASSING or kind.startswith("http_5")):
        return Refusal(instance.label, "transient", kind, message)
    return Refusal(instance.label, "blocked", kind, message)


def _other_than_asked(page: ParsedPage, question: Question, instance: Instance) -> Refusal | None:
    if question.post is not None:
        shown = page.info.get("conversation", {}).get("root", question.post)
        if page.page_kind == "conversation" and shown == question.post:
            return None
        return Refusal(instance.label, "blocked", "wrong_post", "shows something else instead")
    account = question.account
    handle = page.info.get("profile", {}).get("handle", account or "")
    if account is None or handle.lower() == account.lower():
        return None
    return Refusal(instance.label, "blocked", "wrong_account", f"shows @{handle} instead")


def _reason(error: ScrapeError, instance: Instance) -> str:
    # The label stands in front of the reason already.
    return str(error).replace(instance.base, "", 1).lstrip(": ")
