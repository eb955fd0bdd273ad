"""The dashboard in a real terminal: keys, sizes, signals, and the way back."""

from __future__ import annotations

import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from glass import Glass, hotstream
from pymongo.database import Database

Tasks = Database[dict[str, Any]]
Open = Callable[..., AbstractContextManager[Glass]]


@pytest.fixture
def opened(mongo_server: Any, database_name: str, tmp_path: Path) -> Open:
    """Opens the dashboard in a terminal, and waits for its first screen."""

    @contextmanager
    def open_it(
        *arguments: str,
        width: int = 100,
        height: int = 30,
        program: list[str] | None = None,
        **env: str,
    ) -> Iterator[Glass]:
        command = program or hotstream("--database", database_name, "dashboard", *arguments)
        names = {"MONGODB_URI": mongo_server.uri, "MONGODB_DATABASE": database_name, **env}
        with Glass(command, width=width, height=height, env=names, cwd=tmp_path) as glass:
            yield glass

    return open_it


def task(task_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "name": "深夜观星 nightdome",
        "platform": "twitter",
        "keywords": ["x"],
        "status": 0,
        "priority": 5,
        "immediate": False,
        "created_at": datetime.now(UTC),
        **fields,
    }


def assert_restored(glass: Glass) -> None:
    assert not glass.alternate
    assert not glass.cursor_hidden
    assert glass.settings() == glass.before


def test_it_shows_the_fleet_and_leaves_no_trace(opened: Open, sync_database: Tasks) -> None:
    sync_database.tasks.insert_one(task("search_001"))
    with opened() as glass:
        glass.until_shown("search_001")
        assert glass.alternate and glass.cursor_hidden
        glass.until_shown("深夜观星")
        glass.until_shown("1 due")
        glass.type("q")
        assert glass.until_ended() == 0
        assert_restored(glass)
        last = glass.output.rpartition("\x1b[?1049l")[2].strip().splitlines()
        assert len(last) == 5
        assert "1 due" in last[2]


def test_an_insert_and_a_promotion_show_within_300_ms(opened: Open, sync_database: Tasks) -> None:
    # Enough that the new ones are none of those a read would bring anyway.
    sync_database.tasks.insert_many([task(f"old_{n:03}", priority=4) for n in range(150)])
    with opened(height=50) as glass:
        glass.until_shown("old_000")
        times: dict[str, list[float]] = {"insert": [], "promotion": []}
        for n in range(5):
            glass.watch(0.6)
            began = time.monotonic()
            sync_database.tasks.insert_one(task(f"new_{n}"))
            glass.until_shown(f"inserted new_{n}")
            times["insert"].append(time.monotonic() - began)
            glass.watch(0.6)
            began = time.monotonic()
            sync_database.tasks.update_one({"task_id": f"old_{140 + n}"}, {"$set": {"priority": 1}})
            glass.until_shown(f"promoted old_{140 + n}")
            glass.until_shown(f"◌ old_{140 + n}")
            times["promotion"].append(time.monotonic() - began)
        for what, seconds in times.items():
            each = ", ".join(f"{one * 1000:.0f}" for one in sorted(seconds))
            print(f"{what} visible after {each} ms")
        assert statistics.median(times["insert"]) < 0.3, times
        assert statistics.median(times["promotion"]) < 0.3, times


def test_keys_edit_the_documents(opened: Open, sync_database: Tasks) -> None:
    tasks = sync_database.tasks
    tasks.insert_one(task("waiting"))
    failed = {"status": 3, "error_message": "Oops: broken", "completed_at": datetime.now(UTC)}
    tasks.insert_one(task("broken", **failed))
    with opened() as glass:
        glass.until_shown("✗ broken")
        glass.type("j")
        glass.until_shown("▸ ◌ waiting")
        glass.type("p")
        glass.until_shown("promoted waiting")
        assert tasks.find_one({"task_id": "waiting", "priority": 1, "immediate": True})
        glass.type("c")
        glass.until_shown("cancel waiting? y/n")
        glass.type("n")
        glass.until_shown("q quit")
        assert tasks.find_one({"task_id": "waiting", "status": 0})
        glass.type("cy")
        glass.until_shown("⊘ cancelled waiting")
        assert tasks.find_one({"task_id": "waiting", "status": 4})
        glass.type("G")
        glass.until_shown("▸ ✗ broken")
        glass.type("r")
        glass.until_shown("◌ put back broken by edit")
        assert tasks.find_one({"task_id": "broken", "status": 0})
        glass.type("gge")
        glass.until_shown("no_worker: no worker is alive")
        glass.type("q")
        assert glass.until_ended() == 0


def test_filter_and_help(opened: Open, sync_database: Tasks) -> None:
    sync_database.tasks.insert_many([task("apple"), task("pear")])
    with opened() as glass:
        glass.until_shown("◌ pear")
        glass.type("/app\r")
        glass.until(lambda: "◌ apple" in glass.text and "◌ pear" not in glass.text)
        glass.type("\x1b")
        glass.until_shown("◌ pear")
        glass.type("?")
        glass.until_shown("move the selection")
        glass.type("x")
        glass.until_shown("◌ apple")


