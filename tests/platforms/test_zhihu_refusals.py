"""The adapter against a site that refuses."""

from __future__ import annotations

import pytest

from hotstream_reactive.errors import (
    BlockedError,
    PermanentError,
    RateLimited,
    ScrapeError,
    TransientError,
)
from hotstream_reactive.fetch.session import SessionPool
from hotstream_reactive.fetch.session_file import SessionNeeded
from hotstream_reactive.platforms.twitter.demo_site import html
from tests.site.zhihu_content import HUMAN_CHECK, refusal
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


class TestRefusals:
    async def test_restriction_in_the_middle_stops_everything_for_hours(self, site, start):
        site.refuse = lambda given: (
            refusal(403, 40362, "您当前请求存在异常，暂时限制本次访问") if given == 1 else None
        )
        run = start(what="articles")
        with pytest.raises(RateLimited) as caught:
            await run.monitor("one", "two")
        assert caught.value.kind == "zhihu_40362"
        assert caught.value.retry_after >= 4 * 3600
        assert "暂时限制" in str(caught.value)
        assert len(run.got) == 5
        assert run.outcomes == {"one": "zhihu_40362", "two": "not_tried"}
        site.seen.clear()
        later = start(shared=run.shared)
        with pytest.raises(RateLimited) as again:
            await later.search("a")
        assert again.value.retry_after > 4 * 3600 - 600
        assert not site.seen

    async def test_signature_refused(self, site, start):
        site.refuse = lambda _: refusal(403, 10003, "请求参数异常，请升级客户端后重试。")
        with pytest.raises(RateLimited) as caught:
            await start().search("a")
        assert caught.value.kind == "zhihu_10003"

    async def test_sign_in_redirect_names_the_file_and_how_to_make_it(self, tmp_path, site, start):
        site.needs = "z_c0"
        run = start()
        with pytest.raises(SessionNeeded) as caught:
            await run.search("a")
        message = str(caught.value)
        assert "--save-storage=zhihu-session.json" in message
        assert "platforms.zhihu.storage_state" in message
        assert (caught.value.kind, caught.value.path) == ("zhihu_signin", "")
        site.seen.clear()
        with pytest.raises(SessionNeeded):
            await start(shared=run.shared).search("a")
        assert not site.seen, "asked again although nothing has changed"
        file = session_file(tmp_path, z_c0="secret-of-mine")
        signed_in = start(shared=run.shared, session=file)
        assert await signed_in.search("a") == answers(12)
        assert "secret-of-mine" in site.asked("/search?")[0].headers["cookie"]
        assert "secret-of-mine" not in "".join(signed_in.logged)

    async def test_need_login_leads_the_page_away(self, site, start):
        target = "/account/unhuman?type=S6E3V1&need_login=true"
        site.refuse = lambda given: (
            refusal(403, 40353, "请登录", need_login=True, redirect=target) if given == 1 else None
        )
        run = start()
        with pytest.raises(SessionNeeded) as caught:
            await run.search("a")
        assert caught.value.kind in ("zhihu_40353", "zhihu_unhuman")
        assert run.ids == answers(5)

    async def test_challenge_passes_by_itself(self, site, start):
        site.challenges = True
        run = start()
        assert await run.search("a") == answers(12)
        # The cookie is kept for the next page of the process.
        site.seen.clear()
        await start(shared=run.shared, limit=1).search("a")
        assert len(site.asked("/search?")) == 1

    async def test_challenge_that_does_not_pass(self, site, start):
        site.challenges = site.never_passes = True
        with pytest.raises(RateLimited) as caught:
            await start(timeout=3).search("a")
        assert caught.value.kind == "zhihu_zse_ck"

    async def test_human_check_is_for_a_person(self, site, start):
        site.page_reply = html(HUMAN_CHECK)
        with pytest.raises(RateLimited) as caught:
            await start(timeout=600).search("a")
        assert caught.value.kind == "zhihu_unhuman"

    async def test_one_that_is_gone_does_not_keep_the_others(self, start):
        run = start(what="articles")
        assert len(await run.monitor("gone", "someone", "no/such/thing")) == 12
        assert run.outcomes == {
            "gone": "not_found",
            "someone": "ok",
            "no/such/thing": "bad_account",
        }
        with pytest.raises(PermanentError) as caught:
            await start(what="articles").monitor("gone")
        assert caught.value.kind == "not_found"

    async def test_empty_where_there_must_be_something(self, site, start):
        site.total, site.profile_count = 0, 9
        with pytest.raises(BlockedError) as caught:
            await start().monitor("someone")
        assert caught.value.kind == "empty_suspect"
        with pytest.raises(BlockedError):
            await start(kind="topsearch", timeout=2).search("x")

    async def test_honestly_empty(self, site, start):
        site.total = 0
        run = start()
        assert await run.monitor("someone") == []
        assert run.outcomes == {"someone": "empty"}

    async def test_a_page_that_asks_for_nothing(self, site, start):
        site.page_reply = html("<html><head><title>知乎</title></head><body><p>x</p></body></html>")
        with pytest.raises(TransientError) as caught:
            await start(timeout=2).search("a")
        assert caught.value.kind == "no_data"

    async def test_a_site_that_is_down(self, site, start):
        run = start()
        await site.__aexit__()
        with pytest.raises(ScrapeError) as caught:
            await run.search("a")
        assert caught.value.kind == "connect"

    async def test_no_browser(self, start):
        other = {"chromium": "/nowhere/chromium", "browser_pool": SessionPool()}
        for options in ({"browser": "never"}, other):
            with pytest.raises(PermanentError) as caught:
                await start(**options).search("a")
            assert caught.value.kind == "no_browser"
            assert "install" in str(caught.value)

    async def test_robots_txt_when_it_is_to_be_kept(self, site, start):
        with pytest.raises(PermanentError) as caught:
            await start(respect_robots=True).search("a")
        assert caught.value.kind == "robots"
        assert not site.seen

    async def test_what_refused_is_kept_without_the_session(self, tmp_path, site, start):
        file = session_file(tmp_path, z_c0="secret-of-mine")
        site.page_reply = html(HUMAN_CHECK.replace("</body>", "secret-of-mine</body>"))
        run = start(session=file, evidence_dir=tmp_path / "kept")
        with pytest.raises(RateLimited):
            await run.search("a")
        (kept,) = (tmp_path / "kept").iterdir()
        assert "Unhuman" in kept.read_text()
        assert "secret-of-mine" not in kept.read_text()
        assert any(str(kept) in line for line in run.logged)
