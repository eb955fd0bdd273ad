"""Times, counters, ids, addresses and names, over many values."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.errors import PermanentError
from hotstream_reactive.platforms.base import SearchOptions
from hotstream_reactive.platforms.instances import configured, retry_after_s
from hotstream_reactive.platforms.twitter import media, parse_page, times
from hotstream_reactive.platforms.twitter.demo_content import post_id
from hotstream_reactive.platforms.twitter.demo_pages import _clock, _date
from hotstream_reactive.platforms.twitter.links import account_name, post_link, post_url
from hotstream_reactive.platforms.twitter.ordering import NewestFirst
from hotstream_reactive.platforms.twitter.query import (
    MAX_QUERY_BYTES,
    Wishes,
    search_targets,
    wishes,
)

MOMENTS = st.datetimes(datetime(2006, 3, 21), datetime(2100, 1, 1)).map(  # noqa: DTZ001,RUF100
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
HANDLES = st.from_regex(r"[A-Za-z0-9_]{1,15}", fullmatch=True)


@given(MOMENTS)
def test_times_of_today(moment: datetime) -> None:
    assert times.post_time(_date(moment)) == f"{moment:%Y-%m-%dT%H:%M}:00Z"
    joined = f"{_clock(moment)} - {moment.day} {moment:%b %Y}"
    assert times.join_time(joined) == f"{moment:%Y-%m-%dT%H:%M}:00Z"


@given(MOMENTS)
def test_times_of_2020(moment: datetime) -> None:
    title = f"{moment.day}/{moment.month}/{moment.year}, {moment:%H:%M:%S}"
    assert times.post_time(title) == f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    "title",
    [
        "",
        "5m",
        "Foo 1, 2025 · 1:00 AM UTC",
        "Jan 32, 2025 · 1:00 AM UTC",
        "Jan 1, 2025 · 13:00 PM UTC",
        "Jan 1, 2025 · 0:10 AM UTC",
        "31/2/2020, 00:00:00",
        "1/1/0000, 00:00:00",
    ],
)
def test_other_times_are_unknown(title: str) -> None:
    assert times.post_time(title) is None


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    times.post_time(text)
    times.join_time(text)
    times.count(text)
    times.id_milliseconds(text)
    media.canonical(text)
    post_link(text)
    retry_after_s(text)
    parse_page(text)


@given(st.integers(0, 10**13))
def test_counters(number: int) -> None:
    assert times.count(f" {number:,} ") == number
    assert times.count(str(number)) == number


@pytest.mark.parametrize(
    ("text", "value"), [("", 0), ("GIF", None), ("1.2K", 1200), ("3M", 3_000_000), ("-", None)]
)
def test_counters_in_words(text: str, value: int | None) -> None:
    assert times.count(text) == value


@given(st.datetimes(datetime(2010, 11, 5), datetime(2060, 1, 1)), st.integers(0, 2**22 - 1))  # noqa: DTZ001,RUF100
def test_ids_tell_their_time(moment: datetime, sequence: int) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    milliseconds = times.id_milliseconds(post_id(moment, sequence))
    assert milliseconds == pytest.approx(moment.timestamp() * 1000, abs=1)


def test_ids_before_snowflake_tell_nothing() -> None:
    assert times.id_milliseconds("20") is None
    assert times.id_milliseconds("29700000000") is not None


@given(st.integers(1, 2**63 - 1), HANDLES)
def test_ids_stay_text(number: int, handle: str) -> None:
    for prefix in ("", "http://i.example", "https://i.example:8443"):
        link = post_link(f"{prefix}/{handle}/status/{number}#m")
        assert link is not None
        assert link.id == str(number)
        assert post_url(link.id, handle) == f"https://x.com/{handle}/status/{number}"


@pytest.mark.parametrize("href", ["/ada", "/ada/status/", "/ada/status/x", "/a/status/12x", "#m"])
def test_no_post_links(href: str) -> None:
    assert post_link(href) is None


def test_a_post_without_a_name() -> None:
    assert post_link("/i/status/7") == ("7", None)
    assert post_link("/i/web/status/7") == ("7", None)


@given(HANDLES)
def test_account_names(handle: str) -> None:
    reserved = {"i", "search", "settings", "hashtag", "home", "explore", "about", "intent"}
    reserved |= {"login", "pic", "video", "share", "messages", "notifications", "tos", "privacy"}
    if handle.lower() in reserved:
        return
    for given_name in (handle, f"@{handle}", f" https://x.com/{handle} ", f"twitter.com/{handle}"):
        assert account_name(given_name) == handle
    own = f"http://my.host:8080/{handle}/with_replies"
    assert account_name(own, instance_hosts=frozenset({"my.host"})) == handle


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "@",
        "a b",
        "sixteen_letters_",
        "пример",
        "https://evil.example/ada",
        "x.com/i/lists/1",
        "ada?x=1",
        "../etc",
        "ftp://x.com/ada",
        "https://x.com/",
    ],
)
def test_what_is_no_account(bad: str) -> None:
    with pytest.raises(PermanentError) as caught:
        account_name(bad)
    assert caught.value.kind == "bad_account"


@given(st.lists(st.text(max_size=60), min_size=1, max_size=40))
def test_queries_fit(keywords: list[str]) -> None:
    if not any(word.replace('"', " ").strip() for word in keywords):
        return
    targets = search_targets(keywords, Wishes())
    assert all(0 < len(target.name.encode()) <= MAX_QUERY_BYTES for target in targets)
    assert len({target.name for target in targets}) == len(targets)


def test_a_keyword_that_cannot_fit() -> None:
    with pytest.raises(PermanentError) as caught:
        search_targets(["长" * 167], Wishes())
    assert caught.value.kind == "query_too_long"


def test_operators_stay_operators() -> None:
    (target,) = search_targets(["from:ada", "OR", "two words", '"kept as is"'], Wishes())
    assert target.name == 'from:ada OR "OR" OR "two words" OR "kept as is"'


def test_filters_become_parameters() -> None:
    options = SearchOptions(
        filters={"media": True, "replies": False, "f-links": True, "e-quote": "on", "news": None},
        extra={"min_faves": 50},
    )
    assert wishes(options).parameters == {
        "f-media": "on",
        "e-replies": "on",
        "f-links": "on",
        "e-quote": "on",
        "min_faves": "50",
    }


@given(st.lists(st.integers(1, 60), min_size=1, max_size=60, unique=True), st.integers(1, 20))
def test_order_over_any_pages(hours: list[int], size: int) -> None:
    """However posts are cut into pages and threads, they come out newest first, all of them."""
    posts = [
        {"id": post_id(datetime.fromtimestamp(1.7e9 - hour * 3600, UTC), 0), "is_repost": False}
        | {"is_pinned": False, "created_at": None}
        for hour in sorted(hours)
    ]
    # Two neighbours at a time make a thread, written oldest first.
    for first, second in zip(posts[::4], posts[1::4], strict=False):
        first["thread"] = {"position": 2, "size": 2}
        second["thread"] = {"position": 1, "size": 2}
    shown = []
    for start in range(0, len(posts), 4):
        block = posts[start : start + 4]
        pair = block[:2][::-1] if "thread" in block[0] else block[:2]
        shown += [pair, *([one] for one in block[2:])]
    order, out = NewestFirst(), []
    for start in range(0, len(shown), size):
        page = [post for group in shown[start : start + size] for post in group]
        out += [record for record, _ in order.add_page(page)]
    out += [record for record, _ in order.flush()]
    assert [one["id"] for one in out] == [one["id"] for one in posts]


def test_instances_without_credentials() -> None:
    (first, second) = configured(
        [
            "https://u%40x:p:w@one.example/base/",
            "http://two.example:8080",
            "http://two.example:8080/",
        ]
    )
    assert first.base == "https://one.example/base"
    assert first.credentials == ("u@x", "p:w")
    assert "u%40x" not in repr(first.base + first.label)
    assert second.label == "two.example:8080"
    assert second.credentials is None
