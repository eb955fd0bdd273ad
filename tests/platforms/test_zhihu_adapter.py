"""The adapter against a site that behaves like Zhihu: what it reads, and resuming."""

from __future__ import annotations

import anyio
import pytest

from hotstream_reactive.errors import TransientError
from hotstream_reactive.fetch.session import SessionPool
from tests.site.zhihu_content import refusal
from tests.site.zhihu_run import (
    answers,
    running_site,
    runs,
    session_file,
    shared_browser,
    skip_without_chromium,
)

skip_without_chromium()

pytestmark = pytest.mark.anyio

site = pytest.fixture(running_site)
browser = pytest.fixture(scope="module")(shared_browser)
start = pytest.fixture(runs)


class TestReading:
    async def test_search_scrolls_to_the_end(self, site, start):
        run = start(sort="created_time", vertical="answer", time_interval="a_week")
        assert await run.search("电影") == answers(12)
        assert run.got[0]["title"] == "Question 77?"
        assert run.outcomes == {"电影": "ok"}
        assert run.saved[-1] == {}
        page = site.asked("/search?")[0]
        assert page.query == {
            "type": "content",
            "q": "电影",
            "sort": "created_time",
            "vertical": "answer",
            "time_interval": "a_week",
            "search_source": "Filter",
        }
        assert "HeadlessChrome" not in page.headers["user-agent"]
        assert page.headers["accept-language"].startswith("zh-CN")
        # Each page load and each scrolling was paced.
        assert run.paced == len(site.asked("/search_v3"))

    @pytest.mark.parametrize("limit", [1, 5, 7, 12])
    async def test_limits_are_exact(self, start, limit):
        assert await start(limit=limit).search("a") == answers(limit)

    async def test_keywords_share_the_limit_and_nothing_comes_twice(self, start):
        run = start(limit=100)
        assert await run.search("a", "b") == answers(12)
        assert run.outcomes == {"a": "ok", "b": "empty"}

    async def test_numbered_pages_of_answers(self, site, start):
        run = start()
        assert await run.monitor("someone") == answers(12)
        assert [r.query["offset"] for r in site.asked("/members/someone/answers")] == ["5", "10"]
        assert not site.asked("page=")  # reached by the button, not by loading pages anew

    async def test_activities_keep_the_author(self, start):
        run = start(what="activities")
        assert await run.monitor("https://www.zhihu.com/people/someone", limit=3) == answers(3)
        assert {record["verb"] for record in run.got} == {"MEMBER_VOTEUP_ANSWER"}
        assert {record["handle"] for record in run.got} == {"somebody-else"}

    async def test_a_question_by_cursor(self, site, start):
        assert await start().monitor("question/77") == answers(12)
        assert {request.query["cursor"] for request in site.asked("/feeds")} == {"c0"}

    async def test_articles_and_a_column(self, start):
        run = start(what="articles")
        got = await run.monitor("org/someone", "column/c_1", limit=7)
        assert got == 2 * [str(500 + number) for number in range(7)]
        assert run.outcomes == {"org/someone": "ok", "column/c_1": "ok"}

    async def test_since_ends_the_reading(self, site, start):
        site.total = 200
        run = start(what="articles", since="2026-05-28")
        got = await run.monitor("someone")
        assert got
        assert {record["created_at"][:10] for record in run.got} == {"2026-05-28"}
        assert len(site.asked("/articles")) < 200 / 5

    async def test_hot_list_and_search_terms(self, tmp_path, site, start):
        run = start(kind="hot")
        assert len(await run.search("whatever")) == 12
        assert (run.got[0]["rank"], run.got[0]["heat"]) == (1, 10_000)
        assert site.asked("/billboard")
        signed_in = start(kind="hot", session=session_file(tmp_path, z_c0="s"))
        assert len(await signed_in.monitor("whatever", limit=4)) == 4
        assert site.asked("/hot-lists")
        assert await start(kind="topsearch", limit=3).search("whatever") == ["t0", "t1", "t2"]

    async def test_a_list_that_forgets_to_end(self, site, start):
        site.lost_end = True
        run = start(timeout=3)
        assert await run.search("a") == answers(12)
        assert "although the list did not end" in "".join(run.logged)


class TestResuming:
    async def test_a_retry_goes_on_without_repeats(self, site, start):
        site.refuse = lambda given: refusal(502, 502, "later") if given == 1 else None
        first = start(timeout=5)
        with pytest.raises(TransientError):
            await first.search("a")
        assert first.ids == answers(5)
        second = start(checkpoint=first.saved[-1])
        assert await second.search("a") == answers(12)[5:]
        assert second.saved[-1] == {}

    async def test_a_retry_begins_at_the_numbered_page(self, site, start):
        site.refuse = lambda given: refusal(502, 502, "later") if given == 1 else None
        first = start(timeout=5)
        with pytest.raises(TransientError):
            await first.monitor("someone")
        assert first.ids == answers(10)
        site.seen.clear()
        second = start(checkpoint=first.saved[-1])
        assert await second.monitor("someone") == answers(12)[10:]
        assert [request.target for request in site.asked("/people/")] == [
            "/people/someone/answers?page=2"
        ]

    async def test_the_limit_counts_over_runs(self, site, start):
        site.refuse = lambda given: refusal(502, 502, "later") if given == 1 else None
        first = start(limit=8, timeout=5)
        with pytest.raises(TransientError):
            await first.search("a")
        second = start(limit=8, checkpoint=first.saved[-1])
        assert first.ids + await second.search("a") == answers(8)

    async def test_the_page_closes_when_the_reader_leaves(self, start):
        run = start()
        records = run.adapter.search(["a"], run.adapter.context.options)
        await anext(records)
        assert run.windows == 1
        await records.aclose()
        assert run.windows == 0
        await run.adapter.close()
        # The place in the process is free again.
        assert await start(shared=run.shared, limit=1).search("a") == answers(1)

    async def test_the_page_closes_when_the_run_is_cancelled(self, site, start):
        run = start()
        with anyio.CancelScope() as scope:

            def cancel(given: int) -> None:
                if given == 1:
                    scope.cancel()

            site.refuse = cancel
            await run.search("a")
        assert scope.cancelled_caught
        assert run.ids == answers(5)
        assert run.windows == 0

    async def test_one_page_at_a_time_in_the_process(self, start):
        first, second = start(limit=7), start(what="articles", limit=7)
        second.adapter.shared = first.shared
        most = 0

        async def read(records):
            nonlocal most
            async for _ in records:
                most = max(most, first.windows)

        async with anyio.create_task_group() as group:
            group.start_soon(read, first.adapter.search(["a"], first.adapter.context.options))
            group.start_soon(read, second.adapter.monitor_accounts(["someone"], 7))
        assert most == 1
        await first.adapter.close()
        await second.adapter.close()

    async def test_the_browser_ends_with_the_last_run(self, start):
        pool = SessionPool()
        run = start(browser_pool=pool, limit=1)
        assert await run.search("a") == answers(1)
        assert not pool.is_running
