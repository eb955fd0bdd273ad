"""Proxies: rotation, health, both ways out, and passwords that nobody sees."""

from __future__ import annotations

import pytest

from hotstream_reactive.errors import BlockedError, PermanentError, TransientError
from hotstream_reactive.fetch import proxies as module
from hotstream_reactive.fetch.browser import BrowserPool
from hotstream_reactive.fetch.http import DEFAULT_USER_AGENT, HttpClient
from hotstream_reactive.fetch.proxies import Proxy, ProxyPool
from hotstream_reactive.settings import FetchSettings, PlatformSettings, redacted
from tests.fetch.surroundings import CHROMIUM, needs_chromium
from tests.site.nitter import MisbehavingSite
from tests.site.proxy import PASSWORD, TestProxy

pytestmark = pytest.mark.anyio

SETTINGS = FetchSettings(timeout=10, retries=0, chromium=CHROMIUM)
FAR = "http://far-away.invalid"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def site():
    async with MisbehavingSite() as running:
        yield running


@pytest.fixture
async def proxy(site):
    async with TestProxy(site.port) as running:
        yield running


def pool_of(clock, count=3):
    return ProxyPool([f"http://u:p@p{number}.example:8080" for number in range(count)], clock)


def labels(pool, count, host="h"):
    return [pool.choose(host).label[8] for _ in range(count)]


def test_they_take_turns(clock):
    assert labels(pool_of(clock), 7) == ["0", "1", "2", "0", "1", "2", "0"]


def test_one_that_fails_rests_for_longer_each_time(clock):
    pool = pool_of(clock, 2)
    first = pool.choose("h")
    for rest in (15, 30, 60):
        pool.failed(first)
        assert labels(pool, 3) == ["1", "1", "1"]
        clock.now += rest - 0.1
        assert labels(pool, 2) == ["1", "1"]
        clock.now += 0.2
        assert "0" in labels(pool, 2)
    for _ in range(20):
        pool.failed(first)
    assert pool._of(first).resting_until - clock.now == 900
    pool.answered(first)
    pool.failed(first)
    assert pool._of(first).resting_until - clock.now == 15


def test_a_host_that_refuses_one_is_asked_through_another(clock):
    pool = pool_of(clock, 2)
    pool.refused(pool.choose("h"), "h")
    assert labels(pool, 3) == ["1", "1", "1"]
    assert "0" in labels(pool, 2, host="elsewhere")
    pool.refused(pool._proxies[1], "h")
    assert len(labels(pool, 2)) == 2, "one that is refused is better than none"
    clock.now += 901
    assert {*labels(pool, 2)} == {"0", "1"}


def test_when_all_rest_nobody_goes_without(clock):
    pool = pool_of(clock, 2)
    for proxy in list(pool._proxies):
        pool.failed(proxy)
    with pytest.raises(TransientError, match="15 s") as caught:
        pool.choose("h")
    assert caught.value.kind == "proxy"


def test_direct_is_a_choice_like_others(clock):
    pool = ProxyPool(["direct", "http://p.example"], clock)
    assert [pool.choose("h") is None for _ in range(4)] == [True, False, True, False]


def test_a_proxy_is_never_shown_with_its_password():
    proxy = Proxy(f"socks5://user:{PASSWORD}@p.example")
    assert proxy.label == "socks5://p.example"
    assert (proxy.host, proxy.port) == ("p.example", 1080)
    assert proxy.credentials() == ("user", PASSWORD)
    assert PASSWORD not in repr(proxy) + str(proxy) + repr([proxy]) + repr(vars(proxy.__class__))


@pytest.mark.parametrize(
    "given",
    [f"http://user:{PASSWORD}@h:1", f"user:{PASSWORD}@h:1", f"socks5://:{PASSWORD}@h", PASSWORD],
)
def test_settings_do_not_show_it(given):
    shown = repr(redacted("platforms.twitter.proxies", [given]))
    assert (PASSWORD in shown) is (given == PASSWORD), "what is no address at all is shown"
    assert PASSWORD not in repr(redacted("", {"fetch": {"proxies": [f"a:{PASSWORD}@h:1"]}}))


def test_socks_needs_its_library(monkeypatch):
    monkeypatch.setattr(module, "_has_socks", lambda: False)
    with pytest.raises(PermanentError, match="pip install") as caught:
        ProxyPool(["http://h", f"socks5://u:{PASSWORD}@h"])
    assert caught.value.kind == "no_socks"
    assert PASSWORD not in str(caught.value)


