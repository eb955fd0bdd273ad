"""What a reader copies from a page works: every block is run here, or a table says who runs it.

One real worker and the demo site serve all pages; addresses of a page become theirs. What pages
about plugins show is run in tests/kit.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tomli
from pymongo.database import Database

from hotstream_reactive.settings_file import load
from tests.cli.command import bare_environment
from tests.cli.test_cli_config_import import ORIGINAL
from tests.conftest import MongoServer
from tests.daemon_lab import daemons, until

ROOT = Path(__file__).parents[2]
CHINESE = ROOT / "README.zh-CN.md"
#: The reference of the verbs is made from their help, and tests/cli calls every verb.
PAGES = [
    page
    for page in sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")])
    if "plugins" not in page.parts and page.name not in ("cli.md", CHINESE.name)
]
RUNNABLE = {"bash", "sh", "python", "javascript", "js", "toml"}
#: Where `.ci/run` puts the MongoDB shell.
NODE_BIN = ROOT / "build" / "node" / "node_modules" / ".bin"
LONGEST_S = 60
STEP_S = 3

#: Blocks that are not run here, by page and a piece of the block, with the reason.
ELSEWHERE = {
    ("README.md", "make demo"): "this suite; tests/cli/test_cli_setup_verbs.py runs the demo",
    ("README.md", "uv pip"): "from a registry; tests/release installs the wheel from nothing",
    ("docs/deploy.md", "docker compose"): "needs Docker; tests/deploy runs what is in the files",
    ("docs/deploy.md", "kubectl"): "needs a cluster; tests/deploy reads the files",
    ("docs/fetching.md", "HttpClient"): "lines of an adapter; tests/kit runs whole ones",
    ("docs/metrics.md", "curl"): "tests/metrics asks a worker for its figures",
    ("docs/notifications.md", "is_genuine"): "tests/notify checks real messages with it",
    ("docs/performance.md", "make bench"): "takes an hour; tests/benchmarks runs each part",
    ("docs/platforms/zhihu.md", "playwright"): "opens a window for a person to sign in",
    (
        "docs/security.md",
        "passwordPrompt",
    ): "asks a person; tests/faults/test_security.py",
    (
        "docs/tutorial.md",
        "-m venv",
    ): "from a registry, as in README.md",
}
#: Lines that do not end by themselves, or whose exit code tells something: each for some seconds.
LINE_BY_LINE = {
    ("docs/dashboard.md", "hotstream dashboard --once"),
    ("docs/runbook.md", "hotstream doctor"),
}
#: Blocks whose last line runs until it is stopped, and what it says when all is well.
STAYS = {
    ("README.md", "start-daemon"): " ready ",
    ("docs/traces.md", "start-daemon"): "traces to http://127.0.0.1:4318",
}
#: What stands in for the addresses and names of the pages; lines that install are left out.
STAND_IN = {
    "mongodb://127.0.0.1:27017/?replicaSet=rs0": "{mongodb}",
    "http://127.0.0.1:8080": "{site}",
    'client["hotstream"]': 'client["{database}"]',
    "monitor NASA ESA": "monitor nightdome slowtrain",
}


class Block(NamedTuple):
    """A fenced block; `page` is its path from the top of the repository."""

    page: str
    line: int
    language: str
    text: str

    def among(self, table: dict[tuple[str, str], Any] | set[tuple[str, str]]) -> Any:
        """The entry of a table for this block."""
        for page, piece in table:
            if page == self.page and piece in self.text:
                return table[page, piece] if isinstance(table, dict) else piece
        return None


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    name = page.relative_to(ROOT).as_posix()
    return [
        Block(name, text[: found.start()].count("\n") + 1, found[1], found[2])
        for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    ]


BLOCKS = [block for page in PAGES for block in blocks_of(page) if block.language in RUNNABLE]
TUTORIAL = [block for block in BLOCKS if block.page == "docs/tutorial.md"]


def those(*languages: str) -> Any:
    """Parameters: the blocks that are run one by one."""
    found = [
        block
        for block in BLOCKS
        if block.language in languages and not block.among(ELSEWHERE) and block not in TUTORIAL
    ]
    return pytest.mark.parametrize(
        "block", found, ids=[f"{block.page}:{block.line}" for block in found]
    )


class Reader:
    """A folder and an environment, and a way to run something there."""

    def __init__(self, folder: Path, **environ: str) -> None:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.folder = folder
        self.env = bare_environment() | {"PATH": path, "PYTHONUNBUFFERED": "1"} | environ

    def run(self, *command: str, codes: tuple[int, ...] = (0,)) -> str:
        ran = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        assert ran.returncode in codes, ran.stdout
        return ran.stdout

    def start(self, script: str) -> subprocess.Popen[str]:
        """A shell with a process group of its own, as a terminal gives it."""
        return subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


class World(Reader):
    """A reader with a database, a worker and a site, which stand in for those of a page."""

    def __init__(self, folder: Path, uri: str, site: str, database: Database[Any]) -> None:
        super().__init__(
            folder,
            MONGODB_URI=uri,
            MONGODB_DATABASE=database.name,
            HOTSTREAM_PLATFORMS_TWITTER_INSTANCES=site,
        )
        self.database = database
        self._values = {"mongodb": uri, "site": site, "database": database.name}

    def text(self, block: Block) -> str:
        """The block as it is run."""
        text = "".join(
            line for line in block.text.splitlines(True) if not line.startswith("pip install ")
        )
        for theirs, ours in STAND_IN.items():
            text = text.replace(theirs, ours.format(**self._values))
        return text


def says(process: subprocess.Popen[str], text: str) -> str:
    """Wait for a line of its output, and give the line."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return line
    raise AssertionError(f"it ended without {text!r}:\n{seen}")


