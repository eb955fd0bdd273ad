"""What a run brings home: exact limits, order, options, going on after a break."""

from __future__ import annotations

from typing import Any

import pytest

from hotstream_reactive.errors import PermanentError, TransientError
from hotstream_reactive.platforms.twitter.times import id_milliseconds

pytestmark = pytest.mark.anyio


def ids(records: list[dict[str, Any]]) -> list[str]:
    return [record["id"] for record in records]


def own_times(records: list[dict[str, Any]]) -> list[int]:
    return [id_milliseconds(one["id"]) or 0 for one in records if not one["is_repost"]]


@pytest.mark.parametrize("limit", [1, 19, 20, 21, 45])
async def test_limit_is_exact_per_account(site, start, limit):
    run = start(site.url)
    got = await run.monitor("nightdome", "@Moss_Garden", limit=limit)
    assert len(got) == 2 * limit
    assert len(set(ids(got[:limit]))) == len(set(ids(got[limit:]))) == limit
    assert [entry["items"] for entry in run.adapter.report] == [limit, limit]


async def test_newest_first_across_threads_and_pages(site, start):
    run = start(site.url)
    got = await run.monitor("nightdome", limit=1000)
    times = own_times(got)
    assert times == sorted(times, reverse=True)
    assert got[-1]["is_pinned"], "the pinned post is the oldest one of this account"
    assert any("thread" in record for record in got)
    shown = {one.id for entry in site.accounts["nightdome"].timeline for one in entry.posts}
    replies = {one.id for one in site.accounts["nightdome"].own_posts if one.reply_to}
    assert set(ids(got)) == shown - replies


async def test_an_old_pinned_post_takes_no_place_among_the_newest(site, start):
    got = await start(site.url).monitor("nightdome", limit=10)
    assert not any(record["is_pinned"] for record in got)


async def test_replies_and_reposts_on_request(site, start):
    plain = await start(site.url).monitor("nightdome", limit=1000)
    assert not any(record.get("reply_to") for record in plain if not record["is_repost"])
    assert any(record["is_repost"] for record in plain)
    replies = await start(site.url, include_replies=True).monitor("nightdome", limit=1000)
    assert any(record.get("reply_to") for record in replies if not record["is_repost"])
    own = await start(site.url, include_reposts=False).monitor("nightdome", limit=1000)
    assert ids(own) == [record["id"] for record in plain if not record["is_repost"]]


async def test_since_ends_the_reading_early(site, start):
    everything = await start(site.url).monitor("nightdome", limit=1000)
    site.received.clear()
    since = "2026-06-30"
    got = await start(site.url, since=since).monitor("nightdome", limit=1000)
    wanted = [one for one in everything if one["created_at"] >= since and not one["is_repost"]]
    assert [one["id"] for one in got if not one["is_repost"]] == ids(wanted)
    assert len(site.requests) == 1


async def test_until_reads_the_search_of_the_account(site, start):
    got = await start(site.url, until="2026-06-28", since="2026-06-26").monitor("nightdome")
    assert got
    assert {one["created_at"][:10] for one in got} <= {"2026-06-26", "2026-06-27"}
    assert site.requests[0].startswith("/nightdome/search?")


async def test_filters_reach_the_instance(site, start):
    got = await start(site.url, filters={"media": True, "replies": False}, limit=30).search("fog")
    assert got
    assert all(record["media"] for record in got)
    assert "f-media=on" in site.requests[0]
    assert "e-replies=on" in site.requests[0]


@pytest.mark.parametrize("limit", [1, 20, 33])
async def test_search_limit_counts_all_queries_together(site, start, limit):
    long_words = [f"{'fog' if number % 2 else 'bread'} {'x' * 200} {number}" for number in range(6)]
    run = start(site.url, limit=limit)
    got = await run.search("fog", "bread", *long_words)
    assert len(got) == limit
    assert len(set(ids(got))) == limit
    assert len(run.adapter.report) > 1
    assert own_times(got[:20]) == sorted(own_times(got[:20]), reverse=True)


async def test_nothing_found_is_an_honest_answer(site, start):
    run = start(site.url)
    assert await run.search("nobody ever wrote this") == []
    assert run.logged == ['INFO "nobody ever wrote this": nothing found\n']
    assert run.adapter.report[0]["outcome"] == "empty"


async def test_keywords_are_quoted_and_joined(site, start):
    run = start(site.url, limit=3)
    await run.search("fog", "moss  garden", "fog", "", 'say "hello"')
    assert run.adapter.report[0]["target"] == 'fog OR "moss garden" OR "say hello"'


async def test_a_missing_account_does_not_stop_the_others(site, start):
    run = start(site.url)
    got = await run.monitor("nobody_here", "not an account!", "nightdome", limit=5)
    assert len(got) == 5
    assert {one["target"]: one["outcome"] for one in run.adapter.report} == {
        "not an account!": "bad_account",
        "nobody_here": "account_not_found",
        "nightdome": "ok",
    }
    assert any("nobody_here" in line for line in run.logged)


async def test_all_accounts_missing_is_an_error(site, start):
    with pytest.raises(PermanentError, match="nobody_here") as caught:
        await start(site.url).monitor("nobody_here", "nobody_there")
    assert caught.value.kind == "account_not_found"


