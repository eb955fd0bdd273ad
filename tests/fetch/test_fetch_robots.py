"""robots.txt, fetched from a real site and kept."""

from __future__ import annotations

import anyio
import pytest

from hotstream_reactive.errors import BlockedError, PermanentError, RateLimited, TransientError
from hotstream_reactive.fetch.http import HttpClient
from hotstream_reactive.fetch.robots import Robots, Text
from hotstream_reactive.fetch.throttle import Throttle
from hotstream_reactive.settings import FetchSettings, PlatformSettings
from tests.site.nitter import MisbehavingSite

pytestmark = pytest.mark.anyio

SETTINGS = FetchSettings(timeout=5, retries=0)


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
async def site():
    async with MisbehavingSite() as running:
        yield running


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def robots(clock):
    return Robots(clock.clock, Throttle(clock=clock.clock, sleep=clock.sleep, chance=lambda: 0.0))


def client(site, robots, **options):
    return HttpClient(SETTINGS, trusted=[site.url], robots=robots, **options)


async def asks(answers):
    async def fetch(url):
        answers.append(url)
        return Text(200, "User-agent: *\nDisallow: /secret\n")

    return fetch


async def test_what_is_forbidden_is_not_asked_for(site, robots):
    async with client(site, robots) as http:
        with pytest.raises(PermanentError, match="respect_robots") as caught:
            await http.get(f"{site.url}/nightdome")
    assert caught.value.kind == "robots"
    assert site.requests == ["/robots.txt"]


@pytest.mark.parametrize(
    ("text", "path", "is_allowed"),
    [
        ("User-agent: *\nDisallow: /search\n", "/nightdome", True),
        ("User-agent: *\nDisallow: /search\n", "/search?q=x", False),
        ("User-agent: *\nDisallow: /*?cursor=\n", "/nightdome?cursor=1", False),
        ("User-agent: *\nDisallow: /\nAllow: /night\n", "/nightdome", True),
        ("User-agent: HotStreamReactive\nDisallow: /\n\nUser-agent: *\nAllow: /\n", "/x", False),
        ("User-agent: other\nDisallow: /\n", "/x", True),
        ("", "/x", True),
        ("<html><body>Not found, but 200</body></html>", "/x", True),
        ("\x00\xff\ufeff: \n:::\nDisallow /\n", "/x", True),
    ],
)
async def test_rules(site, robots, text, path, is_allowed):
    site.misbehave("page", path="/robots.txt", text=text)
    async with client(site, robots) as http:
        if is_allowed:
            await http.get(site.url + path)
        else:
            with pytest.raises(PermanentError):
                await http.get(site.url + path)


@pytest.mark.parametrize("status", ["404", "403", "410"])
async def test_a_missing_file_allows_everything(site, robots, status):
    site.misbehave("page", path="/robots.txt", text="Disallow: /", status=status)
    async with client(site, robots) as http:
        assert (await http.get(f"{site.url}/nightdome")).status == 200


@pytest.mark.parametrize("status", ["500", "503", "429"])
async def test_an_unreadable_one_forbids_for_now(site, robots, clock, status):
    site.misbehave("page", path="/robots.txt", text="", status=status)
    async with client(site, robots) as http:
        for _ in range(2):
            with pytest.raises(TransientError) as caught:
                await http.get(f"{site.url}/nightdome")
            assert caught.value.kind == "robots_unavailable"
        assert site.requests == ["/robots.txt"], "it is not asked for again at once"
        site.behave()
        site.misbehave("page", path="/robots.txt", text="", status="404")
        clock.now += 301
        assert (await http.get(f"{site.url}/nightdome")).status == 200


async def test_it_is_kept_for_a_day(site, robots, clock):
    site.misbehave("page", path="/robots.txt", text="")
    async with client(site, robots) as http:
        for _ in range(3):
            await http.get(f"{site.url}/about")
        assert site.requests.count("/robots.txt") == 1
        clock.now += 25 * 3600
        await http.get(f"{site.url}/about")
        assert site.requests.count("/robots.txt") == 2


async def test_many_at_once_ask_once(robots):
    asked: list[str] = []
    fetch = await asks(asked)
    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(robots.check, f"https://h.example/{number}", fetch)
    assert asked == ["https://h.example/robots.txt"]


async def test_memory_is_bounded(robots):
    asked: list[str] = []
    fetch = await asks(asked)
    for number in range(1100):
        await robots.check(f"https://h{number}.example/", fetch)
    assert len(robots._rules) == len(robots._locks) == 1000


async def test_the_crawl_delay_is_a_floor(site, robots, clock):
    site.misbehave("page", path="/robots.txt", text="User-agent: *\nCrawl-delay: 7\n")
    async with client(site, robots) as http:
        starts = []
        for _ in range(3):
            await http.get(f"{site.url}/about")
            starts.append(clock.now)
    assert starts == [0, 7, 14]


async def test_a_long_delay_puts_the_run_off(site, robots):
    site.misbehave("page", path="/robots.txt", text="User-agent: *\nCrawl-delay: 3600\n")
    async with client(site, robots) as http:
        await http.get(f"{site.url}/about")
        with pytest.raises(RateLimited) as caught:
            await http.get(f"{site.url}/about")
    assert caught.value.kind == "crawl_delay"
    assert caught.value.retry_after == pytest.approx(3600)


async def test_a_redirect_leads_past_no_rule(site, robots):
    async with MisbehavingSite() as forbidding:
        site.misbehave("redirect", path="/x", to=f"{forbidding.url}/nightdome")
        site.misbehave("page", path="/robots.txt", text="")
        trusted = [site.url, forbidding.url]
        async with HttpClient(SETTINGS, trusted=trusted, robots=robots) as http:
            with pytest.raises(PermanentError):
                await http.get(f"{site.url}/x")
        assert forbidding.requests == ["/robots.txt"]


async def test_robots_txt_leads_into_no_private_network(site, robots):
    site.misbehave("redirect", path="/robots.txt", to="http://10.0.0.1/robots.txt")
    async with client(site, robots) as http:
        with pytest.raises(TransientError) as caught:
            await http.get(f"{site.url}/about")
    assert caught.value.kind == "robots_unavailable"


@pytest.mark.parametrize(("wanted", "is_asked"), [("auto", False), (True, True), (False, False)])
async def test_what_the_operator_named_himself(site, wanted, is_asked):
    """By default its robots.txt is not asked for: he has decided already."""
    site.misbehave("page", path="/robots.txt", text="")
    platform = PlatformSettings(instances=[site.url], respect_robots=wanted)
    async with HttpClient.for_platform(SETTINGS, platform) as http:
        await http.get(f"{site.url}/about")
    assert ("/robots.txt" in site.requests) is is_asked


@pytest.mark.parametrize(("wanted", "is_asked"), [("auto", True), (True, True), (False, False)])
async def test_all_other_addresses(site, wanted, is_asked):
    site.misbehave("page", path="/robots.txt", text="")
    platform = PlatformSettings(respect_robots=wanted)
    async with HttpClient.for_platform(SETTINGS, platform, trusted=[site.url]) as http:
        await http.get(f"{site.url}/about")
    assert ("/robots.txt" in site.requests) is is_asked


async def test_a_private_address_is_refused_before_its_robots(robots):
    async with HttpClient(SETTINGS, robots=robots) as http:
        with pytest.raises(BlockedError) as caught:
            await http.get("http://127.0.0.1:9/x")
    assert caught.value.kind == "forbidden_address"
