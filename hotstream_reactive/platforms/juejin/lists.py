"""The lists of Juejin: which request gives the page at a cursor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import unquote

from hotstream_reactive.errors import BlockedError, PermanentError
from hotstream_reactive.model.page import ParsedPage
from hotstream_reactive.platforms.juejin.query import CATEGORIES, ID, Wishes
from hotstream_reactive.platforms.targets import Batch, Target

PAGE_SIZE = 20
_EVERYTHING = frozenset({"*", "all", "全部", "综合"})
_SORT_NEWEST, _SORT_HOT = 300, 200


class Client(Protocol):
    """What the lists need of the client."""

    async def get(self, path: str, what: str, **parameters: str | int) -> ParsedPage:
        """Ask with a query."""
        ...

    async def post(self, path: str, what: str, payload: Mapping[str, Any]) -> ParsedPage:
        """Ask with a JSON body."""
        ...


def search_target(client: Client, keyword: str, wished: Wishes) -> Target:
    """The list that a keyword of a search means.

    Raises:
        PermanentError: (`bad_keyword`) the keyword means nothing in this kind of list.
    """
    match wished.kind:
        case "search":
            return _search(client, keyword, wished)
        case "tag":
            return _tag(client, keyword, wished)
        case "category":
            return _category(client, keyword, wished)
        case "hot":
            return _hot(client, keyword)
        case "pins":
            return _pins(client, keyword, wished)
        case "themes":
            return _posted(client, "themes", "/tag_api/v1/theme/list_by_hot", {})
    return _posted(
        client,
        "home",
        "/recommend_api/v1/article/recommend_all_feed",
        {"id_type": 2, "client_type": 2608, "sort_type": _sort(wished)},
        ordered=wished.newest,
    )


def account_target(client: Client, user_id: str, wished: Wishes) -> Target:
    """What an account wrote, or did."""
    if wished.kind == "activities":

        async def fetch(cursor: str | None) -> Batch:
            return await _batch(
                client.get(
                    "/user_api/v1/user/dynamic",
                    f"activities of {user_id}",
                    user_id=user_id,
                    cursor=cursor or "0",
                ),
                cursor,
            )

        return Target(user_id, fetch)
    return _posted(
        client,
        user_id,
        "/content_api/v1/article/query_list",
        {"user_id": user_id, "sort_type": 2},
        ordered=True,
        what=f"account {user_id}",
    )


def _sort(wished: Wishes) -> int:
    return _SORT_NEWEST if wished.newest else _SORT_HOT


async def _batch(asked: Awaitable[ParsedPage], cursor: str | None) -> Batch:
    try:
        page = await asked
    except BlockedError as error:
        if error.kind == "null_data" and cursor is not None:
            return Batch([])  # after the first page, null is the end of the list
        raise
    return Batch(page.records, page.next_cursor)


def _posted(
    client: Client,
    name: str,
    path: str,
    payload: Mapping[str, Any],
    *,
    ordered: bool = False,
    what: str = "",
) -> Target:
    async def fetch(cursor: str | None) -> Batch:
        body = {**payload, "cursor": cursor or "0", "limit": PAGE_SIZE}
        return await _batch(client.post(path, what or name, body), cursor)

    return Target(name, fetch, ordered)


def _search(client: Client, keyword: str, wished: Wishes) -> Target:
    async def fetch(cursor: str | None) -> Batch:
        return await _batch(
            client.get(
                "/search_api/v1/search",
                f"search {keyword!r}",
                # The older and the newer name of the same thing.
                query=keyword,
                key_word=keyword,
                id_type=2,
                cursor=cursor or "0",
                limit=PAGE_SIZE,
                search_type=0,
                sort_type=2 if wished.newest else 0,
            ),
            cursor,
        )

    return Target(keyword, fetch, ordered=wished.newest)


def _tag(client: Client, keyword: str, wished: Wishes) -> Target:
    async def look_up() -> str:
        what = f"tag {keyword!r}"
        unknown = PermanentError(f"{what}: Juejin has no such tag", kind="unknown_tag")
        try:
            page = await client.post("/tag_api/v1/query_tag_detail", what, {"key_word": keyword})
        except BlockedError as error:
            raise (unknown if error.kind == "null_data" else error) from error
        found = [one for one in page.records if one["kind"] == "tag"]
        if not found:
            raise unknown
        return str(found[0]["id"])

    return _looked_up(
        client,
        keyword,
        keyword if ID.fullmatch(keyword) else look_up,
        "/recommend_api/v1/article/recommend_tag_feed",
        lambda identity: {"id_type": 2, "tag_ids": [identity], "sort_type": _sort(wished)},
        ordered=wished.newest,
    )


def _category(client: Client, keyword: str, wished: Wishes) -> Target:
    return _looked_up(
        client,
        keyword,
        _category_lookup(client, keyword),
        "/recommend_api/v1/article/recommend_cate_feed",
        lambda identity: {"id_type": 2, "cate_id": identity, "sort_type": _sort(wished)},
        ordered=wished.newest,
    )


_LookUp = Callable[[], Awaitable[str]]


def _category_lookup(client: Client, keyword: str) -> str | _LookUp:
    known = CATEGORIES.get(keyword.lower())
    if known or ID.fullmatch(keyword):
        return known or keyword

    async def look_up() -> str:
        what = f"category {keyword!r}"
        page = await client.get("/tag_api/v1/query_category_briefs", what)
        wanted = keyword.lower()
        for one in page.records:
            slug = str(one.get("url", "")).rsplit("/", 1)[-1]
            if wanted in (str(one.get("title", "")).lower(), slug.lower()):
                return str(one["id"])
        raise PermanentError(f"{what}: Juejin has no such category", kind="unknown_category")

    return look_up


def _looked_up(
    client: Client,
    name: str,
    identity: str | _LookUp,
    path: str,
    payload: Callable[[str], Mapping[str, Any]],
    *,
    ordered: bool,
) -> Target:
    """A list by an id that may have to be looked up; the cursor carries the id along."""

    async def fetch(cursor: str | None) -> Batch:
        found, _, following = (cursor or "").partition(" ")
        found = found or (identity if isinstance(identity, str) else await identity())
        body = {**payload(found), "cursor": following or "0", "limit": PAGE_SIZE}
        batch = await _batch(client.post(path, name, body), following or None)
        return batch._replace(cursor=f"{found} {batch.cursor}" if batch.cursor else None)

    return Target(name, fetch, ordered)


def _hot(client: Client, keyword: str) -> Target:
    category = "1" if keyword.lower() in _EVERYTHING else _category_lookup(client, keyword)

    async def fetch(_: str | None) -> Batch:
        identity = category if isinstance(category, str) else await category()
        page = await client.get(
            "/content_api/v1/content/article_rank",
            f"hot list of {keyword!r}",
            category_id=identity,
            type="hot",
        )
        return Batch(page.records)

    return Target(keyword, fetch)


def _pins(client: Client, keyword: str, wished: Wishes) -> Target:
    path = "/recommend_api/v1/short_msg/"
    if keyword.lower() in _EVERYTHING or keyword == "recommend":
        body = {"id_type": 4, "sort_type": _sort(wished)}
        return _posted(client, keyword, path + "recommend", body, ordered=wished.newest)
    if keyword.lower() in ("hot", "热门"):
        return _posted(client, keyword, path + "hot", {"id_type": 4, "sort_type": _SORT_HOT})
    topic = unquote(keyword.rstrip("/").rsplit("/", 1)[-1])
    if not ID.fullmatch(topic):
        raise PermanentError(
            f"{keyword!r} is no topic of the pins: give its number, * or hot", kind="bad_keyword"
        )
    about: dict[str, Any] = {"id_type": 4, "sort_type": 500, "topic_id": topic}
    return _posted(client, topic, path + "topic", about)
