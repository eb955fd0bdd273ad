"""What a task may ask of Zhihu, checkpoints, and the defaults of the platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hotstream_reactive.errors import PermanentError
from hotstream_reactive.platforms.base import SearchOptions
from hotstream_reactive.platforms.progress import Progress, TargetProgress, resumed
from hotstream_reactive.platforms.zhihu.query import (
    Wishes,
    account_target,
    list_target,
    search_targets,
    wishes,
)
from hotstream_reactive.settings import Settings
from hotstream_reactive.settings_file import load


@pytest.mark.parametrize(
    ("given", "name", "path"),
    [
        ("someone", "someone", "/people/someone/answers"),
        ("@some-one_1", "some-one_1", "/people/some-one_1/answers"),
        ("people/someone", "someone", "/people/someone/answers"),
        ("org/firm", "org/firm", "/org/firm/answers"),
        ("https://www.zhihu.com/people/someone/pins?x=1", "someone", "/people/someone/answers"),
        ("www.zhihu.com/org/firm/", "org/firm", "/org/firm/answers"),
        ("question/19550225", "question/19550225", "/question/19550225"),
        ("https://www.zhihu.com/question/1/answer/2", "question/1", "/question/1"),
        ("column/c_100", "column/c_100", "/column/c_100"),
        ("https://zhuanlan.zhihu.com/mycolumn", "column/mycolumn", "/column/mycolumn"),
    ],
)
def test_accounts_in_all_spellings(given: str, name: str, path: str) -> None:
    target = account_target(given, Wishes())
    assert (target.name, target.path) == (name, path)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "a b",
        "../signin",
        "people/..",
        "people/a?x=1",
        "question/abc",
        "question/",
        "column/a%2Fb",
        "https://evil.example/people/someone",
        "https://zhihu.com.evil.example/people/a",
        "https://www.zhihu.com/logout",
        "http://[",
        "x" * 65,
    ],
)
def test_what_is_no_account(given: str) -> None:
    with pytest.raises(PermanentError) as caught:
        account_target(given, Wishes())
    assert caught.value.kind == "bad_account"


@pytest.mark.parametrize(
    ("what", "path", "answer"),
    [
        ("answers", "/people/a/answers", "/api/v4/members/a/answers"),
        ("articles", "/people/a/posts", "/api/v4/org/a/articles"),
        ("pins", "/people/a/pins", "/api/v4/v2/pins/a/moments"),
        ("activities", "/people/a/activities", "/api/v3/moments/a/activities"),
    ],
)
def test_lists_of_an_account(what: str, path: str, answer: str) -> None:
    target = account_target("a", wishes(SearchOptions(extra={"what": what})))
    assert target.path == path
    assert target.is_answer(f"https://www.zhihu.com{answer}?offset=20")
    assert not target.is_answer("https://www.zhihu.com/api/v4/me?x=/members/a/answers")


@pytest.mark.parametrize(
    "options",
    [
        {"what": "followers"},
        {"vertical": "people"},
        {"time_interval": "forever"},
        {"kind": "cold"},
        {"sort": "random"},
        {"vertical": ["answer"]},
    ],
)
def test_bad_options_say_what_is_allowed(options: dict[str, Any]) -> None:
    with pytest.raises(PermanentError, match="expected") as caught:
        wishes(SearchOptions(extra=options))
    assert caught.value.kind == "bad_option"


def test_bad_dates() -> None:
    for day in ("2026-1-1", "2026-02-30", "yesterday"):
        with pytest.raises(PermanentError):
            wishes(SearchOptions(since=day))


def test_order_by_its_names() -> None:
    for name, sort in (("newest", "created_time"), ("top", "upvoted_count"), ("relevance", "")):
        assert wishes(SearchOptions(sort_by=name)).sort == sort
    assert wishes(SearchOptions(extra={"sort": "created_time"})).sort == "created_time"
    newest = account_target("question/1", wishes(SearchOptions(sort_by="newest")))
    assert newest.path == "/question/1/answers/updated"


def test_keywords() -> None:
    first, second = search_targets([" 猫  狗 ", "a&b", "猫 狗"], Wishes())
    assert (first.name, second.path) == ("猫 狗", "/search?type=content&q=a%26b")
    with pytest.raises(PermanentError) as caught:
        search_targets([" "], Wishes())
    assert caught.value.kind == "no_keywords"


def test_hot_list_for_those_who_are_signed_in() -> None:
    assert list_target("hot", is_signed_in=True).path == "/hot"
    assert list_target("hot", is_signed_in=False).path == "/billboard"
    assert list_target("topsearch", is_signed_in=True).path == "/topsearch"


def test_checkpoints_are_bounded_and_belong_to_their_targets() -> None:
    seen = [f"answer:{number}" for number in range(20_000)]
    progress = Progress(mode="monitor", targets={"a": TargetProgress(items=3, seen=seen, page=4)})
    saved = progress.saved()
    assert len(str(saved)) < 200_000
    assert resumed(saved, "monitor", ["a"]).of("a").page == 4
    assert resumed(saved, "monitor", ["b"]).targets == {}
    assert resumed(saved, "search", ["a"]).targets == {}
    assert resumed({"mode": 5}, "search", ["a"]).targets == {}


class TestDefaults:
    def test_off_and_slow_unless_configured(self) -> None:
        zhihu = Settings().platform("zhihu")
        assert zhihu.enabled is False
        assert (zhihu.rate_limit.requests_per_minute, zhihu.max_running) == (6, 1)
        assert Settings().platform("twitter").enabled is True

    def test_other_keys_do_not_switch_it_on(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_text("[platforms.zhihu]\nstorage_state = 'zhihu-session.json'\n")
        zhihu = load(file, environ={}).settings.platform("zhihu")
        assert zhihu.storage_state == "zhihu-session.json"
        assert (zhihu.enabled, zhihu.rate_limit.requests_per_minute) == (False, 6)
        environ = {"HOTSTREAM_PLATFORMS_ZHIHU_ENABLED": "true"}
        zhihu = load(file, environ=environ).settings.platform("zhihu")
        assert (zhihu.enabled, zhihu.rate_limit.requests_per_minute) == (True, 6)

    def test_a_refused_value_names_its_own_default(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_text("[platforms.zhihu]\nenabled = 'perhaps'\n")
        with pytest.raises(Exception, match=r"remove it for the default false"):
            load(file, environ={})
