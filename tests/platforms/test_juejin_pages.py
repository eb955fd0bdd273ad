"""Single answers and pages of Juejin in all their forms."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.extractors.juejin import JuejinExtractor
from hotstream_reactive.model.item import normalise
from hotstream_reactive.model.page import PageOutcome, ParsedPage
from hotstream_reactive.platforms.juejin import parse_page
from tests.site import juejin as site
from tests.site.coroutines import result_of
from tests.site.mutations import mutated

API = "https://api.juejin.cn"


def parsed(data: Any, *, url: str | None = None, **more: Any) -> ParsedPage:
    return parse_page(site.reply(data, **more).body, url=url)


def test_articles() -> None:
    page = parsed([site.article(1)], cursor="20", has_more=True, count=7)
    record = page.records[0]
    assert record["id"] == "7300000000000000001"
    assert record["text"] == "摘要 1 完", "control characters are left out"
    assert record["replies"] == 0
    assert record["tags"] == ["前端", "T1"]
    assert record["category"] == "前端"
    assert (page.next_cursor, page.info["count"], page.info["has_more"]) == ("20", 7, True)


@pytest.mark.parametrize("value", ["0", 0, -62135596800, "-62135596800", None, "", "soon"])
def test_times_that_are_none(value: Any) -> None:
    made = site.article(1)
    made["article_info"] |= {"ctime": value, "rtime": value, "mtime": value}
    record = parsed([made]).records[0]
    assert "created_at" not in record
    assert "updated_at" not in record


def test_search_results() -> None:
    bare = site.article(2)
    bare["article_info"]["title"] = ""
    results = [
        {"result_type": 2, "result_model": site.article(1), "title_highlight": "<em>雾</em>"},
        {"result_type": 2, "result_model": bare, "title_highlight": "<em>雾</em>与 &lt;b&gt;"},
        {
            "result_type": 9,
            "result_model": {"tag_id": "6", "tag": {"tag_id": "6", "tag_name": "C#"}},
        },
        {
            "result_type": 1,
            "result_model": {"user_id": "5", "user_name": "人", "follower_count": 3},
        },
    ]
    page = parsed(results, cursor="20_x", has_more=True)
    assert page.page_kind == "search"
    assert [one["title"] for one in page.records] == ["雾与光 1", "雾与 <b>"]
    assert page.info["other_results"] == [
        {"id": "6", "kind": "tag", "title": "C#", "url": "https://juejin.cn/tag/C%23"},
        {
            "kind": "account",
            "id": "5",
            "title": "人",
            "url": "https://juejin.cn/user/5",
            "followers": 3,
        },
    ]


def test_only_accounts_found_is_a_good_answer() -> None:
    page = parsed([{"result_type": 1, "result_model": {"user_id": "5", "user_name": "人"}}])
    assert (page.outcome, page.records) == (PageOutcome.OK, [])


def test_advertisements_and_repetitions() -> None:
    entry = {"item_type": 2, "item_info": site.article(1)}
    page = parsed([entry, site.advertisement(), entry], cursor="x", has_more=True)
    assert page.page_kind == "home_feed"
    assert len(page.records) == 2
    assert page.info["ads_skipped"] == 1
    assert page.info["unique_count"] == 1


def test_pins() -> None:
    page = parsed([site.pin(1)], cursor="x", has_more=False)
    record = page.records[0]
    assert (page.page_kind, page.next_cursor) == ("pins", None)
    assert (record["kind"], record["topic"]) == ("pin", "上班摸鱼")
    assert record["media_urls"] == ["https://p.example/1.png"]
    assert "views" not in record


def test_the_hot_list() -> None:
    page = parsed([site.hot(0), site.hot(1)])
    record = page.records[1]
    assert page.page_kind == "hot_list"
    assert (record["rank"], record["heat"], record["replies"]) == (2, 5999, 6)
    assert (record["likes"], record["views"], record["collects"]) == (80, 900, 70)
    assert (record["author"], record["tag_ids"]) == ("雾人", [site.TAG_ID])
    assert "created_at" not in record


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/content_api/v1/article/query_list?aid=1", "user_articles"),
        ("/recommend_api/v1/article/recommend_cate_feed", "category_feed"),
        ("/recommend_api/v1/article/recommend_all_feed", "home_feed"),
        ("/content_api/v1/column/articles_cursor", "column_articles"),
    ],
)
def test_the_address_tells_which_list_it_is(path: str, kind: str) -> None:
    assert parsed([site.article(1)], url=API + path).page_kind == kind
    assert parsed([], url=API + path).page_kind == kind


def test_without_an_address_what_stands_in_it_tells() -> None:
    mine = [site.article(1), site.article(2)]
    mixed = [site.article(1), site.article(2, site.OTHER_USER)]
    assert parsed(mine, cursor="20", has_more=True).page_kind == "user_articles"
    assert parsed(mixed, cursor=site.feed_cursor(20), has_more=True).page_kind == "tag_feed"
    for one in mixed:
        one["tags"] = one["tags"][1:]
    assert parsed(mixed, cursor=site.feed_cursor(20), has_more=True).page_kind == "category_feed"


def test_activities() -> None:
    deed = {
        "target_type": "article",
        "target_data": site.article(1),
        "action": 1,
        "time": 1780000000,
    }
    follow = {
        "target_type": "user",
        "target_data": {"user_id": "5", "user_name": "人"},
        "action": 4,
    }
    page = parsed({"list": [deed, follow], "cursor": "20", "hasMore": True, "count": 2})
    assert page.page_kind == "user_dynamic"
    assert page.records[0]["verb"] == "liked_article"
    assert page.records[0]["activity_time"] == "2026-05-28T20:26:40Z"
    assert page.info["other_results"][0]["verb"] == "followed_user"
    assert page.next_cursor == "20"


def test_one_article() -> None:
    made = site.article(1)
    made["article_info"]["mark_content"] = "---\ntheme: x\n---\n\n---\nText"
    page = parsed(made)
    assert page.page_kind == "article"
    assert page.records[0]["text"] == "---\nText"
    made["article_info"] |= {"mark_content": "", "content": "<p>A &amp; b</p><p>c</p>"}
    record = parsed(made).records[0]
    assert (record["text"], record["brief"]) == ("A & b\nc", "摘要 1 完")
    assert "partial" not in record


def test_an_account() -> None:
    page = parsed(
        {"user_id": "5", "user_name": "人", "follower_count": 3}, url=API + "/user_api/v1/user/get"
    )
    assert (page.page_kind, page.outcome, page.records) == ("user", PageOutcome.OK, [])
    assert page.info["profile"] == {"id": "5", "name": "人", "followers": 3}


@pytest.mark.parametrize(
    ("answer", "outcome", "kind"),
    [
        ({"data": []}, PageOutcome.EMPTY, "no_items"),
        ({"data": None}, PageOutcome.EMPTY_SUSPECT, "null_data"),
        ({"data": None, "cursor": "40"}, PageOutcome.EMPTY, "no_items"),
        ({"data": [{"new": 1}]}, PageOutcome.EMPTY_SUSPECT, "unreadable_items"),
        (
            {"data": None, "err_no": 403, "err_msg": "must login"},
            PageOutcome.LOGIN_REQUIRED,
            "login_required",
        ),
        ({"data": None, "err_no": 2, "err_msg": "EOF"}, PageOutcome.ERROR, "platform_error"),
        ({"data": None, "err_no": 77}, PageOutcome.ERROR, "platform_error"),
    ],
)
def test_answers_without_content(answer: dict[str, Any], outcome: PageOutcome, kind: str) -> None:
    page = parsed(answer.pop("data"), **answer)
    assert (page.outcome, page.failure_kind) == (outcome, kind)


def test_raw_control_characters_do_not_break_an_answer() -> None:
    text = json.dumps({"err_no": 0, "data": [site.pin(1)]}).replace("\\u6cb8", "\x08\n")
    assert parse_page(text).records[0]["text"].startswith("\u70b9")


ARTICLE = """<html><head><title>雾 - 掘金</title></head><body>
<article itemscope itemtype="http://schema.org/Article">
<meta itemprop="url" content="https://juejin.cn/post/7300000000000000001">
<meta itemprop="headline" content="雾"><meta itemprop="keywords" content="前端,JavaScript">
<meta itemprop="datePublished" content="2022-07-07T02:37:09.000Z">
<div itemprop="author"><meta itemprop="name" content="雾人">
<meta itemprop="url" content="https://juejin.cn/user/2788017216685118"></div>
<div itemprop="publisher"><meta itemprop="name" content="掘金"></div>
<h1>雾</h1><time datetime="2022-07-07">x</time><span class="views-count">阅读 1,234</span>
<div itemprop="articleBody" class="article-content"><style>p{}</style><p>全文</p><pre>a
  b</pre></div></article><script>window.__NUXT__=(function(a){return {}})(1)</script></body>
