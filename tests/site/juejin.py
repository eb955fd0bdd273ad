"""A site that answers like Juejin's API."""

from __future__ import annotations

import base64
import json
from typing import Any

from hotstream_reactive.testing import RecordedSite, Reply, Request

NEWEST = 1_780_000_000
USER = "2788017216685118"
OTHER_USER = "1978776660216136"
FRONT_END = "6809637767543259144"
TAG_ID = "6809640407484334093"


def article(number: int, user_id: str = USER) -> dict[str, Any]:
    """An article as it stands in lists."""
    identity = str(7_300_000_000_000_000_000 + number)
    return {
        "article_id": identity,
        "article_info": {
            "article_id": identity,
            "user_id": user_id,
            "tag_ids": [6809640407484334000],
            "title": f"雾与光 {number}",
            "brief_content": f"摘要 {number}\x0b 完",
            "ctime": str(NEWEST - number * 3600),
            "mtime": str(NEWEST - number * 3600 + 60),
            "rtime": "0",
            "view_count": 1000 + number,
            "collect_count": 30,
            "digg_count": 20,
            "comment_count": 0,
            "content": "",
            "mark_content": "",
        },
        "author_user_info": {"user_id": user_id, "user_name": "雾人"},
        "category": {"category_id": FRONT_END, "category_name": "前端"},
        "tags": [{"tag_id": TAG_ID, "tag_name": "前端"}, {"tag_id": "2", "tag_name": f"T{number}"}],
    }


def pin(number: int) -> dict[str, Any]:
    """A pin."""
    identity = str(7_400_000_000_000_000_000 + number)
    return {
        "msg_id": identity,
        "msg_Info": {
            "msg_id": identity,
            "user_id": USER,
            "content": f"沸点 {number}",
            "ctime": str(NEWEST - number),
            "digg_count": 5,
            "comment_count": 2,
            "pic_list": ["https://p.example/1.png"],
        },
        "author_user_info": {"user_id": USER, "user_name": "雾人"},
        "topic": {"topic_id": "6819970850532360206", "title": "上班摸鱼 "},
    }


def advertisement() -> dict[str, Any]:
    return {"item_type": 14, "item_info": {"advert_id": "1", "title": "买"}}


def hot(number: int) -> dict[str, Any]:
    """An entry of the hot list."""
    return {
        "content": {
            "content_id": article(number)["article_id"],
            "title": f"热 {number}",
            "brief": "",
            "ctime": 0,
            "category_id": FRONT_END,
            "tag_ids": [TAG_ID],
        },
        "content_counter": {
            "view": 900,
            "like": 80,
            "collect": 70,
            "hot_rank": 6000 - number,
            "comment_count": 6,
        },
        "author": {"user_id": USER, "name": "雾人"},
    }


def theme(number: int) -> dict[str, Any]:
    return {
        "theme": {
            "theme_id": str(7_500_000_000_000_000_000 + number),
            "name": f"话题 {number}",
            "brief": "说说",
            "ctime": -62135596800,
            "view_cnt": 12,
        }
    }


class JuejinSite(RecordedSite):
    """The API; lists page by page, cursors as the real ones look.

    Attributes:
        articles: of `USER`, newest first.
    """

    def __init__(self, articles: int = 45) -> None:
        super().__init__()
        self.articles = [article(number) for number in range(articles)]
        self.detail = {"mark_content": "---\ntheme: juejin\n---\n# 雾\n\n全文 **在此**。"}

    async def page(self, request: Request) -> Reply:
        asked: dict[str, Any] = {**request.query}
        if request.method == "POST":
            if not request.body:
                return reply(None, err_no=2, err_msg="EOF")
            asked |= json.loads(request.body)
        name = request.path.rsplit("/", 2)
        match "/".join(name[1:]):
            case "v1/search":
                found = [{"result_type": 2, "result_model": one} for one in self.articles]
                return self._page(found, asked, lambda at: f"{at}_2026063012000001")
            case "article/query_list":
                mine = self.articles if asked["user_id"] == USER else []
                return self._page(mine, asked, str)
            case "user/dynamic":
                return self._activities(asked)
            case "article/recommend_tag_feed" if asked["tag_ids"] == [TAG_ID]:
                return self._page(self.articles, asked, feed_cursor)
            case "article/recommend_cate_feed" if asked["cate_id"] == FRONT_END:
                return self._page(self.articles, asked, feed_cursor)
            case "article/recommend_all_feed":
                wrapped = [{"item_type": 2, "item_info": one} for one in self.articles]
                wrapped[3:3] = [advertisement(), wrapped[0]]
                return self._page(wrapped, asked, feed_cursor)
            case "content/article_rank":
                return reply([hot(number) for number in range(40)])
            case "short_msg/recommend" | "short_msg/topic":
                return self._page([pin(number) for number in range(30)], asked, feed_cursor)
            case "theme/list_by_hot":
                return self._page([theme(number) for number in range(25)], asked, str)
            case "v1/query_tag_detail" if asked["key_word"] == "前端":
                return reply({"tag_id": TAG_ID, "tag": {"tag_id": TAG_ID, "tag_name": "前端"}})
            case "v1/query_tag_detail":
                return reply(None)
            case "v1/query_category_briefs":
                names = {"category_name": "前端", "category_url": "frontend"}
                return reply([{"category_id": FRONT_END, "category": names}])
            case "article/detail":
                return self._detail(asked["article_id"])
        return reply([])

    def _page(self, found: list[Any], asked: dict[str, Any], cursor: Any) -> Reply:
        start = _offset(str(asked["cursor"]))
        end = start + int(asked["limit"])
        body = {"cursor": cursor(end), "count": len(found), "has_more": end < len(found)}
        return reply(found[start:end], **body)

    def _activities(self, asked: dict[str, Any]) -> Reply:
        deeds = [
            {
                "target_type": "article",
                "target_data": self.articles[0],
                "action": 1,
                "time": NEWEST,
            },
            {"target_type": "short_msg", "target_data": pin(1), "action": 2, "time": NEWEST - 5},
            {
                "target_type": "tag",
                "target_data": {"tag_id": TAG_ID, "tag_name": "前端"},
                "action": 5,
            },
        ]
        shown = deeds if asked["cursor"] == "0" else []
        return reply({"list": shown, "cursor": "3", "hasMore": False, "count": 3})

    def _detail(self, identity: str) -> Reply:
        found = next((one for one in self.articles if one["article_id"] == identity), None)
        if found is None:
            return reply(None, err_no=404, err_msg="文章不存在")
        info = {**found["article_info"], **self.detail}
        return reply({**found, "article_info": info})


def reply(data: Any, *, err_no: int = 0, err_msg: str = "success", **more: Any) -> Reply:
    """An answer in Juejin's envelope."""
    body = {"err_no": err_no, "err_msg": err_msg, "data": data, **more}
    return Reply(body=json.dumps(body, ensure_ascii=False), content_type="application/json")


def feed_cursor(at: int) -> str:
    """As those of the recommendation feeds."""
    return base64.b64encode(json.dumps({"v": "7300000000000000000", "i": at}).encode()).decode()


def _offset(cursor: str) -> int:
    if cursor.isdigit():
        return int(cursor)
    head, _, _ = cursor.partition("_")
    if head.isdigit():
        return int(head)
    return int(json.loads(base64.b64decode(cursor))["i"])
