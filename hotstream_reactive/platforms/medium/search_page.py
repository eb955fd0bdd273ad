"""Medium's search page in a browser: the GraphQL answers it asks for itself, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from hotstream_reactive.fetch.http import Response
from hotstream_reactive.fetch.session import PageSession
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.medium.pages import parse_page
from hotstream_reactive.platforms.values import Record

_ROUNDS = 20
_QUIET_S = 5.0
_WALLS = frozenset(
    {PageOutcome.CHALLENGE, PageOutcome.BLOCKED, PageOutcome.RATE_LIMITED, PageOutcome.NOT_FOUND}
)


class Seen(NamedTuple):
    """The document as the server gave it, and the answers that its scripts got."""

    document: Response | None
    answers: list[str]


def is_answer(url: str, _status: int) -> bool:
    """Whether an address is that of Medium's own questions."""
    return urlsplit(url).path.endswith("/_/graphql")


def parsed(response: Response) -> ParsedPage:
    """A response as a page."""
    return parse_page(
        response.text,
        url=response.final_url,
        status=response.status,
        content_type=response.content_type,
        headers=response.headers,
    )


async def listen(
    page: PageSession, url: str, timeout_s: float, enough: Callable[[Seen], bool]
) -> Seen:
    """Open a page and scroll until there is enough or nothing new comes.

    Args:
        page: an empty one.
        url: where to go.
        timeout_s: for the first answers; later ones get less.
        enough: judges what came so far.

    Raises:
        TransientError: the browser or the page failed.
    """
    await page.open(url)
    seen = Seen(None, [])
    rounds = 0
    was_quiet = False
    while not enough(seen):
        heard = await page.heard(min(timeout_s, _QUIET_S) if rounds else timeout_s)
        if heard is None:
            if not rounds or was_quiet or rounds >= _ROUNDS:
                break
            # Perhaps the page had not shown yet what it was to be scrolled past.
            was_quiet = True
            await page.go_on("")
            continue
        if heard.is_document:
            seen = seen._replace(document=heard.response)
            continue
        seen.answers.append(heard.response.text)
        was_quiet = False
        if rounds >= _ROUNDS:
            break
        if is_search(heard.response.text, url) and not enough(seen):
            await page.go_on("")
            rounds += 1
    return seen


def is_search(text: str, url: str) -> bool:
    """Whether an answer is one to a search, among all that a page asks."""
    return parse_page(text, url=url).page_kind == "search"


def is_enough(seen: Seen, url: str, wanted: int) -> bool:
    """Whether so many articles came, or a search said that there are none."""
    searches = [page for page in _answers(seen, url) if page.page_kind == "search"]
    if searches and searches[-1].outcome is PageOutcome.EMPTY:
        return True
    return len(articles(seen, url)) >= wanted


def articles(seen: Seen, url: str) -> dict[str, Record]:
    """All articles by id: those of the answers to searches first, then those of the document."""
    pages = _answers(seen, url)
    searches = [page for page in pages if page.page_kind == "search"]
    found = _by_id(searches or pages)
    if seen.document is not None:
        document = parsed(seen.document)
        if document.page_kind != "article":
            found = {**_by_id([document]), **found}
    return found


def together(seen: Seen, url: str) -> ParsedPage:
    """What the search found, or what the page was instead."""
    found = articles(seen, url)
    if found:
        return ParsedPage(outcome=PageOutcome.OK, page_kind="search", records=list(found.values()))
    document = parsed(seen.document) if seen.document is not None else None
    if document is not None and document.outcome in _WALLS:
        return document
    answers = _answers(seen, url)
    is_honest = any(
        one.page_kind == "search" and one.outcome is PageOutcome.EMPTY for one in answers
    )
    return ParsedPage(
        outcome=PageOutcome.EMPTY if is_honest else PageOutcome.EMPTY_SUSPECT,
        page_kind="search",
        failure_kind="no_items" if is_honest else "empty_suspect",
        message="nothing found" if is_honest else "the search page asked for no articles",
        retry_elsewhere=not is_honest,
    )


def _answers(seen: Seen, url: str) -> list[ParsedPage]:
    return [parse_page(text, url=url) for text in seen.answers]


def _by_id(pages: Iterable[ParsedPage]) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for page in pages:
        for record in page.records:
            found.setdefault(record["id"], record)
    return found
