"""`config import`: the original's YAML becomes a config.toml that loads without complaint."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import tomli
import tomli_w
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.cli.original import (
    _GONE,
    _RENAMED,
    _SAME,
    _SPECIAL,
    convert,
)
from hotstream_reactive.settings_file import load
from tests.cli.command import Cli

ROOT = Path(__file__).parents[2]
CANARY = "c4n4ry"
#: Every key the original has, as its users have it.
ORIGINAL = f"""
framework: {{name: Mine, version: "1.0", debug: false, log_level: warning}}
mongodb:
  enabled: true
  uri: mongodb://scraper:{CANARY}@db.example:27017/tasks
  database: tasks
  password: {CANARY}
scheduler: {{enabled: true, check_interval: 5, max_concurrent_tasks: 8}}
storage: {{default_type: json, output_dir: out, compression: true}}
crawler:
  user_agent: "Mine/1.0"
  timeout: 30
  retry_count: 3
  delay_range: [1, 3]
  concurrent_requests: 5
platforms:
  twitter:
    enabled: true
    rate_limit: {{requests_per_minute: 20, requests_per_hour: 500}}
    config: {{headless: true, email: me@example.org, password: {CANARY}, page: {{width: 800}}}}
  medium:
    enabled: false
plugins: {{auto_discover: true, plugin_dirs: [mine]}}
security:
  encrypt_credentials: true
  proxy_rotation: true
  user_agent_rotation: true
  respect_robots_txt: true
monitoring:
  enabled: true
  metrics_interval: 60
  log_file: logs/mine.log
  log_rotation: 1 day
  log_retention: 7 days
