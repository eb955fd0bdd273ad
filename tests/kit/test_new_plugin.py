"""`hotstream plugins`: a new package passes its own tests and is found; broken ones are named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tomli

from tests.cli.command import Cli, bare_environment

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line in a folder without MongoDB."""
    return Cli(tmp_path, bare_environment())


def installed(folder: Path) -> dict[str, str]:
    """The environment in which the package below `folder` is installed, as pip lays it out."""
    project = tomli.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(head)
    lines = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}


@pytest.mark.parametrize(("name", "folder"), [("mysite", "hotstream-mysite"), ("a1_b2", "other")])
def test_a_new_package_passes_its_own_tests_and_is_found(cli: Cli, name: str, folder: str) -> None:
    where = () if folder.endswith(name) else ("--dir", folder)
    made = cli("plugins", "new", name, *where)
    assert made.code == 0, made.err
    target = cli.folder / folder
    written = {str(p.relative_to(cli.folder)) for p in target.rglob("*") if p.is_file()}
    assert set(made.out.split()) == written
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=target,
        env=cli.env | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout
    assert " passed" in tests.stdout
    assert "skipped" not in tests.stdout
    env = installed(target)
    checked = cli.start("plugins", "check", name, "--json", env=env).communicate()[0]
    assert {(f["kind"], f["result"]) for f in json.loads(checked)["findings"]} == {
        ("platform", "ok"),
        ("extractor", "ok"),
    }
    page = str(target / "tests" / "recordings" / "page1.json")
    parsed = json.loads(cli.start("parse", name, page, "--json", env=env).communicate()[0])
    assert [item["id"] for item in parsed["items"]] == [f"{name}_101", f"{name}_100"]
    assert parsed["next_cursor"] == "2"


def test_what_is_there_is_never_written_over(cli: Cli) -> None:
    mine = cli.folder / "hotstream-mysite"
    mine.mkdir()
    (mine / "README.md").write_text("mine")
    refused = cli("plugins", "new", "mysite")
    assert refused.code == 4
    assert "--dir" in refused.err
    assert [path.name for path in mine.iterdir()] == ["README.md"]
    (cli.folder / "link").symlink_to("nowhere")
    assert cli("plugins", "new", "mysite", "--dir", "link").code == 4
    (cli.folder / "empty").mkdir()
    assert cli("plugins", "new", "mysite", "--dir", "empty").code == 0
    assert cli("plugins", "new", "mysite", "--dir", "no/such/place").code == 2
    assert sorted(path.name for path in cli.folder.iterdir()) == [
        "empty",
        "hotstream-mysite",
        "link",
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("My-Site", "'my_site' would do"),
        ("9gag", "'gag' would do"),
        ("class", "lower-case letters"),
        ("中文", "lower-case letters"),
        ("a__b", "'a_b' would do"),
        ("../x", "'x' would do"),
        ("\x1b[2J", "lower-case letters"),
        ("", "lower-case letters"),
        ("x" * 33, "up to 32"),
        ("twitter", "there is a platform 'twitter' already"),
    ],
)
def test_names_that_cannot_be_are_refused_with_one_that_can(cli: Cli, name: str, said: str) -> None:
    refused = cli("plugins", "new", name)
    assert refused.code == 2
    assert said in " ".join(refused.err.split())
    refused.assert_harmless()
    assert list(cli.folder.iterdir()) == []


def test_broken_plugins_are_named_with_their_reason(cli: Cli) -> None:
    folder = cli.folder / "plugins"
    folder.mkdir()
    (folder / "bad.py").write_text("import no_such_module")
    (folder / "angry.py").write_text(
        "from hotstream_reactive import DataExtractor\n"
        "class AngryExtractor(DataExtractor):\n"
        "    def __init__(self): raise RuntimeError('not today\\x1b[2J')\n"
        "    async def extract(self, raw_data): ...\n"
    )
    (cli.folder / "config.toml").write_text('[plugins]\nplugin_dirs = ["plugins"]')
    checked = cli("plugins", "check", COLUMNS="60")
    assert checked.code == 1
    assert "No module named 'no_such_module'" in checked.out
    assert "not today" in checked.out
    checked.assert_harmless()
    assert cli("plugins", "check", "twitter").code == 0
    assert cli("plugins", "check", "bad").code == 1
    missing = cli("plugins", "check", "nosuch")
    assert missing.code == 3
    assert "plugin_dirs" in missing.err
    listed = cli("plugins", "list", "--json").json
    assert {(p["kind"], p["name"], p["source"]) for p in listed["plugins"]} >= {
        ("platform", "twitter", "built in"),
        ("storage", "json", "built in"),
    }
    assert [broken["name"] for broken in listed["broken"]] == ["bad"]
    assert "bad" in cli("plugins", "list").out