@pytest.mark.parametrize(
    ("kind", "reason"), [("suspended", "account_suspended"), ("protected", "account_protected")]
)
async def test_what_the_platform_says_is_final(site, second_site, start, kind, reason):
    site.misbehave(kind)
    with pytest.raises(PermanentError) as caught:
        await start(site.url, second_site.url).monitor("nightdome")
    assert caught.value.kind == reason
    assert second_site.requests == []


@pytest.mark.parametrize(
    "given", ["@nightdome", "https://x.com/nightdome", "twitter.com/nightdome/status/1", "own"]
)
async def test_ways_to_name_an_account(site, start, given):
    given = f"{site.url}/nightdome" if given == "own" else given
    assert len(await start(site.url).monitor(given, limit=2)) == 2


@pytest.mark.parametrize(
    "options", [{"since": "yesterday"}, {"filters": {"colour": True}}, {"include_replies": "maybe"}]
)
async def test_bad_options_are_named(site, start, options):
    with pytest.raises(PermanentError, match=next(iter(options))) as caught:
        await start(site.url, **options).monitor("nightdome")
    assert caught.value.kind == "bad_option"


async def test_no_instance_configured(start):
    with pytest.raises(PermanentError, match=r"platforms\.twitter\.instances") as caught:
        await start().monitor("nightdome")
    assert caught.value.kind == "no_instances"


async def test_nothing_to_search_for(site, start):
    with pytest.raises(PermanentError) as caught:
        await start(site.url).search(" ", '"')
    assert caught.value.kind == "no_keywords"


async def test_a_retry_goes_on_where_the_run_broke_off(site, start):
    whole = await start(site.url).monitor("harbour_lamp", "nightdome", limit=50)
    site.misbehave("bad_gateway", path="/nightdome", times=None)
    broken = start(site.url)
    with pytest.raises(TransientError):
        await broken.monitor("harbour_lamp", "nightdome", limit=50)
    site.behave()
    site.received.clear()
    resumed = start(site.url, checkpoint=broken.saved[-1])
    rest = await resumed.monitor("harbour_lamp", "nightdome", limit=50)
    assert ids(broken.got + rest) == ids(whole)
    assert not any(target.startswith("/harbour_lamp") for target in site.requests)
    assert resumed.saved[-1] == {}, "the next run of the task starts from the front"


async def test_a_cut_run_repeats_nothing(site, start):
    whole = await start(site.url).monitor("nightdome", limit=45)
    first = start(site.url)
    taken = []
    async for record in first.adapter.monitor_accounts(["nightdome"], 45):
        taken.append(record)
        if len(first.saved) == 2:
            break
    await first.adapter.close()
    site.received.clear()
    # The engine stores a checkpoint together with what was yielded before it.
    stored = first.saved[-1]["targets"]["nightdome"]["items"]
    rest = await start(site.url, checkpoint=first.saved[-1]).monitor("nightdome", limit=45)
    assert ids(taken[:stored] + rest) == ids(whole)
    assert site.requests[0].startswith("/nightdome?cursor=")


async def test_a_checkpoint_of_something_else_is_ignored(site, start):
    for checkpoint in ({"mode": "search"}, {"mode": 7}, {"mode": "monitor", "targets": {"x": {}}}):
        run = start(site.url, checkpoint=checkpoint)
        assert len(await run.monitor("nightdome", limit=3)) == 3


async def test_pages_without_end_are_left(site, start):
    site.misbehave("same_page")
    run = start(site.url)
    got = await run.monitor("nightdome", limit=1000)
    assert len(got) == len(set(ids(got)))
    assert len(site.requests) == 2
    site.misbehave("endless")
    assert len(await start(site.url).monitor("nightdome", limit=130)) == 130


async def test_reading_only_unwanted_posts_ends(site, start):
    site.misbehave("endless")
    run = start(site.url, since="2026-06-01", include_reposts=False, include_replies=False)
    run.adapter.context.options = run.adapter.context.options.__class__(
        since="2000-01-01", extra={"include_replies": False}
    )
    assert len(await run.monitor("nightdome", limit=40)) == 40
    site.received.clear()
    hopeless = start(site.url, since="2099-01-01")
    assert await hopeless.monitor("nightdome", limit=40) == []
    assert len(site.requests) == 1


async def test_conclusions_reach_the_item_unchanged(site, start):
    from hotstream_reactive.extractors.twitter import TwitterExtractor

    got = await start(site.url).monitor("nightdome", limit=1000)
    items = [await TwitterExtractor().extract(record) for record in got]
    posts = {one.id: one for account in site.accounts.values() for one in account.own_posts}
    for item in items:
        post = posts[item.id.removeprefix("twitter_")]
        meta = item.metadata
        assert item.content == post.text
        assert item.url == f"https://x.com/{post.handle}/status/{post.id}"
        assert item.created_at == f"{post.at:%Y-%m-%dT%H:%M}:00Z"
        assert (meta["likes"], meta["replies"], meta["reposts"]) == (
            post.likes,
            post.replies,
            post.reposts,
        )
        assert meta.get("views") == post.views
        assert sum(meta.get("media", {}).values()) == len(post.media)
        assert len(meta.get("media_urls", [])) == len(post.media)
        assert ("quote" in meta) == (post.quote is not None)
        assert ("poll" in meta) == bool(post.poll)
        assert meta.get("card_title") == (post.card[1] if post.card else None)
