"""Completion in a shell, `--version`, `--quiet`, and the reference in docs/."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from tests.cli.command import HOSTILE, Cli

Db = Database[dict[str, Any]]
ROOT = Path(__file__).parents[2]


def offers(cli: Cli, words: str, **env: str) -> list[str]:
    """What a shell would show for this line, whose last word is being typed."""
    place = str(len(words.split(" ")) - 1)
    asked = {"_HOTSTREAM_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": place}
    result = cli(**(asked | env))
    assert (result.code, result.err) == (0, "")
    result.assert_harmless()
    return [line.removeprefix("plain,") for line in result.out.splitlines() if line]


@pytest.fixture
def filled(sync_database: Db) -> Db:
    names = ["search_001", "search_002", "数据", "$(touch owned)", "a b", "-x", "", HOSTILE]
    sync_database.tasks.insert_many([{"task_id": name} for name in names])
    sync_database.tasks.insert_many([{"task_id": 7}, {"task_id": {"$gt": ""}}, {}])
    return sync_database


def test_ids_of_tasks(cli: Cli, filled: Db) -> None:
    assert offers(cli, "hotstream show ") == ["search_001", "search_002", "数据"]
    for verb in ("watch", "explain", "history", "retry", "promote", "query-data --task"):
        assert offers(cli, f"hotstream {verb} search_") == ["search_001", "search_002"]
    assert offers(cli, "hotstream cancel search_001 ") == ["search_002", "数据"]
    assert offers(cli, "hotstream show .*") == []
    assert offers(cli, "hotstream --database other show ") == []


def test_verbs_options_and_platforms(offline: Cli) -> None:
    assert offers(offline, "hotstream sh") == ["show"]
    assert offers(offline, "hotstream cancel --dry") == ["--dry-run"]
    assert offers(offline, "hotstream list --status pen") == ["pending"]
    assert "twitter" in offers(offline, "hotstream list --platform tw")
    assert "twitter" in offers(offline, "hotstream pause tw")


@pytest.mark.parametrize(
    ("words", "env"),
    [
        ("hotstream show ", {"MONGODB_URI": "mongodb://127.0.0.1:1/"}),
        ("hotstream show ", {"MONGODB_URI": "mongodb://nowhere.invalid/"}),
        ("hotstream show ", {"MONGODB_URI": "nonsense"}),
        ("hotstream show ", {"HOTSTREAM_NONSENSE_KEY": "1"}),
        ("hotstream show ", {}),
        ("hotstream nosuch ", {}),
        ('hotstream show "unbalanced', {}),
        ("hotstream -c /nowhere/config.toml show ", {}),
        ("hotstream show ", {"_HOTSTREAM_COMPLETE": "nonsense"}),
        ("hotstream show ", {"_HOTSTREAM_COMPLETE": "elvish_complete"}),
        ("hotstream show ", {"COMP_CWORD": "x"}),
    ],
)
def test_what_goes_wrong_stays_quiet(offline: Cli, words: str, env: dict[str, str]) -> None:
    assert offers(offline, words, **env) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script(offline: Cli, shell: str) -> None:
    result = offline("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert f"_HOTSTREAM_COMPLETE={shell}_complete" in result.out
    assert offline("completion", shell, "--json").json["script"].strip() == result.out.strip()
    assert offline("completion", "nosuch").code == 2


def test_a_real_bash(cli: Cli, filled: Db) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    program = cli.folder / "hotstream"
    program.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m hotstream_reactive.cli "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    script = (
        'eval "$(hotstream completion bash)"; COMP_WORDS=(hotstream show sea); COMP_CWORD=2; '
        '_hotstream_completion hotstream; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        [bash, "--norc", "-c", script],
        env=cli.env | {"PATH": f"{cli.folder}:{os.environ['PATH']}"},
        cwd=cli.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["search_001", "search_002"]
    assert done.stderr == ""


def test_the_version_names_python_and_the_drivers(offline: Cli) -> None:
    lines = offline("--version").out.splitlines()
    assert lines[0].startswith("hotstream, version ")
    assert lines[1] == f"Python {sys.version.split()[0]}"
    assert [line.split()[0] for line in lines[2:]] == ["pymongo", "motor"]


def test_quiet_and_verbose(cli: Cli) -> None:
    assert cli("list").err == "no tasks found\n"
    assert cli("-q", "list").err == ""
    assert cli("-v", "list").code == 0
    assert cli("-q", "-v", "list").code == 2
    assert "there is no task" in cli("-q", "show", "nobody").err


def test_the_reference_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "make_cli_reference.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
