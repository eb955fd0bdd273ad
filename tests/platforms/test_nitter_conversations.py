"""Posts that a task names, with their conversation."""

from __future__ import annotations

from typing import Any

import pytest

from hotstream_reactive.errors import BlockedError, PermanentError
from hotstream_reactive.extractors.twitter import TwitterExtractor
from hotstream_reactive.platforms.twitter import parse_page
from hotstream_reactive.platforms.twitter.conversation import named_posts
from tests.site.markup import item

pytestmark = pytest.mark.anyio


def talked_about(site: Any, replies: int) -> Any:
    """A post with so many replies that its conversation has several pages."""
    posts = [one for account in site.accounts.values() for one in account.own_posts]
    return next(one for one in posts if one.replies == replies)


def address(post: Any) -> str:
    return f"https://x.com/{post.handle}/status/{post.id}"


def parts(records: list[dict[str, Any]]) -> list[str]:
    return [record["conversation"]["part"] for record in records]


@pytest.mark.parametrize("by", ["keyword", "option", "id", "number"])
async def test_a_post_and_all_replies(site, start, by):
    post = talked_about(site, 12)
    named = {"option": address(post), "id": post.id, "number": int(post.id)}
    options = {} if by == "keyword" else {"posts": [named[by]]}
    words = [address(post)] if by == "keyword" else []
    run = start(site.url, **options)
    got = await run.search(*words)
    assert got[0]["id"] == post.id
    assert parts(got) == ["main"] + ["reply"] * (len(got) - 1)
    assert len(got) == len({one["id"] for one in got}) == 1 + 12 + 3
    assert {one["conversation"]["root"] for one in got} == {post.id}
    assert sum("thread" in one for one in got) == 6
    assert len(site.requests) == 3, "three pages of replies"
    (entry,) = run.adapter.report
    assert (entry["outcome"], entry["items"]) == ("ok", 16)


@pytest.mark.parametrize("limit", [1, 2, 7, 15])
async def test_the_limit_is_exact_and_the_post_comes_first(site, start, limit):
    post = talked_about(site, 12)
    got = await start(site.url, limit=limit).search(address(post))
    assert len(got) == limit
    assert got[0]["id"] == post.id


async def test_the_parts_of_a_thread(site, start):
    threads = (
        entry.posts
        for account in site.accounts.values()
        for entry in account.timeline
        if len(entry.posts) > 1
    )
    first, last = next(threads)
    got = await start(site.url).search(address(last))
    assert [(one["id"], one["conversation"]["part"]) for one in got] == [
        (last.id, "main"),
        (first.id, "before"),
    ]
    got = await start(site.url).search(address(first))
    assert [(one["id"], one["conversation"]["part"]) for one in got] == [
        (first.id, "main"),
        (last.id, "after"),
    ]


async def test_beside_keywords_and_accounts(site, start):
    post = talked_about(site, 1)
    run = start(site.url, limit=10)
    got = await run.search("fog", address(post))
    assert len(got) == 10
    assert [one["target"] for one in run.adapter.report] == [address(post), "fog"]
    run = start(site.url, posts=[address(post)])
    got = await run.monitor("nightdome", limit=5)
    assert [one["items"] for one in run.adapter.report] == [5, 2]


async def test_options_do_not_tear_a_conversation_apart(site, start):
    post = talked_about(site, 4)
    got = await start(
        site.url, include_replies=False, since="2030-01-01", filters={"media": True}
    ).search(address(post))
    assert len(got) == 1 + 4 + 1


async def test_a_cut_run_goes_on_at_its_page(site, start):
    post = talked_about(site, 12)
    whole = await start(site.url).search(address(post))
    first = start(site.url)
    taken = []
    async for record in first.adapter.search([address(post)], first.adapter.context.options):
        taken.append(record["id"])
        if len(first.saved) == 1:
            break
    await first.adapter.close()
    stored = first.saved[-1]["targets"][address(post)]["items"]
    rest = await start(site.url, checkpoint=first.saved[-1]).search(address(post))
    assert taken[:stored] + [one["id"] for one in rest] == [one["id"] for one in whole]


