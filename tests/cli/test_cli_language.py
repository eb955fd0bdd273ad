"""Chinese: how it is chosen, what it reaches, and what stays as it is."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pymongo.database import Database

from hotstream_reactive.cli import language
from hotstream_reactive.cli.help import cells, fold
from hotstream_reactive.cli.main import VERBS
from tests.cli.command import HOSTILE, Cli

Db = Database[dict[str, Any]]
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
def zh() -> Any:
    language.use("zh")
    yield language.tr
    language.use("en")


@pytest.mark.parametrize(
    ("arguments", "env", "chinese"),
    [
        (("--lang", "zh", "list"), {}, True),
        (("list", "--lang", "zh"), {}, True),
        (("list", "--lang=zh"), {}, True),
        (("list",), {"HOTSTREAM_LANG": "zh"}, True),
        (("list",), {"HOTSTREAM_LANG": "zh_CN", "LC_ALL": "de_DE.UTF-8"}, True),
        (("list",), {"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, True),
        (("list",), {"LC_MESSAGES": "zh_TW.UTF-8", "LANG": "C.UTF-8"}, True),
        (("list",), {"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, False),
        (("list",), {"HOTSTREAM_LANG": "en", "LANG": "zh_CN.UTF-8"}, False),
        (("list", "--lang", "en"), {"HOTSTREAM_LANG": "zh"}, False),
        (("--lang", "en", "list", "--lang", "zh"), {}, True),
        (("list",), {}, False),
    ],
)
def test_the_choice(
    offline: Cli, arguments: tuple[str, ...], env: dict[str, str], chinese: bool
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        offline.env.pop(name, None)
    result = offline(*arguments, **env)
    assert result.code == 69
    assert bool(CHINESE.search(result.err)) is chinese
    assert ("错误：" in result.err) is chinese


def test_a_stream_that_cannot_show_it_gets_english(offline: Cli) -> None:
    env = {"PYTHONIOENCODING": "ascii", "HOTSTREAM_LANG": "zh"}
    with offline.start("list", env=env) as process:
        _, err = process.communicate(timeout=30)
    assert err.startswith("error: ")


def test_a_language_that_is_none(offline: Cli) -> None:
    result = offline("list", "--lang", "fr")
    assert result.code == 2
    assert "--lang" in result.err


def test_help_fits_its_width_in_cells(offline: Cli) -> None:
    offline.env |= {"HOTSTREAM_LANG": "zh", "COLUMNS": "80"}
    with ThreadPoolExecutor(2) as threads:
        pages = threads.map(lambda verb: (verb, offline(verb, "--help")), sorted(VERBS))
    for verb, page in pages:
        assert page.code == 0
        assert page.out.startswith("用法：hotstream")
        assert "示例：" in page.out
        for line in page.out.splitlines():
            example = "hotstream" in line or "curl" in line or line.startswith("用法")
            assert example or cells(line) <= 80, (verb, line)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lst",), "没有命令 'lst'。您是不是想用 'list'？"),
        (("list", "--nope"), "没有选项"),
        (("list", "--limit", "0"), "不在范围 1<=x<=10000 内"),
        (("list", "--limit", "many"), "'many' 不是整数"),
        (("list", "--status", "lost"), "不是下列之一"),
        (("show",), "缺少参数 'TASK'"),
        (("cancel",), "请给出要 cancel 的任务，或用 --status 和 --platform 选择"),
        (("create-task", "t", "serch", "twitter"), "任务无效：task_type：'serch'，应为"),
        (("create-task", "t", "search", "twiter", "-k", "a"), "此处没有 'twiter'，应为"),
        (("list", "--due", "--status", "failed"), "--due 和 --delayed 只针对等待的任务"),
        (("parse", "twiter", "-"), "您是不是想用 'twitter'？"),
    ],
)
def test_usage_errors(offline: Cli, arguments: tuple[str, ...], said: str) -> None:
    result = offline("--lang", "zh", *arguments)
    assert result.code in (2, 3, 65), result.err
    assert said in result.err
    assert not re.search(r"\b(Error|Usage|Try|expected|mean)\b", result.err)


def test_json_is_the_same_in_every_language(cli: Cli, sync_database: Db) -> None:
    sync_database.tasks.insert_many(
        [
            {"task_id": "t", "platform": "twitter", "keywords": ["a"], "status": 0},
            {"task_id": "wrong", "platform": 5, "status": 0},
        ]
    )
    for arguments in (
        ("list", "--json"),
        ("explain", "wrong", "--json"),
        ("explain", "t", "--json"),
        ("show", "t", "--json"),
        ("cancel", "nobody", "t", "--dry-run", "--json"),
        ("list-platforms", "--json"),
        ("config", "--json"),
    ):
        chinese = cli("--lang", "zh", *arguments)
        assert not CHINESE.search(chinese.out), arguments
        assert _shape(json.loads(chinese.out)) == _shape(json.loads(cli(*arguments).out))


def _shape(tree: Any) -> Any:
    """Without the times, which go on."""
    if isinstance(tree, dict):
        return {k: _shape(v) for k, v in tree.items() if k not in ("now", "until")}
    return [_shape(one) for one in tree] if isinstance(tree, list) else tree


def test_headings_times_and_reasons(cli: Cli, sync_database: Db) -> None:
    sync_database.tasks.insert_one(
        {"task_id": "t", "platform": "twitter", "keywords": ["a"], "status": 0, "priority": 5}
    )
    cli.env["HOTSTREAM_LANG"] = "zh"
    table = cli("list").out.splitlines()
    assert table[0].split()[:4] == ["任务", "平台", "类型", "状态"]
    assert "没有可以认领任务的工作进程" in cli("explain", "t").out
    assert "优先级 5" in cli("show", "t").out
    assert cli("cancel", "t").out == "已取消：t （原为 pending）\n"
    assert "任务 't' 早已取消" in cli("cancel", "t").err
    assert "没有任务 'u'" in cli("show", "u").err
    assert "等待：0 个到期" in cli("task-stats").out


def test_what_documents_say_is_not_translated(cli: Cli, sync_database: Db) -> None:
    """Also where it happens to be a text of our own."""
    said = "no task matches"
    sync_database.tasks.insert_one(
        {"task_id": "none", "platform": said, "status": 3, "error_message": said, "name": HOSTILE}
    )
    for verb in (("list",), ("show", "none"), ("list", "--plain"), ("task-stats",)):
        result = cli(*verb, "--lang", "zh")
        assert said in result.out, verb
        result.assert_harmless()


def test_templates(zh: Any) -> None:
    assert zh("Error: Invalid value for '-l': 0 is not in the range 1<=x<=9.") == (
        "错误：'-l' 的值无效：0 不在范围 1<=x<=9 内。"
    )
    assert zh("  invalid task: priority: 'x', expected an integer from 1 to 10") == (
        "  任务无效：priority：'x'，应为 1 到 10 的整数"
    )
    for unknown in ("something new", "it was 3 s ago", "a {brace", "{}", "", "5 d", "x items"):
        assert zh(unknown) == unknown


def test_folding() -> None:
    assert fold("任务，运行", 6) == ["任务，", "运行"]
    assert fold("用 hotstream list 查看", 12) == ["用 hotstream", "list 查看"]
    assert all(cells(line) <= 9 for line in fold("（任务）等待、运行、完成", 9))
