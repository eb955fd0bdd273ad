"""Answers and pages of Zhihu in all their forms, written for these tests."""

from __future__ import annotations

import json

import pytest

from hotstream_reactive.platforms.zhihu import parse_page
from tests.site.zhihu_content import (
    NEWEST,
    activity,
    answer,
    article,
    author,
    camel,
    hot_entry,
    items,
    listing,
    page_of,
)

API = "https://www.zhihu.com/api/v4"
ISO = "2026-05-28T20:26:40Z"
PIN = {
    "id": "1900000000000000001",
    "type": "pin",
    "author": author("someone"),
    "content": [
        {"type": "text", "content": '第一行<br>第二行 <a href="/people/x">@x</a>'},
        {"type": "image", "url": "https://pic.example/a.jpg"},
        {"type": "image", "url": "https://pic.example/b.jpg"},
        {"type": "link", "url": "https://example.org/", "title": "A link"},
    ],
    "created": NEWEST,
    "updated": NEWEST,
    "reaction_count": 4,
    "comment_count": 2,
    "repin_count": 1,
    "favorite_count": 3,
}
VIDEO = {
    "id": "77",
    "type": "zvideo",
    "title": "A video",
    "author": author("someone"),
    "published_at": NEWEST,
    "play_count": 1000,
    "voteup_count": 5,
}


class TestSearch:
    RESULTS = (
        {
            "type": "search_result",
            "highlight": {"title": "<em>猫</em>?", "description": "about <em>猫</em>"},
            "object": {
                **answer(1),
                "title": "<em>猫</em> &amp; 狗?",
                "content": "",
                "excerpt": "some <em>猫</em> here",
                "question": {"id": "5", "name": "猫 & 狗?"},
            },
        },
        {"type": "search_result", "object": {**article(2), "title": "vector<int> of <em>x</em>"}},
        {"type": "zvideo", "object": VIDEO},
        {"type": "search_result", "object": {**author("expert"), "follower_count": 9}},
        {"type": "search_result", "object": {"type": "topic", "id": "1", "name": "猫"}},
        {"type": "relevant_query", "query_list": [{"query": "x"}]},
        {"type": "hot_timing", "object": {"type": "hot_timing"}},
    )

    def test_results_are_sorted_out(self) -> None:
        following = "http://api.zhihu.com/search_v3?offset=20&q=x&search_hash_id=h"
        page = parse_page(listing(*self.RESULTS, is_end=False, next=following))
        assert (page.outcome, page.page_kind) == ("ok", "search")
        assert [record["kind"] for record in page.records] == ["answer", "article", "zvideo"]
        assert page.next_cursor == following
        assert page.info["other_results"] == [
            {"kind": "people", "handle": "expert", "title": "Name of expert", "followers": 9},
            {"kind": "topic", "handle": "1", "title": "猫"},
        ]
        assert page.info["skipped"] == {"relevant_query": 1, "hot_timing": 1}

    def test_marks_are_taken_out_and_nothing_else(self) -> None:
        first, second, video = items(listing(*self.RESULTS), url=f"{API}/search_v3?q=x")
        assert (first.title, first.content) == ("猫 & 狗?", "some 猫 here")
        assert first.url == f"https://www.zhihu.com/question/5/answer/{answer(1)['id']}"
        assert second.title == "vector<int> of x"
        assert video.id == "zhihu_zvideo_77"
        assert video.url == "https://www.zhihu.com/zvideo/77"
        assert video.created_at == ISO
        assert (video.metadata["views"], video.metadata["likes"]) == (1000, 5)

    def test_nothing_found_is_empty(self) -> None:
        page = parse_page(listing(), url=f"{API}/search_v3?q=x&offset=0")
        assert (page.outcome, page.failure_kind) == ("empty", None)