</html>"""


def test_the_page_of_an_article() -> None:
    record = parse_page(ARTICLE).records[0]
    assert record["id"] == "7300000000000000001"
    assert (record["author"], record["author_id"]) == ("雾人", "2788017216685118")
    assert record["created_at"] == "2022-07-07T02:37:09Z"
    assert (record["tags"], record["views"]) == (["前端", "JavaScript"], 1234)
    assert record["text"] == "全文\na\n  b"
    later = ARTICLE.replace('itemprop="articleBody" class="article-content"', 'id="article-root"')
    assert parse_page(later).records[0]["text"].startswith("全文")


@pytest.mark.parametrize(
    ("text", "status", "outcome"),
    [
        ("<html><title>验证码中间页</title><body>x</body></html>", 200, PageOutcome.CHALLENGE),
        ("<html><title>掘金</title><body>x</body></html>", 200, PageOutcome.BLOCKED),
        ("<html><title>404 - 掘金</title><body>x</body></html>", 200, PageOutcome.NOT_FOUND),
        ("<html><body>x</body></html>", 429, PageOutcome.RATE_LIMITED),
        (ARTICLE, 404, PageOutcome.NOT_FOUND),
        ('{"err_no":0,"data":', 200, PageOutcome.BLOCKED),
        ("", 200, PageOutcome.BLOCKED),
        ("[1]", 200, PageOutcome.BLOCKED),
    ],
)
def test_what_is_no_answer(text: str, status: int, outcome: PageOutcome) -> None:
    page = parse_page(text, status=status)
    assert page.outcome is outcome
    assert page.page_kind == "failure"
    assert page.failure_kind


LISTS: list[Any] = [
    [site.article(1), site.article(2)],
    [site.pin(1)],
    [site.hot(1)],
    [site.theme(1)],
    [{"result_type": 2, "result_model": site.article(1)}],
    [{"item_type": 2, "item_info": site.article(1)}, site.advertisement()],
    {"list": [{"target_type": "article", "target_data": site.article(1), "action": 1}]},
    site.article(2),
]


@given(st.sampled_from(LISTS), st.randoms(use_true_random=False), st.sampled_from((0.02, 0.2)))
def test_what_is_almost_right_never_raises(data: Any, chance: random.Random, share: float) -> None:
    answer = {"err_no": 0, "data": data, "cursor": "20", "has_more": True}
    page = parse_page(json.dumps(mutated(answer, chance, share)))
    for record in page.records:
        normalise(result_of(JuejinExtractor().extract(record)))