async def test_a_post_that_is_gone(site, second_site, start):
    with pytest.raises(PermanentError, match="Tweet not found") as caught:
        await start(site.url, second_site.url).search("https://x.com/nightdome/status/7")
    assert caught.value.kind == "tweet_not_found"
    assert second_site.requests == []


async def test_another_page_than_asked_for(site, start):
    post = talked_about(site, 1)
    other = parse_and_serve(item(number=9))
    site.misbehave("page", text=other)
    with pytest.raises(BlockedError) as caught:
        await start(site.url).search(address(post))
    assert caught.value.kind == "wrong_post"
    site.misbehave("page", text=f'<div class="timeline">{item()}</div>')
    with pytest.raises(BlockedError) as caught:
        await start(site.url).search(address(post))
    assert caught.value.kind == "wrong_post"


def parse_and_serve(main: str) -> str:
    return (
        '<div class="conversation"><div class="main-thread">'
        f'<div class="main-tweet" id="m">{main}</div></div></div>'
    )


async def test_a_conversation_in_an_item(site, start):
    post = talked_about(site, 1)
    _, reply = await start(site.url).search(address(post))
    made = await TwitterExtractor().extract(reply)
    assert made.metadata["conversation"] == {"part": "reply", "root": post.id}
    assert made.metadata["reply_to"] == [post.handle]


def test_gaps_and_unavailable_posts_are_no_posts():
    gap = '<div class="timeline-item more-replies"><a class="more-replies-text">more</a></div>'
    earlier = gap.replace("more-replies", "more-replies earlier-replies", 1)
    gone = (
        '<div class="unavailable timeline-item"><a class="unavailable-box" href="/x/status/3">'
        "This Post is unavailable</a></div>"
    )
    page = parse_page(
        '<div class="conversation"><div class="main-thread"><div class="before-tweet thread-line">'
        f'{earlier}{gone}</div><div class="main-tweet" id="m">{item(number=2, link=False)}</div>'
        f'</div><div class="replies" id="r"><div class="reply thread thread-line">{item(number=4)}'
        f"{gap}</div></div></div>"
    )
    assert [(one["id"], one["conversation"]) for one in page.records] == [
        ("2", {"part": "main", "root": "2"}),
        ("4", {"part": "reply", "root": "2"}),
    ]
    assert page.info["unavailable"] == [{"reason": "This Post is unavailable", "id": "3"}]


def test_a_timeline_is_no_conversation():
    page = parse_page(f'<div class="timeline"><div class="reply">{item()}</div></div>')
    assert "conversation" not in page.records[0]


HOSTS = frozenset({"intern.example"})


@pytest.mark.parametrize(
    "given",
    [
        "https://x.com/ada/status/12",
        "http://mobile.twitter.com/ada/status/12?s=20",
        "x.com/ada/status/12#m",
        "https://intern.example/ada/status/12#m",
        "https://nitter.anywhere/ada/status/12",
        " https://www.twitter.com/ada/status/12/photo/1 ",
    ],
)
def test_ways_to_name_a_post(given):
    targets, words = named_posts([given, given, "fog"], None, HOSTS)
    assert [one.path for one in targets] == ["/ada/status/12"]
    assert words == ["fog"]


@pytest.mark.parametrize(
    "given",
    [
        "fog",
        "12",
        "look at https://x.com/ada/status/12",
        '"https://x.com/ada/status/12"',
        "https://elsewhere.example/ada/status/12",
        "https://x.com/ada",
        "ftp://x.com/ada/status/12",
        "https://[/ada/status/12",
    ],
)
def test_other_keywords_are_searched_for(given):
    assert named_posts([given], None, HOSTS) == ([], [given])


@pytest.mark.parametrize(
    "option", ["12", {"a": 1}, [""], ["fog"], [True], [None], [-5], ["https://e.example/status/1"]]
)
async def test_a_wrong_option_is_named(site, start, option):
    with pytest.raises(PermanentError, match="option posts") as caught:
        await start(site.url, posts=option).search("fog")
    assert caught.value.kind == "bad_option"
    assert site.requests == []
