"""The packaged platform: installed by pip, found by its entry point, run by a real worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pymongo.database import Database

from tests.daemon_lab import Daemon, daemons, until
from tests.examples.languages import EXAMPLES, ROOT

ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Tea</title>
<entry><id>urn:1</id><title>Green</title><link href="https://tea.example/1"/>
<author><name>Ann</name></author><published>2026-01-31T08:00:00Z</published>
<summary type="html">&lt;p&gt;About &lt;b&gt;Sencha&lt;/b&gt;&lt;/p&gt;</summary></entry>
<entry><id>urn:2</id><title>Black</title><summary>About Assam</summary></entry>
</feed>"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, as pip installs it."""
    target = tmp_path_factory.mktemp("site")
    asked = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    asked += ["--target", str(target), str(EXAMPLES / "platform")]
    subprocess.run(asked, check=True)
    return target


@pytest.fixture
def feeds(tmp_path: Path) -> Iterator[str]:
    """The address of a site with one feed and one page that is none."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "tea.xml").write_text(ATOM)
    (site / "page.xml").write_text("<html><body>no feed</body></html>")
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(site))
    ) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def worker(
    mongo_server: Any,
    database_name: str,
    tmp_path: Path,
    installed: Path,
    feeds: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Daemon]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(installed), str(ROOT)]))
    (tmp_path / "none").mkdir()
    with daemons(mongo_server.uri, database_name, tmp_path, tmp_path / "none") as start:
        names = {"tea": "tea.xml", "broken": "page.xml", "gone": "gone.xml"}
        config = ", ".join(f'{name} = "{feeds}/{path}"' for name, path in names.items())
        yield start("w", platforms_feeds_config=f"{{{config}}}")


@pytest.mark.usefixtures("worker")
def test_feeds_are_monitored_and_searched(sync_database: Database[dict[str, Any]]) -> None:
    tasks = sync_database.tasks

    def run(task_id: str, **fields: Any) -> dict[str, Any]:
        task = {"task_id": task_id, "platform": "feeds", "status": 0, "retry_count": 0}
        tasks.insert_one({**task, **fields})
        ended = {"task_id": task_id, "status": {"$in": [2, 3]}}
        found: dict[str, Any] = until(lambda: tasks.find_one(ended), what=task_id)
        return found

    assert run("m", accounts=["tea"])["result_count"] == 2
    green = sync_database.data_items.find_one({"id": "feeds_urn:1"})
    assert green
    assert green["content"] == "About Sencha"
    assert (green["title"], green["author"]) == ("Green", "Ann")
    assert green["created_at"] == "2026-01-31T08:00:00Z"
    assert green["url"] == "https://tea.example/1"
    found = run("s", keywords=["ASSAM"], options={"limit": 1})
    assert (found["status"], found["result_count"]) == (2, 1)
    assert "no feed 'coffee'" in run("c", accounts=["coffee"])["error_message"]
    assert "the answer is no feed" in run("b", accounts=["broken"])["error_message"]
    assert "HTTP 404" in run("g", accounts=["gone"])["error_message"]


def test_it_is_found_by_its_entry_point(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hotstream_reactive", "plugins", "check", "feeds", "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [finding] = json.loads(done.stdout)["findings"]
    assert (finding["kind"], finding["name"]) == ("platform", "feeds")
    # As it does: a platform in one file.
    assert "it must yield DataItem itself" in finding["message"]