def stop(process: subprocess.Popen[str]) -> None:
    """Ctrl-C; what does not end is killed with all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the demo site."""
    command = [sys.executable, "-u", "-m", "hotstream_reactive.platforms.twitter.demo_site"]
    process = subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    yield says(process, "http").strip()
    stop(process)


@pytest.fixture
def world(fleet: World, tmp_path: Path) -> World:
    """The fleet as seen from an empty folder, but for what pages speak of."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "hotstream.yaml").write_text(ORIGINAL, "utf-8")
    fleet.folder = tmp_path
    return fleet


@pytest.fixture(scope="module")
def fleet(
    tmp_path_factory: pytest.TempPathFactory,
    mongo_server: MongoServer,
    sync_client: Any,
    site: str,
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("reader")
    database = sync_client[f"hotstream_test_pages_{os.getpid()}"]
    with daemons(mongo_server.uri, database.name, folder / "worker", folder / "none") as start:
        start("w1", platforms_twitter_instances=site, plugins_plugin_dirs="")
        yield World(folder, mongo_server.uri, site, database)
    sync_client.drop_database(database.name)


def test_every_entry_of_the_tables_is_about_a_block() -> None:
    for table in (ELSEWHERE, STAYS, LINE_BY_LINE):
        for page, piece in table:
            found = [block for block in BLOCKS if block.page == page and piece in block.text]
            assert len(found) == 1, (page, piece)


def test_the_chinese_readme_shows_the_same() -> None:
    """But for comments and for texts that people write; so it need not be run again."""

    def bare(page: Path) -> list[str]:
        comments = r"(?m)\s+(#|//) .*$"
        return [
            re.sub(r'"[^"]*"', '""', re.sub(comments, "", block.text)) for block in blocks_of(page)
        ]

    assert bare(CHINESE) == bare(ROOT / "README.md")


@those("bash", "sh")
def test_shell(world: World, block: Block) -> None:
    made = re.findall(r"create-task (\S+)", block.text)
    world.database.tasks.delete_many({"task_id": {"$in": made}})  # a rerun has them already
    if block.among(LINE_BY_LINE):
        text = world.text(block)
        if shutil.which("jq") is None:  # what the page looks at it with is not ours
            text = re.sub(r"\| jq .*", "", text)
        for line in text.splitlines():
            # As long as it takes to see that it runs; `timeout` and `grep` have codes of their own.
            said = world.run(
                "timeout", "-s", "INT", str(STEP_S), "bash", "-c", line, codes=(0, 1, 3, 124, 130)
            )
            assert not re.search("^(Traceback|Usage|[Ee]rror|bash):?", said, re.M), said
    elif ready := block.among(STAYS):
        process = world.start(world.text(block))
        says(process, ready)
        stop(process)
        assert process.returncode == 0
    else:
        world.run("bash", "-ec", world.text(block))
    for task_id in re.findall(r"create-task (\S+) search", block.text):
        done(world, task_id)
    if "--export" in block.text:
        assert (world.folder / "items.csv").stat().st_size


@those("javascript", "js")
def test_mongosh(world: World, block: Block) -> None:
    path = os.pathsep.join([os.environ["PATH"], str(NODE_BIN)])
    shell = shutil.which("mongosh", path=path)
    if shell is None:
        pytest.skip("there is no mongosh: npm install --prefix build/node mongosh")
    world.database.tasks.delete_many({"task_id": "search_002"})
    script = f"db = db.getSiblingDB('{world.database.name}');\n{world.text(block)}"
    (world.folder / "page.js").write_text(script, "utf-8")
    world.run(shell, "--quiet", world.env["MONGODB_URI"], "page.js")
    if "search_002" in block.text:
        done(world, "search_002")
    assert world.database.controls.count_documents({"paused": True}) == 0


@those("python")
def test_python(world: World, block: Block) -> None:
    (world.folder / "page.py").write_text(world.text(block), "utf-8")
    world.run(sys.executable, "page.py")
    order = world.database.orders.find_one()
    assert order is not None
    done(world, f"order-{order['_id']}")


@those("toml")
def test_settings(block: Block, tmp_path: Path) -> None:
    assert tomli.loads(block.text)
    (tmp_path / "config.toml").write_text(block.text, "utf-8")
    load(tmp_path / "config.toml", environ={})


def done(world: World, task_id: str) -> None:
    """Wait until the worker has completed the task."""

    def ended() -> Any:
        return world.database.tasks.find_one({"task_id": task_id, "status": {"$gte": 2}})

    task = until(ended, timeout_s=30, what=task_id)
    assert task["status"] == 2, task.get("error_message")


def test_the_tutorial_from_top_to_bottom(tmp_path: Path) -> None:
    """In three terminals, with an embedded MongoDB of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])

    def text(block: Block) -> str:
        return block.text.replace("8089", port)

    site, worker, *rest = [
        block
        for block in TUTORIAL
        if not block.among(ELSEWHERE)  # the environment is this one
    ]
    reader = Reader(tmp_path)
    [program] = [block for block in rest if block.language == "python"]
    (tmp_path / "app.py").write_text(text(program), "utf-8")
    terminals = [reader.start(text(site))]
    try:
        says(terminals[0], f":{port}")
        terminals.append(reader.start(text(worker)))
        says(terminals[1], " ready ")
        script = "".join(text(block) for block in rest if block.language == "bash")
        said = reader.run("bash", "-ec", script)
    finally:
        for terminal in reversed(terminals):
            stop(terminal)
    assert said.count("twitter_") == 5 + 3
    for told in ("5 items", "it failed, as it should", "status 2, 100%", "cancelled"):
        assert told in said
    assert terminals[1].returncode == 0
