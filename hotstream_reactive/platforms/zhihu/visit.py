"""A page of the site while it is open: its data, first and further, or why there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import anyio

from hotstream_reactive.errors import ScrapeError, TransientError
from hotstream_reactive.fetch.response import Response
from hotstream_reactive.fetch.session import Heard
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.values import mapping
from hotstream_reactive.platforms.zhihu import failures
from hotstream_reactive.platforms.zhihu.client import OpenPage, ZhihuClient
from hotstream_reactive.platforms.zhihu.links import query_of
from hotstream_reactive.platforms.zhihu.pages import parse_page
from hotstream_reactive.platforms.zhihu.query import Target

_NEXT_PAGE = "button.PaginationButton-next"
_LONGEST_PATIENCE_S = 10.0
#: A script that the browser runs by itself; every other check is for a person.
_PASSES_BY_ITSELF = "zhihu_zse_ck"
# Said to any question of a page, these concern all of them.
_CONCERNS_ALL = frozenset({"zhihu_40352", "zhihu_40362"})
#: Where a page tells how much there must be in its list.
_COUNTED = {
    "member_answers": ("profile", "answers"),
    "member_articles": ("profile", "articles"),
    "question_answers": ("question", "answers"),
}


class _Parsed(NamedTuple):
    page: ParsedPage
    response: Response


class Visit:
    """One target's page; made by `visit`."""

    def __init__(self, client: ZhihuClient, target: Target, opened: OpenPage) -> None:
        self._client = client
        self._target = target
        self._page = opened.page
        self._saved = opened.saved
        self._challenge: _Parsed | None = None
        self._without_data: ParsedPage | None = None
        self._known = 0

    @property
    def number(self) -> int:
        """The number of the page where the site numbers them, else 1."""
        given = query_of(self._page.url).get("page", "")
        return int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 1

    async def first(self, number: int) -> ParsedPage:
        """Open the page and wait for the first data, in it or asked for by it.

        Args:
            number: where to begin, on pages that are numbered.

        Raises:
            ScrapeError: the site refuses, or there is nothing where there must be something.
        """
        path = self._target.path
        if number > 1:
            path += f"{'&' if '?' in path else '?'}page={number}"
        await self._client.pace()
        await self._page.open(self._client.site + path)
        page = await self._data(self._client.timeout_s)
        if page is None:
            raise self._nothing_came()
        if page.outcome is PageOutcome.EMPTY and self._known:
            raise self._suspect(f"an empty list, although {self._known} are said to exist")
        if page.outcome is PageOutcome.EMPTY_SUSPECT:
            raise self._client.refused(page, self._target, {})
        await self._client.keep(self._saved, self._page)
        return page

    async def more(self) -> ParsedPage | None:
        """Make the page ask for more; None when it asks for nothing.

        Raises:
            ScrapeError: the site refuses.
        """
        if (waiting := await self._data(0.0)) is not None:
            return waiting
        await self._client.pace()
        await self._page.go_on(_NEXT_PAGE)
        page = await self._data(min(self._client.timeout_s, _LONGEST_PATIENCE_S))
        if page is None and (wall := failures.redirected(self._page.url)) is not None:
            raise self._client.refused(failures.page(wall, {}), self._target, {})
        return page

    async def _data(self, timeout_s: float) -> ParsedPage | None:
        """The next page of data within the time.

        Raises:
            ScrapeError: the site refuses; also when a challenge has not passed in the time.
        """
        deadline = anyio.current_time() + timeout_s
        while heard := await self._page.heard(max(0.0, deadline - anyio.current_time())):
            parsed = _Parsed(_parse(heard), heard.response)
            page = self._document(parsed) if heard.is_document else self._answer(parsed)
            if page is not None and page.page_kind == failures.PAGE_KIND:
                raise await self._refused(parsed)
            if page is not None:
                return page
        if self._challenge is not None:
            raise await self._refused(self._challenge)
        return None

    def _document(self, parsed: _Parsed) -> ParsedPage | None:
        """The page itself, if it holds data or is a failure."""
        page = parsed.page
        self._challenge = None
        if page.failure_kind == _PASSES_BY_ITSELF:
            self._challenge = parsed
            return None
        if page.page_kind == failures.PAGE_KIND:
            return page
        if place := _COUNTED.get(self._target.page_kind):
            self._known = mapping(page.info.get(place[0])).get(place[1]) or 0
        is_data = page.page_kind == self._target.page_kind
        if is_data and page.outcome in (PageOutcome.OK, PageOutcome.EMPTY):
            return page
        self._without_data = page
        return None

    def _answer(self, parsed: _Parsed) -> ParsedPage | None:
        """What the page was answered, if it is its data or a failure that concerns it."""
        if self._target.is_answer(parsed.response.url):
            return parsed.page
        return parsed.page if parsed.page.failure_kind in _CONCERNS_ALL else None

    async def _refused(self, parsed: _Parsed) -> ScrapeError:
        kind = parsed.page.failure_kind or "refused"
        await self._client.keep_evidence(parsed.response, kind, self._saved)
        return self._client.refused(parsed.page, self._target, parsed.response.headers)

    def _nothing_came(self) -> ScrapeError:
        wall = failures.redirected(self._page.url)
        if wall is not None:
            return self._client.refused(failures.page(wall, {}), self._target, {})
        page = self._without_data
        if page is not None and page.page_kind == self._target.page_kind:
            return self._suspect(page.message or "an empty list")
        return TransientError(
            f"{self._target.name}: the page asked for no data within {self._client.timeout_s:g} s "
            "(fetch.timeout)",
            kind="no_data",
        )

    def _suspect(self, message: str) -> ScrapeError:
        page = ParsedPage(
            outcome=PageOutcome.EMPTY_SUSPECT,
            page_kind=self._target.page_kind,
            failure_kind="empty_suspect",
            message=message,
        )
        return self._client.refused(page, self._target, {})


@asynccontextmanager
async def visit(client: ZhihuClient, target: Target) -> AsyncIterator[Visit]:
    """A visit to a target's page, which is closed at the end.

    Raises:
        ScrapeError: as `ZhihuClient.open` does.
    """
    async with client.open(target) as opened:
        yield Visit(client, target, opened)


def _parse(heard: Heard) -> ParsedPage:
    response = heard.response
    return parse_page(
        response.text,
        url=response.final_url,
        status=response.status,
        content_type=response.content_type,
        headers=response.headers,
    )
