"""What the stand-in for Zhihu holds: records as its API gives them, walls, pages with scripts."""

from __future__ import annotations

import json
import re
from typing import Any

from hotstream_reactive.extractors.zhihu import ZhihuExtractor
from hotstream_reactive.loopback import Reply
from hotstream_reactive.model.item import DataItem, normalise
from hotstream_reactive.platforms.zhihu import parse_page
from tests.site.coroutines import result_of

NEWEST = 1_780_000_000
HOUR = 3600

SIGN_IN = """<!doctype html><html lang="zh"><head><meta charset="utf-8">
<title>知乎 - 有问题，就会有答案</title></head>
<body><div class="SignContainer-content"><form class="SignFlow"></form></div></body></html>"""

HUMAN_CHECK = """<!doctype html><html lang="zh"><head><title>安全验证 - 知乎</title></head>
<body><div class="Unhuman">请点击下方验证按钮</div></body></html>"""

CHALLENGE = """<!DOCTYPE html><html lang="en"><head>
<meta id="zh-zse-ck" charset="UTF-8" content="{content}"></head><body>
<script src="/zse-ck/v4/x.js"></script></body></html>"""
CHALLENGE_SCRIPT = "document.cookie = '__zse_ck=passed; path=/'; location.reload();"

# What a page does by itself: it signs, asks, and asks again near its end or at its button.
SCRIPT = """
let next = FIRST, busy = false;
async function load() {
  if (busy || !next) return;
  busy = true;
  const answer = await fetch(next, {headers: {"x-zse-93": "101_3_3.0", "x-zse-96": "2.0_s"}});
  const text = await answer.text();
  let data = {};
  try { data = JSON.parse(text); } catch { }
  if (!answer.ok) {
    next = null;
    if (data.error && data.error.redirect) location = data.error.redirect;
    return;
  }
  for (const _ of data.data || []) {
    const entry = document.createElement("div");
    entry.style.height = "400px";
    document.body.append(entry);
  }
  next = data.paging.is_end ? null : data.paging.next;
  busy = false;
}
"""
SCROLLING = """
addEventListener("scroll", () => {
  if (scrollY + innerHeight > document.documentElement.scrollHeight - 300) load();
});
"""
AT_ONCE = "load();"
BUTTON = """
document.querySelector("button").addEventListener("click", async () => {
  if (!next) return;
  const page = Number(new URLSearchParams(location.search).get("page") || 1) + 1;
  history.pushState({}, "", "?page=" + page);
  await load();
});
"""


def author(token: str) -> dict[str, Any]:
    return {
        "id": f"hash-{token}",
        "url_token": token,
        "name": f"Name of {token}",
        "type": "people",
        "user_type": "people",
    }


def answer(number: int, *, by: str = "someone", question: int = 77) -> dict[str, Any]:
    """Answers get older with their number."""
    return {
        "id": str(9_007_199_254_740_993 + number),
        "type": "answer",
        "author": author(by),
        "question": {"id": str(question), "type": "question", "title": f"Question {question}?"},
        "content": f"<p>Answer <b>{number}</b></p>",
        "created_time": NEWEST - number * HOUR,
        "updated_time": NEWEST,
        "voteup_count": number,
        "comment_count": 0,
    }


def article(number: int, *, by: str = "someone") -> dict[str, Any]:
    return {
        "id": 500 + number,
        "type": "article",
        "author": author(by),
        "title": f"Article {number}",
        "content": f"<p>Article text {number}</p>",
        "created": NEWEST - number * HOUR,
        "updated": NEWEST,
        "voteup_count": 3,
        "comment_count": 1,
    }


def activity(number: int) -> dict[str, Any]:
    return {
        "id": str(1_700_000_000_000 + number),
        "type": "feed",
        "verb": "MEMBER_VOTEUP_ANSWER",
        "action_text": "赞同了回答",
        "actor": author("someone"),
        "created_time": NEWEST - number * HOUR,
        "target": answer(number, by="somebody-else"),
    }


def hot_entry(number: int) -> dict[str, Any]:
    return {
        "type": "hot_list_feed",
        "id": f"{number}_1785000000.5",
        "card_id": f"Q_{number}",
        "feed_specific": {"answer_count": number},
        "target": {
            "title_area": {"text": f"Hot {number}?"},
            "excerpt_area": {"text": ""},
            "metrics_area": {"text": f"{number} 万热度"},
            "link": {"url": f"https://www.zhihu.com/question/{number}"},
        },
    }


def camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {re.sub(r"_([a-z])", lambda m: m[1].upper(), k): camel(v) for k, v in value.items()}
    return [camel(one) for one in value] if isinstance(value, list) else value


def refusal(status: int, code: int, message: str, **more: Any) -> Reply:
    body = {"error": {"code": code, "message": message, **more}}
    return Reply(status=status, body=json.dumps(body).encode(), content_type="application/json")


def listing(*data: Any, is_end: bool = True, **more: Any) -> str:
    return json.dumps({"data": data, "paging": {"is_end": is_end, **more}}, ensure_ascii=False)


def items(text: str, **known: Any) -> list[DataItem]:
    """What becomes of an answer or a page in the end."""
    extractor = ZhihuExtractor()
    found = []
    for record in parse_page(text, **known).records:
        found.append(normalise(result_of(extractor.extract(record))))
        assert extractor.validate(found[-1])
    return found


def page_of(state: dict[str, Any], *scripts: str, body: str = "") -> str:
    data = json.dumps({"initialState": state}, ensure_ascii=False).replace("</", "<\\/")
    return (
        '<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>知乎</title></head>'
        f'<body style="min-height: 3000px">{body}'
        f'<script id="js-initialData" type="text/json">{data}</script>'
        f"<script>{''.join(scripts)}</script></body></html>"
    )
