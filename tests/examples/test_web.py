"""The web application: a keyword goes in, and what becomes of it comes out live and harmless."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pymongo.database import Database

from hotstream_reactive.mongo.mongod import free_ports
from tests.daemon_lab import until
from tests.examples.languages import EXAMPLES, ROOT
from tests.fetch.surroundings import CHROMIUM, needs_chromium

pytestmark = pytest.mark.usefixtures("worker")
NASTY = "<img src=x onerror=\"document.title='owned'\">"


@pytest.fixture
def page() -> Iterator[httpx.Client]:
    """The application as its documentation starts it, on a free port."""
    text = (EXAMPLES / "README.md").read_text("utf-8")
    [line] = [line for line in text.splitlines() if line.startswith("uvicorn ")]
    _, *arguments = shlex.split(line)
    [port] = free_ports(1)
    with subprocess.Popen(
        [sys.executable, "-m", "uvicorn", *arguments, "--port", str(port)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as server:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:

                def answers() -> bool:
                    try:
                        return client.get("/").status_code == 200
                    except httpx.TransportError:
                        return False

                until(answers, what="the web application")
                yield client
        finally:
            server.kill()


def ask(page: httpx.Client, keyword: str) -> str:
    answer = page.post("/tasks", json={"keyword": keyword})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["task_id"])


def events(page: httpx.Client, task_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the server tells of a task, until it ends the stream."""
    with page.stream("GET", f"/tasks/{task_id}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in answer.iter_lines():
            kind, _, value = line.partition(": ")
            if kind == "event":
                name = value
            elif kind == "data":
                yield name, json.loads(value)


def test_progress_and_items_come_live(
    page: httpx.Client, sync_database: Database[dict[str, Any]]
) -> None:
    task_id = ask(page, "slow")
    told = events(page, task_id)
    seen = 0
    for name, data in told:
        seen += name == "item"
        if name == "task" and data["items"] == 2:
            assert data["state"] == "running"
            assert 0 < data["progress"] < 1
            assert seen == 2, "items are told before the state that counts them"
            break
    sync_database.tasks.update_one({"task_id": task_id}, {"$set": {"status": 4}})
    rest = list(told)
    assert [name for name, _ in rest] == ["task", "end"]
    assert rest[0][1]["state"] == "cancelled"
    # Whoever comes later sees the same.
    assert [name for name, _ in events(page, task_id)] == ["item", "item", "task", "end"]


def test_a_failure_is_told_with_its_reason(page: httpx.Client) -> None:
    told = dict(events(page, ask(page, "broken")))
    assert told["task"]["state"] == "failed"
    assert "no such thing" in told["task"]["error"]


def test_what_nobody_should_send_is_refused(page: httpx.Client) -> None:
    assert page.post("/tasks", data={"keyword": "x"}).status_code == 415
    for wrong in ({}, {"keyword": ""}, {"keyword": {"$gt": ""}}, {"keyword": "x" * 201}, []):
        assert page.post("/tasks", json=wrong).status_code == 400
    assert page.get("/tasks/none/events").status_code == 404
    assert page.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert page.get("/../app.py").status_code == 404


@needs_chromium
def test_a_person_sees_it_and_nothing_that_was_collected_is_run(page: httpx.Client) -> None:
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        window = browser.new_page()
        problems: list[str] = []
        window.on("console", lambda said: problems.append(said.text))
        window.on("pageerror", lambda error: problems.append(str(error)))
        window.goto(str(page.base_url))
        window.get_by_label("Search for").fill(NASTY)
        window.get_by_role("button", name="Go").click()
        expect(window.get_by_role("status")).to_have_text("completed, 3 items", timeout=20_000)
        lines = window.get_by_role("listitem")
        expect(lines).to_have_count(3)
        assert lines.all_text_contents() == [NASTY] * 3
        # Only addresses of the web become links.
        assert window.locator("li a").count() == 2
        assert window.title() == "HotStream live"
        window.reload()
        expect(lines).to_have_count(3)
        assert not [said for said in problems if "favicon" not in said], problems
        browser.close()
