"""The adapter: accounts, tags, articles and searches of Medium."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from hotstream_reactive.errors import PermanentError
from hotstream_reactive.platforms.base import PlatformAdapter, SearchOptions
from hotstream_reactive.platforms.medium.client import MediumClient, Shared
from hotstream_reactive.platforms.medium.links import Place, article_place, place, tag_slug
from hotstream_reactive.platforms.medium.sources import ArticleSource, ListSource, SearchSource
from hotstream_reactive.platforms.options import bad_option
from hotstream_reactive.platforms.targets import Reading, Target
from hotstream_reactive.platforms.values import Record

_KINDS = ("search", "tag")


class MediumAdapter(PlatformAdapter):
    """Reads public articles of Medium, or of `platforms.medium.base_url` standing in for it.

    Options of a task: `limit`, `since` (inclusive) and `until` (exclusive); of a search also
    `kind` (``search``: the search page, through a browser; ``tag``: the feeds of the keywords as
    tags) and `articles` (addresses or ids of single articles).

    Attributes:
        shared: pacing, validators of feeds and browser of the whole process.
        report: one entry per account, keyword or article: ``target``, ``outcome`` (``ok``,
            ``empty``, ``not_tried`` or the kind of the error), ``message``, ``items``.
    """

    platform_name: ClassVar[str] = "medium"
    shared: ClassVar[Shared] = Shared()

    def __init__(self) -> None:
        self.report: list[dict[str, Any]] = []
        self._client: MediumClient | None = None

    async def close(self) -> None:
        """Close connections and, when no other run uses it, the browser."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def search(self, keywords: list[str], options: SearchOptions) -> AsyncIterator[Record]:
        """Yield articles for any of the keywords and those named, `options.limit` in all.

        Where the search page cannot be read, the feed of the keyword as a tag takes its place,
        and the report says so.

        Raises:
            PermanentError: nothing to search for, or a bad option.
            RateLimited, BlockedError, TransientError: Medium did not let itself be read.
        """
        kind = options.get("kind", "search")
        if kind not in _KINDS:
            raise bad_option("kind", kind, " or ".join(_KINDS))
        client = self._medium()
        targets: dict[str, Target] = {}
        invalid: dict[str, PermanentError] = {}
        for given in _articles(options):
            try:
                found = article_place(given, base=client.base)
            except PermanentError as error:
                invalid[given] = error
            else:
                targets.setdefault(found.name, _target(client, found))
        for keyword in dict.fromkeys(word for one in keywords if (word := " ".join(one.split()))):
            if kind == "search":
                source = SearchSource(client, keyword, options.limit)
                targets.setdefault(keyword, Target(keyword, source.fetch))
            elif tag := tag_slug(keyword):
                targets.setdefault(tag, _target(client, Place("tag", tag)))
        if not targets and not invalid:
            raise PermanentError("a search needs at least one keyword", kind="no_keywords")
        reading = Reading(self.context, "search", list(targets.values()), self.report, invalid)
        async for record in reading.records(options.limit):
            yield record

    async def monitor_accounts(self, accounts: list[str], limit: int) -> AsyncIterator[Record]:
        """Yield the newest articles of each account, up to `limit` per account.

        An account is ``@user``, the name of a publication, an own domain, ``tag/<tag>``, or an
        address of one of these; the address of an article stands for that article.

        Raises:
            PermanentError: no account could be read and trying again cannot help.
            RateLimited, BlockedError, TransientError: Medium did not let itself be read.
        """
        client = self._medium()
        targets: dict[str, Target] = {}
        invalid: dict[str, PermanentError] = {}
        for given in accounts:
            try:
                found = place(given, base=client.base)
            except PermanentError as error:
                invalid[given] = error
            else:
                targets.setdefault(found.label.lower(), _target(client, found))
        if not targets and not invalid:
            raise PermanentError("there is no account to read", kind="no_accounts")
        reading = Reading(self.context, "monitor", list(targets.values()), self.report, invalid)
        async for record in reading.records(limit):
            yield record

    def _medium(self) -> MediumClient:
        if self._client is None:
            self._client = MediumClient(self.context, self.shared)
        return self._client


def _target(client: MediumClient, found: Place) -> Target:
    if found.kind == "article":
        return Target(found.name, ArticleSource(client, found).fetch)
    return Target(found.label, ListSource(client, found).fetch, ordered=True)


def _articles(options: SearchOptions) -> list[str]:
    given = options.get("articles", [])
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise bad_option("articles", given, "a list of addresses or ids")
    return given