def client(*addresses, trusted=()):
    return HttpClient(SETTINGS, trusted=trusted, proxies=ProxyPool(addresses))


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_http_goes_through_it(site, proxy, scheme):
    async with client(proxy.address(scheme)) as http:
        response = await http.get(f"{FAR}/nightdome")
    assert response.status == 200
    assert site.headers_seen[0]["host"] == "far-away.invalid"
    assert len(proxy.asked) == 1
    assert "far-away.invalid" in proxy.asked[0]
    assert "proxy-authorization" not in site.headers_seen[0]


async def test_the_next_one_steps_in(site, proxy):
    async with TestProxy(site.port) as other:
        wrong = other.address(password="wr0ng")
        pool = ProxyPool([wrong, "http://u:wr0ng@127.0.0.1:9", proxy.address()])
        async with HttpClient(SETTINGS, proxies=pool) as http:
            for _ in range(3):
                assert (await http.get(f"{FAR}/nightdome")).status == 200
        assert len(other.asked) == 1, "it rests"


@pytest.mark.parametrize("refuses", [407, 403])
async def test_when_none_works(site, refuses):
    async with TestProxy(site.port, refuses=refuses) as proxy, client(proxy.address()) as http:
        with pytest.raises(TransientError) as caught:
            await http.get("https://far-away.invalid/x")
    assert caught.value.kind == "proxy"
    assert PASSWORD not in repr(caught.value) + repr(caught.value.__cause__)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:27017/", "http://169.254.169.254/x", "http://localhost:1/", "ftp://h"]
)
async def test_no_proxy_is_asked_for_a_private_address(proxy, url):
    async with client(proxy.address()) as http:
        with pytest.raises(BlockedError) as caught:
            await http.get(url)
    assert caught.value.kind == "forbidden_address"
    assert proxy.asked == []


async def test_an_instance_in_a_private_network_is_asked_directly(site, proxy):
    async with client(proxy.address(), trusted=[site.url]) as http:
        assert (await http.get(f"{site.url}/nightdome")).status == 200
    assert proxy.asked == []


async def test_a_refusal_changes_the_proxy(site, proxy):
    async with TestProxy(site.port) as other, client(proxy.address(), other.address()) as http:
        for _ in range(2):
            await http.get(f"{FAR}/about")
        assert (len(proxy.asked), len(other.asked)) == (1, 0), "one connection, one proxy"
        http.refused(FAR)
        await http.get(f"{FAR}/about")
        assert len(other.asked) == 1


async def test_platforms_may_have_their_own(site, proxy):
    settings = FetchSettings(proxies=["http://127.0.0.1:9"])
    own = PlatformSettings(proxies=[proxy.address()], respect_robots=False)
    async with HttpClient.for_platform(settings, own) as http:
        assert (await http.get(f"{FAR}/about")).status == 200
    none = PlatformSettings(proxies=["direct"], respect_robots=False)
    async with HttpClient.for_platform(settings, none, trusted=[site.url]) as http:
        assert await http.proxy_for(FAR) is None


@needs_chromium
@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_the_browser_goes_through_it(site, proxy, scheme):
    site.misbehave("verifying")
    async with BrowserPool().lease() as pool, client(proxy.address(scheme)) as http:
        visit = await pool.fetch(
            f"{FAR}/nightdome",
            settings=SETTINGS,
            user_agent=DEFAULT_USER_AGENT,
            ready=".timeline",
            guard=http.guard,
            proxy=await http.proxy_for(FAR),
        )
        assert "timeline-item" in visit.response.text
        assert visit.cookies == {"res": "passed"}
        assert all("far-away.invalid" in one for one in proxy.asked)
        assert "proxy-authorization" not in site.headers_seen[0]


@needs_chromium
async def test_the_browser_tells_of_a_proxy_that_fails(proxy):
    async with BrowserPool().lease() as pool:
        with pytest.raises(TransientError) as caught:
            await pool.fetch(
                "https://far-away.invalid/nightdome",
                settings=SETTINGS,
                user_agent=DEFAULT_USER_AGENT,
                ready=".timeline",
                proxy=Proxy(proxy.address(password="wr0ng")),
            )
    assert caught.value.kind == "proxy"
    assert "wr0ng" not in repr(caught.value)