def test_another_size(opened: Open, sync_database: Tasks) -> None:
    sync_database.tasks.insert_one(task("search_001"))
    with opened(width=120, height=40) as glass:
        glass.until_shown("Platforms")
        for width, height in ((80, 24), (45, 20), (30, 5), (160, 50)):
            glass.resize(width, height)
            if width == 30:
                glass.until(lambda: "1 due" in glass.text and "Running" not in glass.text)
            else:
                glass.until(lambda rows=height: len(glass.text.split("\n")) == rows)  # type: ignore[misc]  # a default is no surprise
                glass.until_shown("Next up")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_cleanly(opened: Open, number: signal.Signals) -> None:
    with opened() as glass:
        glass.until_shown("Running")
        glass.process.send_signal(number)
        assert glass.until_ended() == 0
        assert_restored(glass)


def test_ctrl_c_is_a_key_of_the_terminal(opened: Open) -> None:
    with opened() as glass:
        glass.until_shown("Running")
        glass.type("\x03")
        assert glass.until_ended() == 0
        assert_restored(glass)


def test_ctrl_c_twice_ends_it_at_once(opened: Open) -> None:
    with opened() as glass:
        glass.until_shown("Running")
        glass.type("\x03")
        glass.until(lambda: not glass.alternate)
        glass.type("\x03")
        assert glass.until_ended(patience_s=5.0) in {0, 130}
        assert_restored(glass)


def test_suspend_and_continue(opened: Open, sync_database: Tasks) -> None:
    with opened() as glass:
        glass.until_shown("Running")
        glass.type("\x1a")
        glass.until(lambda: os.waitid(os.P_PID, glass.process.pid, os.WSTOPPED | os.WNOHANG))
        glass.until(lambda: not glass.alternate)
        assert_restored(glass)
        sync_database.tasks.insert_one(task("meanwhile"))
        glass.process.send_signal(signal.SIGCONT)
        glass.until_shown("meanwhile")
        assert glass.alternate and glass.cursor_hidden
        glass.type("q")
        assert glass.until_ended() == 0
        assert_restored(glass)


CRASH = """
import sys
import hotstream_reactive.dashboard.live as live
draw, calls = live.draw, []
def failing(*args, **kwargs):
    calls.append(1)
    if len(calls) > 2:
        raise RuntimeError("a bug [/x] \\x1b[2J")
    return draw(*args, **kwargs)
live.draw = failing
from hotstream_reactive.cli.main import run
sys.exit(run(["dashboard"]))
"""


def test_a_crash_gives_the_terminal_back(opened: Open) -> None:
    with opened(program=[sys.executable, "-c", CRASH]) as glass:
        assert glass.until_ended() == 70
        assert "\x1b[?1049h" in glass.output
        assert_restored(glass)
        assert glass.process.stderr is not None
        said = glass.process.stderr.read().decode()
        assert "RuntimeError" in said and "\x1b" not in said


def test_colours_are_not_needed(opened: Open) -> None:
    with opened(NO_COLOR="1") as glass:
        glass.until_shown("Running")
        assert "38;5" not in glass.output and "\x1b[34" not in glass.output
    with opened() as glass:
        glass.until_shown("Running")
        assert "38;5" in glass.output


def test_a_locale_without_unicode_gets_ascii(opened: Open, sync_database: Tasks) -> None:
    sync_database.tasks.insert_one(task("任务_1"))
    with opened(LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0") as glass:
        glass.until_shown("o ????_1")
        assert glass.text.isascii()


def test_chinese_by_flag_and_locale(opened: Open, sync_database: Tasks) -> None:
    with opened("--lang", "zh") as glass:
        glass.until_shown("运行中")
    with opened(LANG="zh_CN.UTF-8", LC_ALL="", PYTHONUTF8="1") as glass:
        glass.until_shown("运行中")
    sync_database.tasks.insert_one(task("search_001"))
    with opened(HOTSTREAM_LANG="zh") as glass:
        glass.until_shown("search_001")
        glass.type("je")
        glass.until_shown("没有可以认领任务的工作进程")


def test_a_dumb_terminal_gets_lines(opened: Open, sync_database: Tasks) -> None:
    with opened(TERM="dumb") as glass:
        glass.until(lambda: " summary " in glass.output)
        sync_database.tasks.insert_one(task("search_001"))
        glass.until(lambda: " inserted task=search_001 platform=twitter" in glass.output)
        sync_database.tasks.update_one({"task_id": "search_001"}, {"$set": {"priority": 1}})
        glass.until(lambda: " promoted task=search_001 priority=5→1 by=edit" in glass.output)
        glass.type("\x03")
        assert glass.until_ended() == 0
        assert "\x1b" not in glass.output


def test_without_a_keyboard_the_verbs_are_named(opened: Open) -> None:
    program = ["sh", "-c", f"exec {' '.join(hotstream('dashboard'))} < /dev/null"]
    with opened(program=program, width=120) as glass:
        glass.until_shown("hotstream promote|cancel|retry|explain TASK")
        glass.type("\x03")
        assert glass.until_ended() == 0


def test_a_worker_with_its_dashboard_drains_on_ctrl_c(opened: Open, database_name: str) -> None:
    program = hotstream("--database", database_name, "start-daemon", "--dashboard")
    with opened(program=program) as glass:
        glass.until_shown("● live", patience_s=60)
        glass.until_shown("Workers 1")
        glass.until_shown(" MB")  # what this very worker says of its memory
        glass.type("l")
        glass.until_shown("ready")
        glass.type("x\x03")
        assert glass.until_ended() == 0
        assert_restored(glass)
        assert glass.process.stderr is not None
        said = glass.process.stderr.read().decode()
        assert "draining" in said and "stopped" in said
