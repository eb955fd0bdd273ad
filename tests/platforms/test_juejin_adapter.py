"""What a run brings home from Juejin: every kind of list, exact limits, refusals."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hotstream_reactive.errors import (
    BlockedError,
    LoginRequired,
    PermanentError,
    RateLimited,
    TransientError,
)
from hotstream_reactive.extractors.juejin import JuejinExtractor
from hotstream_reactive.platforms.juejin import JuejinAdapter
from hotstream_reactive.platforms.site import SharedPace
from hotstream_reactive.testing import REFUSALS, Reply
from tests.site.juejin import FRONT_END, OTHER_USER, TAG_ID, USER, JuejinSite, reply
from tests.site.runs import AdapterRun, ids

pytestmark = pytest.mark.anyio

Start = Callable[..., AdapterRun]


@pytest.fixture
async def site() -> AsyncIterator[JuejinSite]:
    async with JuejinSite() as running:
        yield running


@pytest.fixture
def start(site: JuejinSite) -> Start:
    def begin(*, shared: SharedPace | None = None, **options: Any) -> AdapterRun:
        adapter = JuejinAdapter()
        adapter.shared = shared or SharedPace()
        return AdapterRun(adapter, platform={"api_url": site.url}, **options)

    return begin


def asked(site: JuejinSite) -> list[dict[str, Any]]:
    return [json.loads(one.body) if one.body else one.query for one in site.received]


@pytest.mark.parametrize("limit", [1, 19, 20, 21, 45, 100])
async def test_limit_is_exact_and_cursors_go_back_as_they_came(
    site: JuejinSite, start: Start, limit: int
) -> None:
    run = start()
    got = await run.monitor(USER, limit=limit)
    assert ids(got) == [one["article_id"] for one in site.articles][:limit]
    assert [one["cursor"] for one in asked(site)] == ["0", "20", "40"][: -(-min(limit, 45) // 20)]
    assert run.report == {USER: "ok"}
    assert run.paced == len(site.received)
    assert site.received[0].method == "POST"


async def test_search_cursors_and_sort(site: JuejinSite, start: Start) -> None:
    got = await start(limit=30, sort="newest").search("雾")
    assert len(got) == 30
    first, second = asked(site)
    assert (first["query"], first["key_word"], first["sort_type"]) == ("雾", "雾", "2")
    assert (first["cursor"], second["cursor"]) == ("0", "20_2026063012000001")
    site.behave()
    await start(limit=3).search("雾")
    assert asked(site)[0]["sort_type"] == "0"


@pytest.mark.parametrize("keyword", ["前端", TAG_ID])
async def test_tags_by_name_and_id(site: JuejinSite, start: Start, keyword: str) -> None:
    got = await start(kind="tag", limit=30, sort="newest").search(keyword)
    assert len(got) == 30
    looked_up = [path for path in site.paths if path.endswith("query_tag_detail")]
    assert len(looked_up) == (keyword == "前端"), "the cursor carries the id along"
    assert asked(site)[-1]["tag_ids"] == [TAG_ID]
    assert asked(site)[-1]["sort_type"] == 300


async def test_an_unknown_tag(start: Start) -> None:
    with pytest.raises(PermanentError) as caught:
        await start(kind="tag").search("没有")
    assert caught.value.kind == "unknown_tag"


@pytest.mark.parametrize("keyword", ["frontend", "前端", FRONT_END])
async def test_categories(site: JuejinSite, start: Start, keyword: str) -> None:
    got = await start(kind="category", limit=3).search(keyword)
    assert len(got) == 3
    assert asked(site)[-1]["cate_id"] == FRONT_END


async def test_an_unknown_category_is_looked_up(site: JuejinSite, start: Start) -> None:
    with pytest.raises(PermanentError) as caught:
        await start(kind="category").search("gardening")
    assert caught.value.kind == "unknown_category"
    assert site.paths == ["/tag_api/v1/query_category_briefs"]


async def test_home_without_advertisements_and_repetitions(start: Start) -> None:
    got = await start(kind="home", limit=100).search("*")
    assert len(got) == len(set(ids(got))) == 45
    assert {one["kind"] for one in got} == {"article"}


async def test_hot_pins_and_themes(site: JuejinSite, start: Start) -> None:
    got = await start(kind="hot", limit=100).search()
    assert [one["rank"] for one in got] == list(range(1, 41))
    assert asked(site)[-1]["category_id"] == "1"
    got = await start(kind="pins", limit=25).search("*")
    assert len(got) == 25
    assert got[0]["url"] == f"https://juejin.cn/pin/{got[0]['id']}"
    await start(kind="pins", limit=2).search("6819970850532360206")
    assert asked(site)[-1]["topic_id"] == "6819970850532360206"
    got = await start(kind="themes", limit=22).search("*")
    assert len(got) == 22
    assert "created_at" not in got[0]
    with pytest.raises(PermanentError):
        await start(kind="pins").search("no topic")


async def test_activities(start: Start) -> None:
    run = start(kind="activities")
    got = await run.monitor(USER)
    assert [one["verb"] for one in got] == ["liked_article", "published_pin"]
    assert got[0]["activity_time"]


async def test_details_bring_the_whole_text(site: JuejinSite, start: Start) -> None:
    got = await start(details=True).monitor(USER, limit=2)
    assert [one["text"] for one in got] == ["# 雾\n\n全文 **在此**。"] * 2
    assert "partial" not in got[0]
    assert site.paths.count("/content_api/v1/article/detail") == 2, "only for what is delivered"


async def test_refused_details_leave_the_summary(site: JuejinSite, start: Start) -> None:
    site.misbehave("/detail", REFUSALS["forbidden"])
    run = start(details=True)
    got = await run.monitor(USER, limit=10)
    assert len(got) == 10
    assert got[0]["partial"] is True
    assert site.paths.count("/content_api/v1/article/detail") == 3, "then it gives up"
    assert any("only the summary" in line for line in run.logged)


@pytest.mark.parametrize(
    "given", [USER, f"https://juejin.cn/user/{USER}/posts", f"juejin.cn/user/{USER}"]
)
async def test_ways_to_name_an_account(start: Start, given: str) -> None:
    assert len(await start().monitor(given, limit=2)) == 2


async def test_a_name_is_no_account(start: Start) -> None:
    run = start()
    assert len(await run.monitor("雾人", USER, limit=2)) == 2
    assert run.report == {"雾人": "bad_account", USER: "ok"}


async def test_an_account_without_articles_is_an_honest_answer(start: Start) -> None:
    run = start()
    assert await run.monitor(OTHER_USER) == []
    assert run.report == {OTHER_USER: "empty"}


async def test_null_is_suspicious_first_and_the_end_later(site: JuejinSite, start: Start) -> None:
    null = reply(None, cursor="0", has_more=False)
    site.misbehave("query_list", null)
    with pytest.raises(BlockedError) as caught:
        await start().monitor(USER)
    assert caught.value.kind == "null_data"
    site.behave()
    broken = start()
    await broken.monitor(USER, limit=30)
    site.misbehave("query_list", null)
    run = start(checkpoint=broken.saved[0])
    assert await run.monitor(USER, limit=30) == []
    assert run.report == {USER: "ok"}


@pytest.mark.parametrize(
    ("answer", "error", "kind"),
    [
        (reply(None, err_no=403, err_msg="must login"), LoginRequired, "login_required"),
        (reply(None, err_no=1, err_msg="后端内部错误"), TransientError, "platform_error"),
        (reply(None, err_no=2, err_msg="EOF"), TransientError, "platform_error"),
        (reply(None, err_no=9, err_msg="操作过于频繁"), RateLimited, "rate_limited"),
        (REFUSALS["limited"], RateLimited, "http_429"),
        (REFUSALS["challenge"], BlockedError, "cloudflare"),
        (REFUSALS["cut"], BlockedError, "cut"),
        (REFUSALS["broken"], TransientError, "http_502"),
        (REFUSALS["empty"], BlockedError, "empty_body"),
        (REFUSALS["gone"], PermanentError, "http_410"),
    ],
)
async def test_every_failure_is_told_apart(
    site: JuejinSite, start: Start, answer: Any, error: type[Exception], kind: str
) -> None:
    site.misbehave("query_list", answer)
    run = start()
    with pytest.raises(error) as caught:
        await run.monitor(USER)
    assert type(caught.value) is error
    assert run.report == {USER: kind}


async def test_html_in_place_of_json_is_a_refusal(site: JuejinSite, start: Start) -> None:
    site.misbehave("/", Reply(body="<html><body>掘金</body></html>"))
    run = start()
    with pytest.raises(BlockedError):
        await run.monitor(USER)
    assert run.report == {USER: "html_instead_of_json"}


async def test_a_retry_goes_on_where_the_run_broke_off(site: JuejinSite, start: Start) -> None:
    whole = await start(limit=45).search("雾")
    site.misbehave("cursor=40", REFUSALS["broken"])
    broken = start(limit=45)
    with pytest.raises(TransientError):
        await broken.search("雾")
    site.behave()
    rest = start(limit=45, checkpoint=broken.saved[-1])
    await rest.search("雾")
    assert ids(broken.got + rest.got) == ids(whole)
    assert len(site.received) == 1


@pytest.mark.parametrize(
    "options", [{"kind": "people"}, {"sort": "colour"}, {"details": "yes"}, {"since": "1.1.2026"}]
)
async def test_bad_options_are_named(start: Start, options: dict[str, Any]) -> None:
    with pytest.raises(PermanentError, match=next(iter(options))) as caught:
        await start(**options).search("雾")
    assert caught.value.kind == "bad_option"


async def test_what_is_read_reaches_the_item(site: JuejinSite, start: Start) -> None:
    records = await start().monitor(USER, limit=5)
    for record, made in zip(records, site.articles, strict=False):
        item = await JuejinExtractor().extract(record)
        assert item.id == f"juejin_{made['article_id']}"
        assert item.url == f"https://juejin.cn/post/{made['article_id']}"
        assert item.metadata["likes"] == 20
        assert item.metadata["replies"] == 0
        assert item.metadata["author_url"] == f"https://juejin.cn/user/{USER}"
        assert "\x0b" not in item.content
