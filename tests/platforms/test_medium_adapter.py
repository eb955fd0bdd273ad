"""What a run brings home from Medium: exact limits, the ways to go on, what cannot be had."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hotstream_reactive.errors import BlockedError, PermanentError, RateLimited, TransientError
from hotstream_reactive.extractors.medium import MediumExtractor
from hotstream_reactive.platforms.medium import MediumAdapter
from hotstream_reactive.platforms.medium.client import Shared
from hotstream_reactive.testing import REFUSALS, Reply
from tests.site.medium import GUARD, MediumSite
from tests.site.runs import AdapterRun, ids

pytestmark = pytest.mark.anyio

Start = Callable[..., AdapterRun]


@pytest.fixture
async def site() -> AsyncIterator[MediumSite]:
    async with MediumSite() as running:
        yield running


@pytest.fixture
def start(site: MediumSite) -> Start:
    def begin(
        *, shared: Shared | None = None, browser: str = "never", **options: Any
    ) -> AdapterRun:
        adapter = MediumAdapter()
        adapter.shared = shared or Shared()
        return AdapterRun(adapter, platform={"base_url": site.url, "browser": browser}, **options)

    return begin


@pytest.mark.parametrize("limit", [1, 9, 10, 11, 25, 35, 100])
async def test_limit_is_exact_and_newest_first(site: MediumSite, start: Start, limit: int) -> None:
    run = start()
    got = await run.monitor("@ada", limit=limit)
    assert ids(got) == [one.id for one in site.stories["@ada"]][:limit]
    assert run.report == {"@ada": "ok"}
    assert run.paced == len(site.received)


async def test_the_feed_is_enough_for_ten(site: MediumSite, start: Start) -> None:
    await start().monitor("@ada", limit=10)
    assert site.paths == ["/feed/@ada"]


@pytest.mark.parametrize(
    "given",
    [
        "@ada",
        "https://medium.com/@ada",
        "https://ada.medium.com/about",
        "ada.medium.com",
        "medium.com/feed/@ada",
        "own",
    ],
)
async def test_ways_to_name_a_user(site: MediumSite, start: Start, given: str) -> None:
    run = start()
    got = await run.monitor(f"{site.url}/@ada" if given == "own" else given, limit=2)
    assert ids(got) == [one.id for one in site.stories["@ada"]][:2]
    assert site.paths == ["/feed/@ada"]
    assert run.report == {"@ada": "ok"}


async def test_publications_and_tags(site: MediumSite, start: Start) -> None:
    run = start()
    got = await run.monitor("harbour", "tag/slow-light", limit=15)
    assert ids(got[:15]) == [one.id for one in site.stories["harbour"]][:15]
    assert ids(got[15:]) == [one.id for one in site.stories["tag/slow-light"]]
    assert run.report == {"harbour": "ok", "slow-light": "ok"}


async def test_an_article_given_as_an_account(site: MediumSite, start: Start) -> None:
    story = site.stories["@ada"][4]
    run = start()
    got = await run.monitor(story.address, limit=5)
    assert ids(got) == [story.id]
    assert got[0]["text"] == story.text
    assert site.paths == [f"/p/{story.id}"]


async def test_when_lists_are_refused_the_feed_is_what_there_is(
    site: MediumSite, start: Start
) -> None:
    site.misbehave("format=json", REFUSALS["challenge"])
    shared = Shared()
    run = start(shared=shared)
    got = await run.monitor("@ada", limit=30)
    assert len(got) == 10
    assert run.report == {"@ada": "ok"}
    assert "only the latest" in run.messages
    assert any("only the latest" in line for line in run.logged), "what is missing is said"
    site.behave()
    await start(shared=shared).monitor("@ada", limit=30)
    assert not any("latest" in path for path in site.paths), "not asked again for half an hour"


async def test_when_the_feed_is_refused_the_list_steps_in(site: MediumSite, start: Start) -> None:
    site.misbehave("/feed/", REFUSALS["challenge"])
    got = await start().monitor("@ada", limit=25)
    assert ids(got) == [one.id for one in site.stories["@ada"]][:25]


async def test_when_both_are_refused_the_page_steps_in(site: MediumSite, start: Start) -> None:
    site.misbehave("/feed/", REFUSALS["broken"])
    site.misbehave("format=json", REFUSALS["forbidden"])
    run = start()
    got = await run.monitor("@ada", limit=25)
    assert ids(got) == [one.id for one in site.stories["@ada"]][:10]
    assert "only the latest" in run.messages


@pytest.mark.parametrize(
    ("name", "error", "kind"),
    [
        ("challenge", BlockedError, "cloudflare"),
        ("limited", RateLimited, "rate_limited"),
        ("gone", PermanentError, "http_410"),
        ("broken", TransientError, "http_502"),
        ("cut", RateLimited, "cut"),
        ("forbidden", BlockedError, "http_403"),
        ("empty", BlockedError, "empty_body"),
    ],
)
async def test_every_failure_is_told_apart(
    site: MediumSite, start: Start, name: str, error: type[Exception], kind: str
) -> None:
    site.misbehave("/", REFUSALS[name])
    run = start()
    with pytest.raises(error) as caught:
        await run.monitor("@ada")
    assert type(caught.value) is error
    reported = next(iter(run.report.values()))
    assert reported in (kind, "http_429")


async def test_retry_after_is_honoured_by_all_runs(site: MediumSite, start: Start) -> None:
    shared = Shared()
    site.misbehave("/", REFUSALS["limited"])
    with pytest.raises(RateLimited) as caught:
        await start(shared=shared).monitor("@ada", "@bo", "harbour")
    assert caught.value.retry_after == pytest.approx(90, abs=2)
    assert len(site.received) == 1, "the others are not tried"
    with pytest.raises(RateLimited, match="pause"):
        await start(shared=shared).monitor("@bo")
    assert len(site.received) == 1


async def test_a_missing_account_does_not_stop_the_others(site: MediumSite, start: Start) -> None:
    run = start()
    got = await run.monitor("@who", "not an account!", "@ada", limit=3)
    assert len(got) == 3
    assert run.report == {"not an account!": "bad_account", "@who": "http_404", "@ada": "ok"}
    with pytest.raises(PermanentError, match="@who"):
        await start().monitor("@who")


async def test_an_account_without_stories_is_an_honest_answer(start: Start) -> None:
    run = start()
    assert await run.monitor("@nobody") == []
    assert run.report == {"@nobody": "empty"}


async def test_a_list_that_is_empty_against_its_own_count_is_suspicious(
    site: MediumSite, start: Start
) -> None:
    claim = '{"success":true,"payload":{"user":{"username":"ada"},"streamItems":[],'
    claim += '"userMeta":{"numberOfPostsPublished":16},"references":{}}}'
    site.misbehave("/feed/", REFUSALS["forbidden"])
    site.misbehave("/latest", Reply(body=GUARD + claim, content_type="application/json"))
    site.misbehave("/@ada", REFUSALS["forbidden"])
    site.misbehave("/latest", Reply(body=GUARD + claim, content_type="application/json"))
    with pytest.raises(BlockedError):
        await start().monitor("@ada")


async def test_an_unchanged_feed_is_not_sent_again(site: MediumSite, start: Start) -> None:
    shared = Shared()
    first = await start(shared=shared).monitor("@ada", limit=5)
    again = await start(shared=shared).monitor("@ada", limit=5)
    assert first == again
    assert "if-none-match" not in site.received[0].headers
    assert "if-none-match" in site.received[1].headers


async def test_a_retry_goes_on_where_the_run_broke_off(site: MediumSite, start: Start) -> None:
    whole = await start().monitor("@bo", "@ada", limit=30)
    site.behave()
    site.misbehave("page=2", REFUSALS["limited"])
    broken = start()
    with pytest.raises(RateLimited):
        await broken.monitor("@bo", "@ada", limit=30)
    site.behave()
    rest = start(checkpoint=broken.saved[-1])
    await rest.monitor("@bo", "@ada", limit=30)
    assert ids(broken.got + rest.got) == ids(whole)
    assert rest.saved[-1] == {}, "the next run starts from the front"


async def test_since_ends_the_reading(site: MediumSite, start: Start) -> None:
    got = await start(since="2026-06-30").monitor("@ada", limit=100)
    assert ids(got) == [o.id for o in site.stories["@ada"] if o.created_at >= "2026-06-30"]
    got = await start(since="2026-06-29", until="2026-06-30").monitor("@ada", limit=100)
    assert {one["created_at"][:10] for one in got} == {"2026-06-29"}


async def test_search_by_tag(site: MediumSite, start: Start) -> None:
    run = start(kind="tag", limit=12)
    got = await run.search("Fog", "slow  light")
    assert len(got) == 10, "the tag of the second holds the same stories"
    assert site.paths[0] == "/feed/tag/fog"
    assert "/feed/tag/slow-light" in site.paths
    assert "locked" not in got[0], "a feed of a tag gives a piece of every story"


async def test_each_keyword_gets_its_share(site: MediumSite, start: Start) -> None:
    site.stories["tag/ships"] = site.stories["harbour"][:10]
    run = start(kind="tag", limit=8)
    got = await run.search("fog", "ships")
    assert len(got) == len(set(ids(got))) == 8
    assert [one["items"] for one in run.adapter.report] == [4, 4]
    assert site.paths == ["/feed/tag/fog", "/feed/tag/ships"]


async def test_without_a_browser_a_search_reads_the_tag_and_says_so(
    site: MediumSite, start: Start
) -> None:
    run = start(limit=5)
    got = await run.search("fog")
    assert ids(got) == [one.id for one in site.stories["tag/fog"]][:5]
    assert run.report == {"fog": "ok"}
    assert "feed of the tag 'fog' in place of" in run.messages
    assert 'platforms.medium.browser is "never"' in run.messages


async def test_single_articles(site: MediumSite, start: Start) -> None:
    stories = site.stories["@ada"]
    run = start(articles=[stories[3].id, f"https://medium.com/p/{stories[5].id}", "nonsense"])
    got = await run.search()
    assert ids(got) == [stories[3].id, stories[5].id]
    assert got[0]["locked"] is True
    assert got[0]["partial"] is True
    assert "members only" in run.messages
    assert run.report["nonsense"] == "bad_article"


async def test_another_article_than_asked_for(site: MediumSite, start: Start) -> None:
    first, second = site.stories["@ada"][:2]
    site.misbehave("/p/", await site.answer(_asked(f"/p/{second.id}")))
    with pytest.raises(BlockedError) as caught:
        await start(articles=[first.id]).search()
    assert caught.value.kind == "wrong_page"


@pytest.mark.parametrize(
    "options", [{"kind": "people"}, {"since": "yesterday"}, {"articles": "fb39f4f701bb"}]
)
async def test_bad_options_are_named(start: Start, options: dict[str, Any]) -> None:
    with pytest.raises(PermanentError, match=next(iter(options))) as caught:
        await start(**options).search("fog")
    assert caught.value.kind == "bad_option"


async def test_nothing_to_search_for(start: Start) -> None:
    with pytest.raises(PermanentError) as caught:
        await start().search(" ", "")
    assert caught.value.kind == "no_keywords"


async def test_what_is_read_reaches_the_item(site: MediumSite, start: Start) -> None:
    records = await start().monitor("@ada", "@bo", limit=20)
    stories = {one.id: one for one in site.all_stories}
    extractor = MediumExtractor()
    for record in records:
        item = await extractor.extract(record)
        story = stories[record["id"]]
        assert item.title == story.title
        assert item.created_at == story.created_at
        assert item.metadata["permalink"] == f"https://medium.com/p/{story.id}"
        assert item.metadata["tags"] == ["fog", "light"]
        assert item.author == story.author.title()
        assert item.content in (story.text, story.text.split("\n")[0])
        if record["source"] == "json":
            assert item.metadata["likes"] == story.claps
            assert item.metadata["reading_time_min"] == 4.2
            assert item.metadata["locked"] is story.locked


def _asked(path: str) -> Any:
    from hotstream_reactive.testing import Request

    return Request(method="GET", target=path, path=path, query={}, headers={})
