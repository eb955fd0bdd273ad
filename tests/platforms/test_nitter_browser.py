"""The adapter and an instance that checks the browser."""

from __future__ import annotations

import json

import msgspec
import pytest

from hotstream_reactive.errors import BlockedError
from hotstream_reactive.fetch import chromium
from hotstream_reactive.platforms.twitter.client import Shared

pytestmark = pytest.mark.anyio

try:
    chromium.find("", "")
except BlockedError as error:
    pytest.skip(str(error), allow_module_level=True)


async def test_one_visit_with_the_browser_opens_the_instance(site, start):
    site.misbehave("verifying")
    shared = Shared()
    run = start(site.url, shared=shared, browser="auto")
    assert len(await run.monitor("nightdome", limit=45)) == 45
    with_cookie = [one for one in site.headers_seen if "res=passed" in one.get("cookie", "")]
    # Asked without, then in the browser before and after the script; further pages without it.
    assert len(site.headers_seen) == len(with_cookie) + 2
    assert not shared.browser.is_running
    site.headers_seen.clear()
    later = start(site.url, shared=shared, browser="auto")
    assert len(await later.monitor("moss_garden", limit=5)) == 5
    assert len(site.headers_seen) == 1


async def test_always_and_never(site, start):
    site.misbehave("verifying")
    run = start(site.url, browser="always")
    assert len(await run.monitor("nightdome", limit=5)) == 5
    with pytest.raises(BlockedError) as caught:
        await start(site.url, browser="never").monitor("nightdome", limit=5)
    assert caught.value.kind == "verifying_browser_pow"


async def test_endless_pages_end_at_the_limit(site, start):
    site.misbehave("endless")
    got = await start(site.url, browser="always").monitor("nightdome", limit=45)
    assert len({one["id"] for one in got}) == len(got) == 45
    assert len([one for one in site.requests if one.startswith("/nightdome")]) == 3


async def test_posts_that_only_a_script_fetches(site, start):
    site.misbehave("by_script")
    assert len(await start(site.url, browser="always").monitor("nightdome", limit=5)) == 5


async def test_a_session_that_the_operator_signed_in(site, start, tmp_path):
    """An instance behind a sign-in page lets in who has its cookie."""
    site.misbehave("verifying")
    saved = {
        "cookies": [
            {
                "name": "res",
                "value": "passed",
                "domain": "127.0.0.1",
                "path": "/",
                "expires": -1,
                "httpOnly": False,
                "secure": False,
                "sameSite": "Lax",
            }
        ],
        "origins": [],
    }
    file = tmp_path / "session.json"
    file.write_text(json.dumps(saved))
    run = start(site.url, browser="always")
    context = run.adapter.context
    context.platform = msgspec.structs.replace(context.platform, storage_state=str(file))
    assert len(await run.monitor("nightdome", limit=5)) == 5
    assert "res=passed" in site.headers_seen[0]["cookie"]
