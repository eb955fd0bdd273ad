"""The pages about plugins do what they say: Python, TOML and commands are run, links lead on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomli

from hotstream_reactive.cli.main import VERBS
from tests.cli.command import Cli, bare_environment

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "plugins").glob("*.md"))
WITH_PYTHON = [page for page in PAGES if "```python" in page.read_text("utf-8")]


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language, "" for those without."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    return [text for found, text in fences if found == language]


def names(page: Path) -> str:
    return page.stem


@pytest.mark.parametrize("page", WITH_PYTHON, ids=names)
def test_python_runs_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    (tmp_path / "test_page.py").write_text("\n".join(blocks(page, "python")), "utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py"],
        cwd=tmp_path,
        env=bare_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout


def test_the_classes_of_a_page_are_found_as_plugins(tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    kept = {"first-platform": "tearoom", "storage": "sqlite"}
    for page in WITH_PYTHON:
        if page.stem in kept:
            source = "\n".join(blocks(page, "python"))
            (folder / f"{kept[page.stem]}.py").write_text(source, "utf-8")
    answer = blocks(ROOT / "docs" / "plugins" / "first-platform.md", "json")[0]
    (tmp_path / "answer.json").write_text(answer, "utf-8")
    env = bare_environment() | {"HOTSTREAM_PLUGINS_PLUGIN_DIRS": "plugins"}
    cli = Cli(tmp_path, env)
    assert cli("plugins", "check", "tearoom").code == 0
    assert cli("plugins", "check", "sqlite").code == 0
    parsed = cli("parse", "tearoom", "answer.json", "--json").json
    assert [item["id"] for item in parsed["items"]] == ["tearoom_7"]
    assert parsed["items"][0]["metadata"] == {"likes": 3}


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_settings_and_commands_are_ones(page: Path, tmp_path: Path) -> None:
    for text in blocks(page, "toml"):
        assert tomli.loads(text)
    cli = Cli(tmp_path, bare_environment())
    (tmp_path / "plugins").mkdir()
    for line in "".join(blocks(page, "sh")).splitlines():
        assert line.startswith("hotstream ")
        ran = cli(*line.split()[1:])
        assert ran.code == 0, f"{line}: {ran.err}"
    for line in "".join(blocks(page, "")).splitlines():
        words = [*line.split(), "", ""]
        assert words[0] != "hotstream" or words[1] in VERBS, line


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_is_in_the_list() -> None:
    listed = (ROOT / "docs" / "plugins" / "README.md").read_text("utf-8")
    for page in PAGES:
        assert page.stem == "README" or f"({page.name})" in listed
