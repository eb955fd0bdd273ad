"""Answers of Zhihu that are no content, and empty lists."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hotstream_reactive.platforms.zhihu import parse_page
from tests.site.zhihu_content import (
    CHALLENGE,
    HUMAN_CHECK,
    SIGN_IN,
    answer,
    article,
    camel,
    listing,
    page_of,
)

API = "https://www.zhihu.com/api/v4"


class TestFailures:
    @pytest.mark.parametrize(
        ("error", "status", "outcome", "kind"),
        [
            ({"code": 10003, "message": "请求参数异常"}, 403, "blocked", "zhihu_10003"),
            ({"code": 10001, "message": "x"}, 403, "blocked", "zhihu_10001"),
            ({"code": 100, "message": "请求头或参数封装错误"}, 400, "blocked", "zhihu_100"),
            ({"code": 100, "message": "ERR_TICKET_NOT_EXIST"}, 401, "login_required", "zhihu_100"),
            ({"code": 101, "name": "ZERR_NOT_LOGIN"}, 401, "login_required", "zhihu_101"),
            ({"code": 40352, "message": "x", "need_login": True}, 403, "blocked", "zhihu_40352"),
            ({"code": 40353, "need_login": True}, 403, "login_required", "zhihu_40353"),
            ({"code": 40362, "message": "暂时限制"}, 403, "blocked", "zhihu_40362"),
            ({"code": 40399, "need_login": True}, 403, "login_required", "zhihu_40399"),
            ({"code": 4041, "name": "NotFoundException"}, 404, "not_found", "zhihu_4041"),
            ({"code": 404, "message": "资源不存在"}, None, "not_found", "zhihu_404"),
            ({"message": "gone"}, 410, "not_found", "http_410"),
            ({"message": "slow down"}, 429, "rate_limited", "http_429"),
            ({"code": 5, "message": "odd"}, 500, "error", "zhihu_5"),
        ],
    )
    def test_told_by_the_api(
        self, error: dict[str, Any], status: int | None, outcome: str, kind: str
    ) -> None:
        page = parse_page(json.dumps({"error": error}), status=status)
        assert (page.outcome, page.failure_kind) == (outcome, kind)
        assert page.page_kind == "failure"
        assert page.message == error.get("message", page.message)
        bare = parse_page(json.dumps({**error, "data": None}), status=status)
        assert (bare.outcome, bare.failure_kind) == (outcome, kind)

    @pytest.mark.parametrize(
        ("text", "known", "outcome", "kind"),
        [
            (CHALLENGE, {"status": 403}, "challenge", "zhihu_zse_ck"),
            (CHALLENGE, {"content_type": "application/json"}, "challenge", "zhihu_zse_ck"),
            (SIGN_IN, {}, "login_required", "zhihu_signin"),
            (HUMAN_CHECK, {}, "challenge", "zhihu_unhuman"),
            ("<p>x</p>", {"url": "https://www.zhihu.com/signin?next=/"}, "login_required", None),
            (
                "<p>x</p>",
                {"url": "https://www.zhihu.com/account/unhuman?type=S"},
                "challenge",
                None,
            ),
            (
                "<p>x</p>",
                {"url": "https://www.zhihu.com/account/unhuman?type=S&need_login=true"},
                "login_required",
                None,
            ),
            ("<title>404 - 知乎</title><p>x</p>", {}, "not_found", "not_found"),
            ("<p>gone</p>", {"status": 410}, "not_found", "http_410"),
            ("<p>no</p>", {"status": 403}, "blocked", "http_403"),
            ("", {"status": 200}, "blocked", "empty_body"),
        ],
    )
    def test_pages(self, text: str, known: dict[str, Any], outcome: str, kind: str | None) -> None:
        page = parse_page(text, **known)
        assert (page.outcome, page.page_kind) == (outcome, "failure")
        assert kind is None or page.failure_kind == kind

    def test_sign_in_page_with_a_wrong_character_set(self) -> None:
        title = "知乎 - 有问题，就会有答案".encode().decode("latin-1")
        assert parse_page(f"<title>{title}</title><p>x</p>").outcome == "login_required"

    def test_people_write_about_walls_too(self) -> None:
        about = {**article(1), "content": "<p>zh-zse-ck 和 SignFlow</p>", "title": "404 - 知乎"}
        state = {"entities": {"articles": {"501": camel(about)}}}
        page = parse_page(page_of(state), url="https://zhuanlan.zhihu.com/p/501", status=200)
        assert page.outcome == "ok"

    def test_comments_that_are_closed_are_empty(self) -> None:
        text = json.dumps({"error": {"code": 404, "message": "x"}})
        page = parse_page(text, status=404, url=f"{API}/comment_v5/answers/5/root_comment")
        assert (page.outcome, page.page_kind) == ("empty", "comments")


class TestEmpty:
    FIRST = f"{API}/members/a/answers?offset=0&limit=20"

    @pytest.mark.parametrize(
        ("paging", "url", "outcome"),
        [
            ({"is_end": True, "totals": 0}, FIRST, "empty"),
            ({"is_end": True, "totals": 8}, FIRST, "empty_suspect"),
            ({"is_end": True}, FIRST, "empty_suspect"),
            ({"is_end": True, "is_start": True, "totals": 3}, None, "empty_suspect"),
            ({"is_end": True, "next": f"{API}/members/a/answers?offset=40"}, None, "empty"),
            ({"is_end": False}, f"{API}/members/a/answers?offset=40", "empty_suspect"),
            ({"is_end": True, "totals": 40}, f"{API}/members/a/answers?offset=40", "empty"),
        ],
    )
    def test_what_is_believed(self, paging: dict[str, Any], url: str | None, outcome: str) -> None:
        page = parse_page(json.dumps({"data": [], "paging": paging}), url=url)
        assert page.outcome == outcome
        assert (page.failure_kind is None) == (outcome == "empty")

    def test_the_end_has_no_next_although_one_is_filled_in(self) -> None:
        page = parse_page(listing(answer(0), next=f"{API}/questions/1/feeds?offset=5"))
        assert page.next_cursor is None

    def test_entries_that_have_lost_their_ids(self) -> None:
        page = parse_page(listing({**answer(0), "id": None}), url=self.FIRST)
        assert (page.outcome, page.failure_kind) == ("empty_suspect", "unreadable_items")
