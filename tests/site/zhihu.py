"""A site on loopback that behaves like Zhihu: its pages sign, ask for data, and ask for more."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from hotstream_reactive.loopback import Reply, Request
from hotstream_reactive.platforms.twitter.demo_site import NitterSite, html
from tests.site.zhihu_content import (
    AT_ONCE,
    BUTTON,
    CHALLENGE,
    CHALLENGE_SCRIPT,
    HUMAN_CHECK,
    SCRIPT,
    SCROLLING,
    SIGN_IN,
    activity,
    answer,
    article,
    author,
    camel,
    hot_entry,
    page_of,
    refusal,
)

PER_PAGE = 5


class ZhihuSite(NitterSite):
    """The site; what it holds and how it refuses can be set.

    Attributes:
        total: entries of every list.
        refuse: given the number of API answers so far, an answer instead of data, or None.
        page_reply: instead of every page, or None.
        needs: name of a cookie without which pages lead to the sign-in page.
        challenges: whether pages are kept behind the script challenge until its cookie is there.
        lost_end: whether lists forget to say that they end.
        seen: the headers of all requests.
        answers: the number of API answers given.
    """

    def __init__(self) -> None:
        super().__init__(posts_per_account=1)
        self.total = 12
        self.refuse: Callable[[int], Reply | None] = lambda _: None
        self.page_reply: Reply | None = None
        self.needs = ""
        self.challenges = self.never_passes = self.lost_end = False
        self.profile_count: int | None = None
        self.seen: list[Request] = []
        self.answers = 0

    def asked(self, part: str) -> list[Request]:
        return [request for request in self.seen if part in request.target]

    async def answer(self, request: Request) -> Reply:
        self.seen.append(request)
        if request.path.startswith("/zse-ck/"):
            script = "" if self.never_passes else CHALLENGE_SCRIPT
            return Reply(body=script.encode(), content_type="text/javascript")
        if request.path.startswith("/api/"):
            return self._api(request)
        if request.path == "/signin":
            return html(SIGN_IN)
        if request.path == "/account/unhuman":
            return html(HUMAN_CHECK)
        cookies = request.headers.get("cookie", "")
        if self.challenges and "__zse_ck=passed" not in cookies:
            return html(CHALLENGE.format(content="c" * 600), 403)
        if self.needs and f"{self.needs}=" not in cookies:
            return Reply(status=302, headers={"Location": "/signin?next=%2F"})
        return self.page_reply or self._page(request)

    def _page(self, request: Request) -> Reply:
        words = request.path.strip("/").split("/")
        match words:
            case ["search"]:
                asked = {"t": "general", "q": request.query["q"], "offset": "0"}
                asked |= {k: v for k, v in request.query.items() if k in ("sort", "vertical")}
                return self._scrolling(f"/api/v4/search_v3?{urlencode(asked)}")
            case ["people" | "org", token, "answers"]:
                return self._numbered(token, int(request.query.get("page", "1")))
            case ["people" | "org", "gone", *_]:
                return html("<html><head><title>404 - 知乎</title></head><body></body></html>", 404)
            case ["people" | "org", token, tab]:
                path = {
                    "posts": f"/api/v4/members/{token}/articles",
                    "pins": f"/api/v4/v2/pins/{token}/moments",
                    "activities": f"/api/v3/moments/{token}/activities",
                }[tab]
                return self._scrolling(f"{path}?offset=0", self._user(token))
            case ["question", number, *_]:
                return self._question(int(number))
            case ["column", name]:
                return self._scrolling(f"/api/v4/columns/{name}/items?offset=0")
            case ["hot"]:
                return self._scrolling("/api/v3/feed/topstory/hot-lists/total?limit=50")
            case ["billboard"]:
                entries = [hot_entry(number) for number in range(1, self.total + 1)]
                return html(page_of({"topstory": {"hotList": camel(entries)}}))
            case ["topsearch"]:
                terms = [
                    {"queryDisplay": f"T {n}", "realQuery": f"t{n}"} for n in range(self.total)
                ]
                return html(page_of({"topsearch": {"data": terms}}))
        return html("<html><head><title>404 - 知乎</title></head><body></body></html>", 404)

    def _user(self, token: str) -> dict[str, Any]:
        count = self.total if self.profile_count is None else self.profile_count
        user = {**author(token), "answer_count": count, "articles_count": count}
        return {"entities": {"users": {token: camel(user)}}}

    def _scrolling(self, first: str, state: dict[str, Any] | None = None) -> Reply:
        start = f"const FIRST = {json.dumps(first)};"
        return html(page_of(state or {}, start, SCRIPT, SCROLLING, AT_ONCE))

    def _numbered(self, token: str, number: int) -> Reply:
        """The first list is in the page itself, further ones come by its button."""
        start = (number - 1) * PER_PAGE
        shown = [answer(n, by=token) for n in range(start, min(start + PER_PAGE, self.total))]
        state = self._user(token)
        state["entities"]["answers"] = {one["id"]: camel(one) for one in shown}
        ids = [one["id"] for one in shown]
        ended = start + PER_PAGE >= self.total
        listing = {"ids": ids, "isEnd": ended, "totals": self.total}
        state["people"] = {"answersByUser": {token: listing}}
        first = f"/api/v4/members/{token}/answers?offset={start + PER_PAGE}"
        begin = f"const FIRST = {'null' if ended else json.dumps(first)};"
        button = '<button class="PaginationButton PaginationButton-next">下一页</button>'
        return html(page_of(state, begin, SCRIPT, BUTTON, body=button))

    def _question(self, number: int) -> Reply:
        shown = [answer(n, question=number) for n in range(2)]
        question = {"id": str(number), "title": f"Question {number}?", "answerCount": self.total}
        state = {
            "entities": {
                "answers": {one["id"]: camel(one) for one in shown},
                "questions": {str(number): question},
            },
            "question": {
                "answers": {str(number): {"ids": [{"target": one["id"]} for one in shown]}}
            },
        }
        first = f"/api/v4/questions/{number}/feeds?cursor=c0&limit=5&offset=0"
        begin = f"const FIRST = {json.dumps(first)};"
        return html(page_of(state, begin, SCRIPT, SCROLLING, AT_ONCE))

    def _api(self, request: Request) -> Reply:
        if "x-zse-96" not in request.headers:
            return refusal(403, 10003, "请求参数异常，请升级客户端后重试。")
        reply = self.refuse(self.answers)
        self.answers += 1
        return reply or self._data(request)

    def _data(self, request: Request) -> Reply:
        start = int(request.query.get("offset", "0"))
        numbers = range(start, min(start + PER_PAGE, self.total))
        entries: list[dict[str, Any]]
        match request.path.split("/")[3:]:
            case ["search_v3"]:
                entries = [{"type": "search_result", "object": answer(n)} for n in numbers]
                entries.append({"type": "relevant_query", "query_list": []})
            case ["members", _, "articles"] | ["columns", *_]:
                entries = [article(n) for n in numbers]
            case ["moments", *_]:
                entries = [activity(n) for n in numbers]
            case ["questions", number, _]:
                cards = ({"type": "question_feed_card", "target_type": "answer"} for _ in numbers)
                targets = (answer(n, question=int(number)) for n in numbers)
                entries = [card | {"target": one} for card, one in zip(cards, targets, strict=True)]
            case ["feed", "topstory", *_]:
                entries = [hot_entry(n) for n in range(1, self.total + 1)]
                start = self.total
            case _:
                entries = [answer(n) for n in numbers]
        ended = start + PER_PAGE >= self.total and not self.lost_end
        following = urlencode({**request.query, "offset": str(start + PER_PAGE)})
        paging = {"is_end": ended, "next": f"{self.url}{request.path}?{following}"}
        body = json.dumps({"data": entries, "paging": paging}, ensure_ascii=False).encode()
        return Reply(body=body, content_type="application/json; charset=utf-8")
