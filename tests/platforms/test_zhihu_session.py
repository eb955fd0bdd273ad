"""The session file: kept fresh, kept private, and told about when it is no use."""

from __future__ import annotations

import json
import os

import pytest

from hotstream_reactive.fetch.session_file import SessionFile, SessionNeeded
from hotstream_reactive.loopback import Request
from hotstream_reactive.platforms.twitter.demo_site import html
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


ASKED = {
    **{"method": "GET", "target": "/search?q=a", "path": "/search"},
    **{"query": {"q": "a"}, "headers": {}},
}


class TestSessionFile:
    async def test_a_fresh_cookie_is_kept_with_the_user_agent(self, tmp_path, site, start):
        site.challenges = True
        file = session_file(tmp_path, z_c0="s")
        await start(session=file, limit=1).search("a")
        kept = json.loads(file.read_text())
        assert {cookie["name"] for cookie in kept["cookies"]} == {"z_c0", "__zse_ck"}
        agent = kept["hotstream"]["user_agent"]
        assert agent == site.asked("/search?")[-1].headers["user-agent"]
        assert file.stat().st_mode & 0o777 == 0o600
        assert [one.name for one in tmp_path.iterdir()] == [file.name]
        site.seen.clear()
        kept["hotstream"]["user_agent"] = "Mozilla/5.0 (of the session)"
        file.write_text(json.dumps(kept))
        await start(session=file, limit=1).search("a")
        assert len(site.asked("/search?")) == 1
        assert site.seen[0].headers["user-agent"] == "Mozilla/5.0 (of the session)"

    async def test_others_may_read_it(self, tmp_path, start):
        file = session_file(tmp_path, z_c0="s")
        file.chmod(0o644)
        run = start(session=file, limit=1)
        await run.search("a")
        assert any("chmod 600" in line for line in run.logged)

    async def test_a_file_that_is_none(self, tmp_path, start):
        file = tmp_path / "session.json"
        for content in ("", "[]", '{"cookies": [{"name": "secret-of-mine"}]}'):
            file.write_text(content)
            with pytest.raises(SessionNeeded) as caught:
                await start(session=file).search("a")
            assert caught.value.kind == "session_unreadable"
            assert "secret-of-mine" not in str(caught.value)

    async def test_a_missing_file_is_a_guest(self, tmp_path, start):
        assert await start(session=tmp_path / "none.json", limit=1).search("a") == answers(1)
        assert not list(tmp_path.iterdir())

    async def test_a_session_made_in_the_meantime_is_not_overwritten(self, tmp_path):
        file = session_file(tmp_path, z_c0="old")
        saved = await SessionFile(str(file)).read()
        newer = session_file(tmp_path, z_c0="new").read_text()
        os.utime(file, ns=(0, saved.version + 1))
        fresh = {"cookies": [], "origins": []}
        assert not await SessionFile(str(file)).refresh(saved, fresh, "agent")
        assert file.read_text() == newer
        assert [one.name for one in tmp_path.iterdir()] == [file.name]

    async def test_the_site_cannot_sign_the_file_out(self, tmp_path, site, start):
        file = session_file(tmp_path, z_c0="s")
        before = file.read_text()
        signed_out = {"Set-Cookie": "z_c0=; Max-Age=0; Path=/"}
        page = await site.answer(Request(**ASKED))
        site.page_reply = html(page.body.decode(), headers=signed_out)
        assert await start(session=file, limit=3).search("a") == answers(3)
        assert file.read_text() == before

    async def test_a_link_to_the_file_stays_one(self, tmp_path):
        file = session_file(tmp_path, z_c0="old")
        link = tmp_path / "link.json"
        link.symlink_to(file)
        linked = SessionFile(str(link))
        saved = await linked.read()
        assert await linked.refresh(saved, {"cookies": [], "origins": []}, "agent")
        assert link.is_symlink()
        assert json.loads(file.read_text())["hotstream"] == {"user_agent": "agent"}

    async def test_cookies_exported_from_an_ordinary_browser(self, tmp_path, site, start):
        site.needs = "z_c0"
        file = tmp_path / "exported.json"
        cookie = {"name": "z_c0", "value": "s", "domain": "127.0.0.1", "path": "/", "id": 1}
        more = {"hostOnly": True, "sameSite": "no_restriction", "expirationDate": 4_000_000_000.5}
        file.write_text(json.dumps([cookie | more | {"secure": False, "sameSite": "unspecified"}]))
        file.chmod(0o600)
        assert await start(session=file, limit=1).search("a") == answers(1)