class TestContent:
    def test_ids_beyond_doubles_stay_exact(self) -> None:
        number = 1936787046304842491
        (item,) = items(json.dumps({**answer(0), "id": number}))
        assert item.id == f"zhihu_answer_{number}"

    def test_pin(self) -> None:
        (item,) = items(listing(PIN), url=f"{API}/v2/pins/someone/moments")
        assert item.title is None
        assert item.content == "第一行\n第二行 @x"
        assert item.url == "https://www.zhihu.com/pin/1900000000000000001"
        assert item.metadata["media"] == {"photos": 2}
        assert item.metadata["card_title"] == "A link"
        counters = {"likes": 4, "replies": 2, "reposts": 1, "collects": 3}
        assert counters.items() <= item.metadata.items()

    def test_pin_passed_on(self) -> None:
        record = {**PIN, "id": "2", "content": [], "content_html": "看", "origin_pin": PIN}
        (item,) = items(json.dumps(record))
        assert item.content == "看"
        assert item.metadata["is_repost"] is True
        assert item.metadata["quote"]["id"] == PIN["id"]

    def test_nobody_has_written_it(self) -> None:
        nobody = {"id": "0", "name": "匿名用户", "url_token": "", "type": "people"}
        (item,) = items(json.dumps({**answer(0), "author": nobody}))
        assert item.author == "匿名用户"
        assert item.metadata["anonymous"] is True
        assert not {"handle", "author_id", "author_url"} & item.metadata.keys()

    def test_an_author_without_an_id_is_somebody_all_the_same(self) -> None:
        (item,) = items(json.dumps({**answer(0), "author": {"name": "Ada", "url_token": "ada"}}))
        assert item.metadata["handle"] == "ada"
        assert "anonymous" not in item.metadata

    def test_organization(self) -> None:
        writer = {**author("firm"), "user_type": "organization"}
        (item,) = items(json.dumps({**article(1), "author": writer}))
        assert item.metadata["author_url"] == "https://www.zhihu.com/org/firm"
        assert item.url == "https://zhuanlan.zhihu.com/p/501"

    def test_comments(self) -> None:
        root = {
            "id": 1,
            "type": "comment",
            "content": "<p>好</p>",
            "author": author("someone"),
            "created_time": NEWEST,
            "like_count": 2,
            "child_comment_count": 1,
        }
        reply = {
            **root,
            "id": 2,
            "reply_to_author": author("other"),
            "reply_root_comment_id": "1",
            "author": {"role": "normal", "member": author("old-form")},
        }
        deleted = {**root, "id": 3, "is_delete": True}
        text = listing(root, reply, deleted)
        page = parse_page(text, url=f"{API}/comment_v5/answers/5/root_comment?offset=")
        assert page.page_kind == "comments"
        first, second = items(text)
        assert (first.id, first.content) == ("zhihu_comment_1", "好")
        assert (first.metadata["likes"], first.metadata["replies"]) == (2, 1)
        assert second.metadata["reply_to"] == ["other"]
        assert (second.metadata["root_id"], second.metadata["handle"]) == ("1", "old-form")

    def test_activities(self) -> None:
        followed = {**activity(1), "verb": "MEMBER_FOLLOW_COLUMN"}
        followed["target"] = {"type": "column", "id": "c_1", "title": "A column"}
        text = listing(activity(0), followed)
        page = parse_page(text)
        assert page.page_kind == "member_activities"
        assert page.info["other_results"][0]["verb"] == "MEMBER_FOLLOW_COLUMN"
        (item,) = items(text)
        assert item.metadata["verb"] == "MEMBER_VOTEUP_ANSWER"
        assert item.metadata["activity_time"] == ISO
        assert item.metadata["actor"] == "someone"
        assert item.metadata["handle"] == "somebody-else"

    def test_feed_cards_and_columns(self) -> None:
        card = {"type": "question_feed_card", "target_type": "answer", "target": answer(0)}
        advert = {"type": "question_feed_card", "target_type": "advert", "target": {"x": 1}}
        page = parse_page(listing(card, advert))
        assert (page.page_kind, len(page.records)) == ("question_answers", 1)
        kept = {"created": "2026-05-01", "content": article(4)}
        page = parse_page(listing(kept), url=f"{API}/collections/5/items")
        assert (page.page_kind, page.records[0]["id"]) == ("collection_items", "504")
        page = parse_page(listing(article(0), answer(0)), url=f"{API}/columns/c_1/items")
        assert page.page_kind == "column_items"
        assert [record["kind"] for record in page.records] == ["article", "answer"]

    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("members/a/answers", "member_answers"),
            ("org/a/articles", "member_articles"),
            ("v2/pins/a/moments", "member_pins"),
            ("questions/5/answers", "question_answers"),
            ("comment_v5/comment/5/child_comment", "comments"),
            ("answers/5/comments", "comments"),
        ],
    )
    def test_kinds_by_address_or_by_the_next_one(self, path: str, kind: str) -> None:
        assert parse_page(listing(answer(0)), url=f"{API}/{path}").page_kind == kind
        following = f"https://api.zhihu.com/{path}?offset=20"
        assert parse_page(listing(answer(0), next=following)).page_kind == kind


class TestHot:
    def test_app_form(self) -> None:
        other = {**hot_entry(3), "card_id": "X"}
        other["target"] = {**other["target"], "link": {"url": "https://ad.example/"}}
        page = parse_page(listing(hot_entry(1), hot_entry(2), other))
        assert page.page_kind == "hot_list"
        assert page.info["snapshot_at"] == "2026-07-25T17:20:00Z"
        first, second = items(listing(hot_entry(1), hot_entry(2), other))
        assert first.id == "zhihu_question_1"
        assert second.metadata["heat"] == 20_000
        assert (second.metadata["rank"], second.metadata["answers"]) == (2, 2)
        assert second.created_at is None

    def test_web_form(self) -> None:
        entry = {
            "type": "hot_list_feed",
            "id": "0_1",
            "detail_text": "1.15 亿热度",
            "target": {
                "id": 5,
                "type": "question",
                "title": "Why?",
                "created": NEWEST,
                "answer_count": 3,
                "follower_count": 4,
                "excerpt": "",
                "author": {"id": "0", "name": "用户", "url_token": ""},
            },
        }
        (item,) = items(listing(entry))
        assert item.author is None
        assert item.created_at == ISO
        wanted = {"answers": 3, "followers": 4, "heat": 115_000_000, "rank": 1}
        assert wanted.items() <= item.metadata.items()

    def test_embedded(self) -> None:
        state = {"topstory": {"hotList": camel([hot_entry(1), hot_entry(2)])}}
        page = parse_page(page_of(state), url="https://www.zhihu.com/billboard")
        assert (page.outcome, page.page_kind, len(page.records)) == ("ok", "hot_list", 2)

    def test_nothing_trending_is_not_believed(self) -> None:
        context = {"env": {"ctx": {"path": "/topsearch"}}}
        page = parse_page(page_of({**context, "topsearch": {"data": []}}), status=200)
        assert (page.outcome, page.page_kind) == ("empty_suspect", "top_search")
        assert parse_page(listing(), url=f"{API}/topstory/hot-lists/total").outcome == (
            "empty_suspect"
        )
