"""Where the articles of an account, a tag, a search come from, one way after the other.

A cursor is the name of the way, and what leads on in it: None for the feed, ``json`` and
``json {…}`` for ``?format=json``, ``page`` for the page's own state, ``tag …`` for the tag that
stands in for a search.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

from hotstream_reactive.errors import (
    BlockedError,
    LoginRequired,
    PermanentError,
    RateLimited,
    ScrapeError,
    TransientError,
)
from hotstream_reactive.model.page import ParsedPage
from hotstream_reactive.platforms.medium.client import MediumClient
from hotstream_reactive.platforms.medium.links import Place, tag_slug
from hotstream_reactive.platforms.site import moved
from hotstream_reactive.platforms.targets import Batch
from hotstream_reactive.platforms.values import text_of

_REFUSED = (BlockedError, TransientError, LoginRequired)


class ListSource:
    """The articles of a user, a publication, an own domain or a tag, newest first.

    The feed holds the ten latest. Further ones are asked for as ``?format=json``, and where that
    is refused taken from the state of the page.
    """

    def __init__(self, client: MediumClient, place: Place) -> None:
        self._client = client
        self._place = place
        self._what = f"{place.kind} {place.label}"

    async def fetch(self, cursor: str | None) -> Batch:
        """The batch at a cursor.

        Raises:
            PermanentError: there is no such account.
            RateLimited: Medium asks for a slower pace.
            BlockedError, TransientError: none of the ways was open.
        """
        if cursor is None:
            return await self._first()
        way, _, following = cursor.partition(" ")
        try:
            return await (self._list(following) if way == "json" else self._page())
        except RateLimited:
            raise
        except (*_REFUSED, PermanentError) as error:
            # What was delivered stays; that it is not all must be said.
            return Batch([], None, f"only the latest of {self._what}: {error}")

    async def _first(self) -> Batch:
        """The first batch, by the first way that is open."""
        refusals: list[ScrapeError] = []
        for way in (self._feed, self._list, self._page):
            try:
                return await way()
            except RateLimited:
                raise
            except PermanentError:
                if not refusals:
                    raise  # Medium itself says that there is no such account
            except _REFUSED as error:
                refusals.append(error)
        raise refusals[0]

    async def _feed(self) -> Batch:
        page = await self._client.feed(self._address("feed"), self._what)
        has_lists = self._place.kind != "tag" and self._client.shared.may_ask_lists
        return Batch(page.records, "json" if has_lists else "page")

    async def _list(self, following: str = "") -> Batch:
        try:
            page = await self._client.get(self._list_address(following), self._what)
        except _REFUSED as error:
            if not isinstance(error, RateLimited):
                self._client.shared.lists_refused()
            raise
        if page.info.get("next_path") and page.next_cursor:
            onwards = {"path": page.info["next_path"], "query": page.info["next_cursor"]}
            return Batch(page.records, "json " + json.dumps(onwards))
        return Batch(page.records)

    async def _page(self) -> Batch:
        page = await self._client.get(self._address("page"), self._what)
        return Batch(page.records, None, self._said(page))

    def _said(self, page: ParsedPage) -> str:
        if page.next_cursor is None:
            return ""
        return f"only the latest of {self._what}: Medium gives further ones to its own pages only"

    def _address(self, form: str) -> str:
        base, name = self._client.base, quote(self._place.name, safe="@.-_~")
        match self._place.kind, form:
            case "user", "feed":
                return f"{base}/feed/@{name}"
            case "user", _:
                return f"{base}/@{name}"
            case "tag", "feed":
                return f"{base}/feed/tag/{name}"
            case "tag", _:
                return f"{base}/tag/{name}"
            case "domain", "feed":
                return f"https://{name}/feed"
            case "domain", _:
                return f"https://{name}"
            case _, "feed":
                return f"{base}/feed/{name}"
        return f"{base}/{name}"

    def _list_address(self, following: str) -> str:
        onwards = _onwards(following)
        path = text_of(onwards.get("path"))
        if not path:
            return f"{self._address('page')}/latest?format=json"
        query = onwards.get("query")
        parameters = {**(query if isinstance(query, dict) else {}), "format": "json"}
        # The path is that of Medium's own host, whatever site stands in for it.
        own = f"https://{self._place.name}" if self._place.kind == "domain" else self._client.base
        return f"{moved(path, own)}?{urlencode(parameters)}"


class ArticleSource:
    """One article by its id or address."""

    def __init__(self, client: MediumClient, place: Place) -> None:
        self._client = client
        self._place = place

    async def fetch(self, cursor: str | None) -> Batch:
        """The one batch there is.

        Raises:
            PermanentError: there is no such article, or not any more.
            RateLimited, BlockedError, TransientError: Medium did not give it.
        """
        identity = self._place.name
        address = self._place.address or f"{self._client.base}/p/{identity}"
        page = await self._client.get(address, f"article {identity}")
        records = [record for record in page.records if record["id"] == identity]
        if page.page_kind != "article" or not records:
            raise BlockedError(
                f"article {identity}: {address} shows something else", kind="wrong_page"
            )
        note = "for members only: just the preview" if records[0].get("locked") else ""
        return Batch(records, None, note)


class SearchSource:
    """What the search page finds for a keyword; without a browser what its tag's feed holds."""

    def __init__(self, client: MediumClient, keyword: str, wanted: int) -> None:
        self._client = client
        self._keyword = keyword
        self._wanted = wanted
        self._tag = ListSource(client, Place("tag", tag_slug(keyword)))

    async def fetch(self, cursor: str | None) -> Batch:
        """The batch at a cursor.

        Raises:
            RateLimited: Medium asks for a slower pace.
            BlockedError, TransientError, PermanentError: neither search nor tag could be read.
        """
        if cursor is not None:
            return await self._tagged(cursor.removeprefix("tag").strip() or None)
        what = f"search {self._keyword!r}"
        try:
            page = await self._client.search(self._keyword, self._wanted, what)
        except RateLimited:
            raise
        except (*_REFUSED, PermanentError) as error:
            return Batch([], "tag", f"feed of the tag {self._tag_name!r} in place of: {error}")
        return Batch(page.records)

    @property
    def _tag_name(self) -> str:
        return tag_slug(self._keyword)

    async def _tagged(self, cursor: str | None) -> Batch:
        batch = await self._tag.fetch(cursor)
        return batch._replace(cursor=f"tag {batch.cursor}" if batch.cursor else None)


def _onwards(following: str) -> dict[str, Any]:
    try:
        found = json.loads(following) if following else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