"""
EXPECTED = {
    "framework": {"log_level": "warning"},
    "mongodb": {"database": "tasks"},
    "scheduler": {"check_interval": 5, "max_concurrent_tasks": 8},
    "storage": {"default_type": "json", "output_dir": "out"},
    "fetch": {"user_agent": "Mine/1.0", "timeout": 30, "retries": 3},
    "platforms": {
        "twitter": {
            "enabled": True,
            "respect_robots": True,
            "rate_limit": {"requests_per_minute": 20},
            "config": {"headless": True, "email": "me@example.org", "page": {"width": 800}},
        },
        "medium": {"enabled": False, "respect_robots": True},
    },
    "plugins": {"plugin_dirs": ["mine"]},
    "monitoring": {
        "log_file": "logs/mine.log",
        "log_rotation": "1 day",
        "log_retention": "7 days",
    },
}
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=4),
    st.dates(),
    st.sampled_from(["mongodb://db/", "mongodb://u:c4n4ry@db/", "json", "DEBUG", 7, 2.5]),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=6) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = sorted({*_SAME, *_RENAMED, *_GONE, *_SPECIAL})


def old(cli: Cli, text: str) -> str:
    (cli.folder / "old.yaml").write_text(text, "utf-8")
    return "old.yaml"


def test_every_key_of_the_original(offline: Cli) -> None:
    made = offline("config", "import", old(offline, ORIGINAL))
    assert made.code == 0
    assert tomli.loads(made.out) == EXPECTED
    said = re.findall(r"^left out (\S+) \((.+)\)$", made.err, re.M)
    named = [key for key, _ in said]
    assert len(named) == len(set(named)), "each once"
    assert {re.sub(r"platforms\.\w+", "platforms.*", key) for key in named} == {
        *_GONE,
        "mongodb.uri",
        "platforms.*.config.password",
    }
    assert CANARY not in made.out + made.err
    assert "***" not in made.err, "what hides secrets took it for one"
    assert "MONGODB_URI" in made.out
    assert "MONGODB_URI" in dict(said)["mongodb.uri"]
    (offline.folder / "new.toml").write_text(made.out, "utf-8")
    checked = offline("--config", "new.toml", "config", "--check")
    assert checked.code == 0, checked.err


def test_the_migration_page_has_the_same_keys() -> None:
    page = (ROOT / "docs" / "migration.md").read_text("utf-8")
    sections = {key.partition(".")[0] for key in KEYS}
    named = set()
    for cell in re.findall(r"^\| (`[^|]+) \|", page, re.M):
        table = ""
        for key in re.findall(r"`([\w.<>]+)`", cell):
            # What follows in a cell stands in the table of the first: `mongodb.uri`, `database`.
            if key.partition(".")[0] in sections:
                table = re.split(r"\.(?:[^.]+|rate_limit\.\w+)$", key)[0]
                named.add(key)
            else:
                named.add(f"{table}.{key}")
    assert {key.replace("<name>", "*") for key in named} == set(KEYS)


def test_debug_is_a_log_level() -> None:
    for text in ("{debug: true, log_level: INFO}", "{log_level: INFO, debug: true}"):
        found = convert(yaml.safe_load(f"framework: {text}"))
        assert found.settings == {"framework": {"log_level": "DEBUG"}}
        assert found.left_out == []


def test_what_cannot_be_used_is_named_and_left_out(offline: Cli) -> None:
    text = "crawler: {timeout: 0, retry_count: many}\nscheduler: 5\nplatforms: {a.b: {}}\nmine: 1\n"
    made = offline("config", "import", old(offline, text))
    assert made.code == 0
    assert tomli.loads(made.out) == {}
    for said in (
        "left out crawler.timeout (0: expected a number of seconds above 0",
        'left out crawler.retry_count ("many": expected a whole number from 0 to 10',
        "left out scheduler (should hold keys",
        "left out platforms.a.b (a platform's name",
        "left out mine (is no key of the original",
        "the default was json",
    ):
        assert said in made.err


@pytest.mark.parametrize(
    "text",
    [
        "a: [1",
        "\ta: 1",
        f"mongodb: {{password: *{CANARY}}}",
        f"mongodb: {{password: !{CANARY} x}}",
        f"password: !!int '{CANARY}'",
        f"password: !!timestamp '{CANARY}'",
        "a: !!python/object/apply:os.system ['touch ran']",
        "a: 1\n---\nb: 1\n",
        "a: \x01",
        "[" * 3000,
        "just a text",
        "- 1",
        "",
        "a: &a [1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n"
        "c: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d]",
        "a: &a {b: *a}",
    ],
)
def test_wrong_yaml_is_one_clear_line(offline: Cli, text: str) -> None:
    made = offline("config", "import", old(offline, text))
    assert made.code == 78
    assert made.out == ""
    assert len(made.err.splitlines()) == 1, made.err
    assert made.err.startswith("error: old.yaml: ")
    assert CANARY not in made.err
    assert not (offline.folder / "ran").exists()


def test_a_file_is_replaced_only_when_told_to(offline: Cli) -> None:
    call = ("config", "import", old(offline, "framework: {log_level: DEBUG}"))
    target = offline.folder / "config.toml"
    assert offline(*call, "--output", "config.toml").code == 0
    first = target.read_text("utf-8")
    assert tomli.loads(first) == {"framework": {"log_level": "DEBUG"}}
    old(offline, "framework: {log_level: ERROR}")
    refused = offline(*call, "--output", "config.toml")
    assert refused.code == 2
    assert "is there already" in refused.err
    assert target.read_text("utf-8") == first
    assert offline(*call, "--output", "config.toml", "--force").code == 0
    assert tomli.loads(target.read_text("utf-8")) == {"framework": {"log_level": "ERROR"}}


def test_json(offline: Cli) -> None:
    made = offline("config", "import", old(offline, ORIGINAL), "--json")
    assert tomli.loads(made.json["toml"]) == EXPECTED
    assert {"key": "framework.name", "reason": "is gone"} in made.json["left_out"]
    assert CANARY not in made.out


def test_the_settings_in_force_are_not_looked_at(offline: Cli) -> None:
    """Whoever imports may have a broken config.toml from doing it by hand."""
    (offline.folder / "config.toml").write_text("[nothing", "utf-8")
    assert offline("config", "import", old(offline, ORIGINAL)).code == 0


@given(st.dictionaries(st.sampled_from(KEYS), TREES, max_size=8), TREES)
def test_whatever_is_written_there_the_result_loads(values: dict[str, Any], odd: Any) -> None:
    document: dict[str, Any] = {"odd": odd}
    for key, value in values.items():
        *tables, name = key.replace("*", "twitter").split(".")
        node = document
        for table in tables:
            node = node.setdefault(table, {})
        node[name] = value
    imported = convert(document)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "new.toml")
        file.write_text(tomli_w.dumps(imported.settings), "utf-8", newline="")
        loaded = load(file, environ={})
    assert CANARY not in tomli_w.dumps(imported.settings)
    assert set(imported.settings) <= set(loaded.settings.__struct_fields__)


def test_without_the_extra_it_says_what_to_install(offline: Cli) -> None:
    name = old(offline, ORIGINAL)
    hidden = "import sys; sys.modules['yaml'] = None; from hotstream_reactive.cli import main; "
    ran = subprocess.run(
        [sys.executable, "-c", hidden + "main()", "config", "import", name],
        cwd=offline.folder,
        env=offline.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 3
    assert "pip install 'hotstream-reactive[import]'" in ran.stderr
