"""The drawing: the same data on screens of every size, with names of every kind."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from stage import HOSTILE, NOW, Stage, busy, date, harmless

from hotstream_reactive.dashboard.focus import Focus, help_lines
from hotstream_reactive.dashboard.look import Look
from hotstream_reactive.dashboard.snapshot import READS_ONLY, RECONNECTING
from hotstream_reactive.dashboard.table import Column, fitting
from hotstream_reactive.dashboard.words import Words, language_of
from hotstream_reactive.model.controls import Control, Controls


def test_120_columns_show_everything() -> None:
    text = busy().text(120, 44)
    for part in (
        "hotstream",
        "db1.example:27017/hotstream",
        "rs0 3/3 primary",
        "● live",
        "Running 4/8",
        "search_002",
        "62/100",
        "processing",
        "web-1-a1b2c3",
        "Next up 24",
        "starts now",
        "✗ final",
        "↻ retry in 40s",
        "Workers 2",
        "Platforms",
        "✓ completed",
        "↑↓ select",
    ):
        assert part in text, part


@pytest.mark.parametrize(
    ("width", "shown", "left_out"),
    [
        (200, ["phase", "worker", "platform", "clock"], []),
        (120, ["phase", "worker", "platform"], ["clock"]),
        (95, ["worker", "platform"], ["phase"]),
        (80, ["platform"], ["phase", "worker"]),
        (70, ["prio", "age/limit"], ["phase", "worker", "platform"]),
    ],
)
def test_columns_leave_in_a_fixed_order(width: int, shown: list[str], left_out: list[str]) -> None:
    lines = busy().text(width, 40).splitlines()
    heading = next(line for line in lines if line.startswith("Running")) + lines[0]
    assert all(name in heading for name in shown)
    assert not any(name in heading for name in left_out)


@pytest.mark.parametrize(("width", "shown"), [(200, True), (80, True), (61, False), (40, False)])
def test_the_memory_of_workers_leaves_first(width: int, shown: bool) -> None:
    text = busy().text(width, 40)
    assert ("58 MB" in text) is shown
    assert "web-1-a1b2c3" in text


@pytest.mark.parametrize("width", [40, 50, 60])
def test_narrow_screens_take_two_lines_for_a_task(width: int) -> None:
    lines = busy().text(width, 40).splitlines()
    first = next(n for n, line in enumerate(lines) if "● search_002" in line)
    assert "62%" in lines[first + 1] and "62/100" in lines[first + 1]


@pytest.mark.parametrize(("width", "height"), [(39, 24), (80, 9), (10, 3), (1, 1)])
def test_a_tiny_screen_shows_one_line(width: int, height: int) -> None:
    screen = busy().screen(width, height)
    assert len(screen.lines) == 1
    if width > 30:
        assert "4/8" in screen.lines[0].plain


@pytest.mark.parametrize("height", [10, 14, 18, 24, 31, 60])
def test_what_does_not_fit_is_counted(height: int) -> None:
    stage = Stage()
    for n in range(50):
        stage.insert(f"t{n:02}", at=-n)
    text = stage.text(80, height)
    shown = len(re.findall(r"^  ◌ t\d\d ", text, re.MULTILINE))
    assert shown > 0
    assert f"+{50 - shown} more" in text


def test_a_retry_says_when() -> None:
    stage = Stage()
    stage.insert("t1", retry_count=3)
    stage.claim("t1")
    later = date(NOW + 40)
    stage.update("t1", status=0, current_retry=1, run_at=later, error_message="timeout: slow")
    assert "backoff 1/3 40s" in stage.text(120, 30)


def test_the_selected_task_stays_in_sight() -> None:
    stage = Stage()
    for n in range(30):
        stage.insert(f"t{n:02}", at=n)
    focus = Focus(selected="t17")
    assert "▸ ◌ t17" in stage.text(80, 24, focus=focus)


@given(
    width=st.integers(1, 220),
    height=st.integers(1, 70),
    name=st.text(max_size=60),
    key=st.text(min_size=1, max_size=40),
    ascii_only=st.booleans(),
    language=st.sampled_from(["en", "zh"]),
)
@settings(deadline=None, max_examples=150)
def test_no_name_and_no_size_break_the_screen(
    width: int, height: int, name: str, key: str, ascii_only: bool, language: str
) -> None:
    stage = busy()
    stage.insert(key, at=-1, name=name, platform=name, priority=1, immediate=True)
    stage.insert(HOSTILE, name=name)
    stage.claim(key)
    look = Look(Words("zh" if language == "zh" else "en"), ascii_only=ascii_only)
    screen = stage.screen(width, height, look=look)
    if ascii_only and language == "en":
        assert all(line.plain.isascii() for line in screen.lines)


def test_hostile_texts_are_shown_and_do_nothing() -> None:
    stage = Stage()
    stage.insert("t1", name=HOSTILE, platform=HOSTILE, worker_id=HOSTILE)
    stage.claim("t1", worker=HOSTILE)
    stage.update("t1", status=3, error_message=f"Oops: {HOSTILE}")
    text = stage.text(200, 40)
    assert "[/x] [bold red]no[/]" in text
    assert harmless(text.replace("\n", ""))


def test_wide_characters_keep_the_columns() -> None:
    stage = Stage()
    stage.insert("latin", at=-9, name="x" * 60)
    stage.insert("任务", at=-8, name="任" * 60)
    screen = stage.screen(120, 30)
    lines = [line for line in screen.lines if "starts now" in line.plain]
    places = [line[: line.plain.index("starts now")].cell_len for line in lines]
    assert len(places) == 2 and places[0] == places[1]


def test_states_are_words_and_glyphs_not_colours_alone() -> None:
    stage = busy()
    stage.snapshot.controls = Controls(platforms={"zhihu": Control(paused=True)})
    text = stage.text(120, 44)
    for state in ("‖ paused", "✗ failed", "↻ retry", "✓ completed", "● claimed", "platform paused"):
        assert state in text, state
    plain = stage.text(120, 44, look=Look(ascii_only=True))
    for state in ("= paused", "x failed", "~ retry", "+ completed", "* claimed"):
        assert state in plain, state


def test_chinese() -> None:
    text = busy().text(120, 44, look=Look(Words("zh")))
    for word in ("运行中 4/8", "即将运行", "最近失败", "工作进程", "平台", "事件", "退出"):
        assert word in text, word


@pytest.mark.parametrize(
    ("environ", "encoding", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "utf-8", "zh"),
        ({"LANG": "zh_CN.GBK"}, "gbk", "zh"),
        ({"LANG": "zh_CN.UTF-8"}, "ascii", "en"),
        ({"LANG": "de_DE.UTF-8"}, "utf-8", "en"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "utf-8", "en"),
        ({}, "utf-8", "en"),
    ],
)
def test_the_language_comes_from_the_locale(
    environ: dict[str, str], encoding: str, language: str
) -> None:
    assert language_of(environ, encoding) == language


def test_an_empty_fleet_says_what_to_do() -> None:
    stage = Stage()
    stage.snapshot.workers = []
    text = stage.text(100, 30)
    assert "no workers" in text
    assert "hotstream start-daemon" in text
    assert "nothing runs" in text and "the queue is empty" in text


def test_the_view_says_when_it_is_not_live() -> None:
    stage = busy()
    stage.snapshot.stream = READS_ONLY
    assert "(reads only)" in stage.text(120, 40).splitlines()[0]
    stage.snapshot.stream = RECONNECTING
    assert "(reconnecting)" in stage.text(80, 24).splitlines()[0]
    stage.snapshot.trouble = "MongoDB did not answer"
    assert "MongoDB did not answer" in stage.text(80, 24).splitlines()[-1]


def test_a_silent_worker_and_a_late_heartbeat_stand_out() -> None:
    stage = busy()
    text = stage.text(120, 44, now=NOW + 40)
    assert "✗ web-1-a1b2c3" in text and "silent" in text
    assert "Running 4/0" in text
    assert "45s!" in text


def test_without_keys_the_footer_names_the_verbs() -> None:
    last = busy().text(90, 24, focus=Focus(keys=False)).splitlines()[-1]
    assert "hotstream promote|cancel|retry|explain TASK" in last


@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_footer_always_names_help_and_quit(width: int) -> None:
    last = busy().text(width, 24).splitlines()[-1]
    assert "? help" in last and "q quit" in last


def test_a_panel_stands_in_place_of_the_tables() -> None:
    focus = Focus(panel=help_lines(Look()))
    text = busy().text(60, 30, focus=focus)
    assert "move the selection" in text and "any key closes this" in text
    assert "Running" not in text
    # Long lines are wrapped and not cut.
    assert "no run_at" in text


@pytest.mark.parametrize(("width", "height"), [(40, 12), (40, 10), (60, 14), (200, 12)])
def test_a_panel_on_a_low_screen_shows_the_beginning_of_everything(width: int, height: int) -> None:
    lines = busy().text(width, height, focus=Focus(panel=help_lines(Look()))).splitlines()
    assert len(lines) == height and all(cell_len(line) <= width for line in lines)
    text = "\n".join(lines)
    assert "move the selection" in text and "any key closes this" in text
    assert re.search(r"\+\d+ more", text) or "leave; tasks and" in text


def test_nothing_stands_between_a_cut_text_and_its_mark() -> None:
    look = Look()
    for text in ("AI 与数据库 每日搜索", "plain words", "任务任务任务"):
        for width in range(1, 20):
            cut = look.fit(text, width)
            assert cell_len(cut) == width
            assert " …" not in cut


def test_events_have_the_clock_of_this_place_or_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert Look().clock(NOW) == f"{date(NOW + 8 * 3600):%H:%M:%S}"
        assert Look(utc=True).clock(NOW) == f"{date(NOW):%H:%M:%S}"
        here, utc = (busy().text(120, 50, look=Look(utc=utc)) for utc in (False, True))
        assert here != utc
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_platform_that_no_worker_runs_is_not_ok() -> None:
    stage = busy()
    stage.insert("odd", task_id="odd", platform="weibo", keywords=["a"])
    line = next(line for line in stage.text(120, 50).splitlines() if " weibo " in line)
    assert "✗ no worker" in line


def test_the_filter_lets_through_what_holds_the_text() -> None:
    text = busy().text(120, 44, focus=Focus(filter="SEARCH_01"))
    assert "search_012" in text and "search_002" not in text
    assert "/SEARCH_01" in text.splitlines()[-1]
    assert "nothing matches the filter" in busy().text(focus=Focus(filter="no such thing"))


@given(width=st.integers(1, 300), gap=st.integers(1, 2))
def test_columns_fill_the_width_and_never_more(width: int, gap: int) -> None:
    columns = (
        Column("id", 12, 30, weight=3),
        Column("name", 10, 44, drop=2),
        Column("phase", 10, 12, drop=1),
    )
    layout = fitting(columns, width, gap)
    used = sum(size for _, size in layout) + gap * (len(layout) - 1)
    assert used <= width
    assert all(size <= column.most for column, size in layout)
