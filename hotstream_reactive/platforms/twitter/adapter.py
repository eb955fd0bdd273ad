"""The adapter: accounts and searches read through Nitter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from hotstream_reactive.errors import PermanentError, ScrapeError
from hotstream_reactive.fetch.http import prepare
from hotstream_reactive.platforms.base import PlatformAdapter, SearchOptions
from hotstream_reactive.platforms.ending import again, note, nothing_read
from hotstream_reactive.platforms.progress import Mode, Progress, TargetProgress, resumed
from hotstream_reactive.platforms.twitter.client import NitterClient, Shared
from hotstream_reactive.platforms.twitter.conversation import named_posts
from hotstream_reactive.platforms.twitter.links import account_name
from hotstream_reactive.platforms.twitter.query import (
    Target,
    Wishes,
    account_target,
    search_targets,
    wishes,
)
from hotstream_reactive.platforms.twitter.walk import walk

Record = dict[str, Any]

# When no instance answers for so many targets in a row, asking for fifty more only takes time.
_GIVE_UP_AFTER = 3


class TwitterAdapter(PlatformAdapter):
    """Reads public posts of Twitter through the Nitter instances of `platforms.twitter.instances`.

    Options of a task: `limit`, `since` (inclusive) and `until` (exclusive), `filters` (names such
    as ``media`` or ``replies``, true to keep only, false to leave out; also ``f-media``,
    ``e-replies``), `min_faves`, `include_replies`, `include_reposts`, `sort_by` (``top`` for
    Twitter's own choice, else newest first), `posts` (addresses or ids of posts to read with their
    conversation; a keyword that is such an address does the same).

    Attributes:
        shared: pacing, health of instances and browser of the whole process.
        report: one entry per account or query: ``target``, ``outcome`` (``ok``, ``empty``,
            ``not_tried`` or the kind of the error), ``message``, ``items``.
    """

    platform_name: ClassVar[str] = "twitter"
    shared: ClassVar[Shared] = Shared()

    def __init__(self) -> None:
        self.report: list[dict[str, Any]] = []
        self._client: NitterClient | None = None
        self._retryable: list[ScrapeError] = []
        self._failed_in_a_row = 0

    @classmethod
    def warm_up(cls) -> None:
        """Read the certificates, which takes longer than a claim."""
        prepare()

    async def close(self) -> None:
        """Close connections and, when no other run uses it, the browser."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def search(self, keywords: list[str], options: SearchOptions) -> AsyncIterator[Record]:
        """Yield posts with any of the keywords, newest first, `options.limit` in all.

        Raises:
            PermanentError: nothing to search for, a bad option, or no instance configured.
            RateLimited, BlockedError, TransientError: no instance answered.
        """
        wished = wishes(options)
        targets, words = named_posts(keywords, options.get("posts"), self._hosts())
        if words or not targets:
            targets += search_targets(words, wished)
        progress = self._begin("search", targets)
        seen: set[str] = set()
        for target in targets:
            elsewhere = sum(
                one.items for name, one in progress.targets.items() if name != target.name
            )
            async for record in self._read(
                target, wished, options.limit - elsewhere, progress, seen
            ):
                yield record
        await self._finish(progress, targets, [])

    async def monitor_accounts(self, accounts: list[str], limit: int) -> AsyncIterator[Record]:
        """Yield the newest posts of each account, newest first, up to `limit` per account.

        An account that cannot be read does not keep the others from being read. That is an error
        of the run only when it may be mended by trying again, or when no account could be read.

        Raises:
            PermanentError: no account could be read and trying again cannot help.
            RateLimited, BlockedError, TransientError: no instance answered for some account.
        """
        wished = wishes(self.context.options)
        hosts = self._hosts()
        posts, _ = named_posts((), self.context.options.get("posts"), hosts)
        targets: dict[str, Target] = {}
        invalid: list[PermanentError] = []
        for given in accounts:
            try:
                handle = account_name(given, instance_hosts=hosts)
            except PermanentError as error:
                invalid.append(error)
                self._note(given, TargetProgress(outcome=error.kind, message=str(error)))
            else:
                targets.setdefault(handle.lower(), account_target(handle, wished))
        targets |= {post.name: post for post in posts}
        progress = self._begin("monitor", list(targets.values()))
        for target in targets.values():
            async for record in self._read(target, wished, limit, progress, set()):
                yield record
        await self._finish(progress, list(targets.values()), invalid)

    def _hosts(self) -> frozenset[str]:
        return frozenset(one.label.rsplit(":", 1)[0] for one in self._nitter().instances)

    def _nitter(self) -> NitterClient:
        if self._client is None:
            self._client = NitterClient(self.context, self.shared)
        return self._client

    def _begin(self, mode: Mode, targets: list[Target]) -> Progress:
        self._nitter()  # a missing instance is told before anything else happens
        return resumed(self.context.checkpoint, mode, [target.name for target in targets])

    async def _read(
        self, target: Target, wished: Wishes, limit: int, progress: Progress, seen: set[str]
    ) -> AsyncIterator[Record]:
        """Read one target; a failure is kept until all targets were read."""
        own = progress.of(target.name)
        if target.post is not None:
            wished = Wishes()  # a conversation is not filtered: it would lose its thread

        async def save() -> None:
            await self.context.save_checkpoint(progress.saved())

        if not own.done and self._failed_in_a_row >= _GIVE_UP_AFTER:
            own.outcome = "not_tried"
            own.message = f"{target.name}: no instance answered for those before"
        elif not own.done:
            own.outcome = own.message = ""
            try:
                async for record in walk(
                    self._nitter(), target, wished, limit=limit, own=own, seen=seen, save=save
                ):
                    yield record
            except ScrapeError as error:
                own.outcome, own.message = error.kind, str(error)
                own.done = isinstance(error, PermanentError)
                if not own.done:
                    self._retryable.append(error)
                    self._failed_in_a_row += 1
            else:
                own.done = True
                own.outcome = "ok" if own.items or limit <= 0 else "empty"
                self._failed_in_a_row = 0
            await save()
        self._note(target.name, own)

    def _note(self, name: str, own: TargetProgress) -> None:
        note(self.report, self.context.log, name, own)

    async def _finish(
        self, progress: Progress, targets: list[Target], invalid: list[PermanentError]
    ) -> None:
        outcomes = [progress.of(target.name) for target in targets]
        if waiting := [one for one in outcomes if not one.done]:
            raise again(self._retryable, len(waiting), len(outcomes))
        if failure := nothing_read(outcomes, invalid):
            raise failure
        # All is done: the next run of the same task starts from the front.
        await self.context.save_checkpoint({})
