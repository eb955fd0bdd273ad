"""Pages of Zhihu that embed their state, and the Zhihu Daily."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hotstream_reactive.platforms.zhihu import parse_page
from tests.site.zhihu_content import (
    NEWEST,
    answer,
    article,
    author,
    camel,
    items,
    page_of,
)

ISO = "2026-05-28T20:26:40Z"


class TestState:
    def state(self, **more: Any) -> dict[str, Any]:
        entities = {
            "answers": {one["id"]: camel(one) for one in (answer(0), answer(1))},
            "articles": {"501": camel(article(1)), "502": camel(article(2))},
            "questions": {"77": {"id": 77, "title": "Q?", "answerCount": 2}},
            "users": {"someone": camel({**author("someone"), "answer_count": 2})},
        }
        return {"entities": entities, **more}

    @pytest.mark.parametrize(
        ("path", "kind", "ids"),
        [
            ("www.zhihu.com/question/77", "question_answers", ["0", "1"]),
            ("www.zhihu.com/question/77/answer/{1}", "answer", ["1"]),
            ("zhuanlan.zhihu.com/p/502", "article", ["502"]),
        ],
    )
    def test_pages(self, path: str, kind: str, ids: list[str]) -> None:
        known = [answer(0)["id"], answer(1)["id"]]
        url = "https://" + path.replace("{1}", known[1])
        page = parse_page(page_of(self.state()), url=url)
        assert (page.outcome, page.page_kind) == ("ok", kind)
        wanted = [known[int(one)] if len(one) == 1 else one for one in ids]
        assert [record["id"] for record in page.records] == wanted
        own = {"env": {"ctx": {"path": "/" + url.split("/", 3)[3]}}}
        assert parse_page(page_of(self.state(**own))).records == page.records

    def test_lists_of_an_account(self) -> None:
        listed = {"someone": {"ids": [answer(1)["id"]], "isEnd": True, "totals": 1}}
        state = self.state(people={"answersByUser": listed})
        page = parse_page(page_of(state), url="https://www.zhihu.com/people/someone/answers")
        assert page.page_kind == "member_answers"
        assert [record["id"] for record in page.records] == [answer(1)["id"]]
        assert (page.info["is_end"], page.info["totals"]) == (True, 1)
        assert page.info["profile"]["answers"] == 2
        nothing = self.state(people={"answersByUser": {"someone": {"ids": [], "totals": 0}}})
        page = parse_page(page_of(nothing), url="https://www.zhihu.com/people/someone/answers")
        assert page.outcome == "empty"

    def test_lists_by_their_other_names(self) -> None:
        listed = {"77": {"newIds": [answer(1)["id"]], "isDrained": True}}
        state = self.state(question={"updatedAnswers": listed})
        url = "https://www.zhihu.com/question/77/answers/updated"
        page = parse_page(page_of(state), url=url)
        assert [record["id"] for record in page.records] == [answer(1)["id"]]
        assert page.info["is_end"] is True

    def test_activities_refer_to_their_target(self) -> None:
        deed = {
            "id": "9",
            "verb": "MEMBER_VOTEUP_ANSWER",
            "createdTime": NEWEST,
            "target": {"id": answer(1)["id"], "schema": "answer"},
        }
        state = self.state(people={"activitiesByUser": {"someone": {"ids": ["9"], "isEnd": False}}})
        state["entities"]["activities"] = {"9": deed}
        page = parse_page(page_of(state), url="https://www.zhihu.com/people/someone")
        assert page.page_kind == "member_activities"
        assert page.records[0]["id"] == answer(1)["id"]
        assert page.records[0]["verb"] == "MEMBER_VOTEUP_ANSWER"

    def test_a_page_that_its_scripts_fill(self) -> None:
        page = parse_page(page_of({"entities": {}}), url="https://www.zhihu.com/search?q=x")
        assert (page.outcome, page.failure_kind) == ("empty_suspect", "no_content")


class TestDaily:
    STORY = {
        "id": 9770000,
        "title": "A story",
        "hint": "作者 · 5 分钟阅读",
        "images": ["https://x/i.jpg"],
    }

    def test_edition_and_story(self) -> None:
        text = json.dumps({"date": "20260801", "stories": [self.STORY], "top_stories": []})
        assert parse_page(text).page_kind == "daily"
        (item,) = items(text)
        assert item.id == "zhihu_story_9770000"
        assert item.url == "https://daily.zhihu.com/story/9770000"
        full = {**self.STORY, "body": "<p>Text</p>", "share_url": "x", "ga_prefix": "1"}
        (item,) = items(json.dumps({**full, "publish_time": NEWEST}))
        assert (item.content, item.created_at) == ("Text", ISO)

    def test_front_page(self) -> None:
        box = '<div class="box"><a href="/story/1"><span class="title">One</span></a></div>'
        page = parse_page(f"<html><body>{box}</body></html>", url="https://daily.zhihu.com/")
        assert [record["title"] for record in page.records] == ["One"]
