"""Notifications: to a real server that fails first, to a real program, from a real worker."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from pymongo.database import Database

from hotstream_reactive.engine.events import Event, Events
from hotstream_reactive.notify import open_outbox
from hotstream_reactive.notify.deliver import Command, DeliveryError, Webhook
from hotstream_reactive.notify.message import Message, Teller
from hotstream_reactive.notify.outbox import Outbox
from hotstream_reactive.settings import Settings, redacted
from tests.daemon_lab import Daemon, daemons, until

PAGE = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text("utf-8")
SECRET = "canary4711"
ALL = "completed,nothing_found,failed,needs_login"
PLATFORM = """
from hotstream_reactive import DataItem, LoginRequired, PermanentError, PlatformAdapter


class ToldAdapter(PlatformAdapter):
    platform_name = "told"

    async def search(self, keywords, options):
        match keywords[0]:
            case "fails":
                raise PermanentError("no such account")
            case "login":
                raise LoginRequired("sign in first")
            case "one":
                yield DataItem(id=self.context.task_id, platform="told", content="x")
"""


def documented(name: str) -> Any:
    """A function of the page, as a reader would paste it."""
    [block] = [code for code in re.findall(r"```python\n(.*?)```", PAGE, re.S) if name in code]
    namespace: dict[str, Any] = {}
    exec(block, namespace)
    return namespace[name]


class Receiver(ThreadingHTTPServer):
    """A server that refuses as often as it is told to, and keeps what it took."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.refusals = 0
        self.silent = threading.Event()
        self.silent.set()
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook/secret-path"

    def events(self) -> list[str]:
        return [json.loads(body)["event"] for _, body in self.taken]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        self.server.silent.wait(30)
        if self.server.refusals > 0:
            self.server.refusals -= 1
            self.send_response(503)
        else:
            self.server.taken.append((dict(self.headers), body))
            self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is given
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.silent.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def start(
    mongo_server: Any, sync_database: Database[dict[str, Any]], tmp_path: Path
) -> Iterator[Callable[..., Daemon]]:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "told.py").write_text(PLATFORM)
    with daemons(mongo_server.uri, sync_database.name, tmp_path, plugins) as begin:
        yield begin


def task(word: str, **fields: Any) -> dict[str, Any]:
    return {"task_id": word, "platform": "told", "keywords": [word], "retry_count": 0, **fields}


def test_every_outcome_is_told_signed_and_again_after_refusals(
    start: Callable[..., Daemon], receiver: Receiver, sync_database: Database[dict[str, Any]]
) -> None:
    receiver.refusals = 2
    daemon = start(
        "w",
        notifications_webhooks=receiver.url,
        notifications_on=ALL,
        notifications_secret=SECRET,
        notifications_retry_base_delay=0.05,
    )
    elsewhere = {"webhooks": ["http://127.0.0.1:1/"], "notifications": {"webhooks": []}}
    for word in ("one", "none", "fails", "login"):
        sync_database.tasks.insert_one(task(word, options=elsewhere, **elsewhere))
    until(lambda: len(receiver.taken) == 4, what=daemon.log)
    assert sorted(receiver.events()) == ["completed", "failed", "needs_login", "nothing_found"]
    assert receiver.asked == 6
    genuine = documented("is_genuine")
    for headers, body in receiver.taken:
        stamp, signature = headers["X-HotStream-Timestamp"], headers["X-HotStream-Signature"]
        assert genuine(SECRET, stamp, body, signature)
        assert not genuine("other", stamp, body, signature)
        assert not genuine(SECRET, stamp, body + b" ", signature)
    told = {json.loads(body)["task_id"]: json.loads(body) for _, body in receiver.taken}
    assert "no such account" in told["fails"]["error"]
    assert told["one"]["result_count"] == 1
    assert len({one["id"] for one in told.values()}) == 4
    assert "HTTP 503" in daemon.log
    assert "secret-path" not in daemon.log
    assert SECRET not in daemon.log
    assert daemon.stop() == 0


def test_a_receiver_that_never_answers_slows_no_run(
    start: Callable[..., Daemon], receiver: Receiver, sync_database: Database[dict[str, Any]]
) -> None:
    receiver.silent.clear()
    daemon = start(
        "w",
        notifications_webhooks=receiver.url,
        notifications_on=ALL,
        notifications_timeout=30,
        notifications_queue_size=5,
    )
    sync_database.tasks.insert_one(task("one"))
    until(lambda: receiver.asked, what="the first message")
    sync_database.tasks.insert_many([task("none", task_id=f"t{n}") for n in range(20)])
    done = {"status": 2}
    until(lambda: sync_database.tasks.count_documents(done) == 21, what=daemon.log)
    assert not receiver.taken
    daemon.says("does not keep up; the oldest are dropped")
    receiver.silent.set()
    until(lambda: len(receiver.taken) >= 5, what=daemon.log)
    assert daemon.stop() == 0


def test_a_command_gets_it_on_standard_input(
    start: Callable[..., Daemon], sync_database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    told = tmp_path / "told.jsonl"
    program = tmp_path / "tell.py"
    program.write_text(
        "import os, sys\n"
        f"with open({str(told)!r}, 'a') as out:\n"
        "    out.write(os.environ['HOTSTREAM_EVENT'] + ' ' + sys.stdin.read() + '\\n')\n"
    )
    start("w", notifications_command=json.dumps([sys.executable, str(program)]))
    hostile = "a'; touch gone #\n$(touch gone)"
    sync_database.tasks.insert_one(task("fails", task_id=hostile))
    line = until(lambda: told.exists() and told.read_text(), what="the command")
    word, _, body = line.partition(" ")
    assert word == "failed"
    assert json.loads(body)["task_id"] == hostile
    assert not list(tmp_path.rglob("gone"))


def message(number: int = 0) -> Message:
    return Message(
        id=str(number),
        event="failed",
        time="2026-01-01T00:00:00.000+00:00",
        task_id=f"t{number}",
        platform="p",
        run_number=1,
        result_count=0,
        error="x",
        worker_id="w",
    )


@pytest.mark.anyio
async def test_what_a_receiver_can_do_wrong(receiver: Receiver) -> None:
    receiver.refusals = 1
    with pytest.raises(DeliveryError, match="HTTP 503"):
        await Webhook(receiver.url, secret="", timeout_s=5).deliver(message())
    with pytest.raises(DeliveryError, match="connect"):
        await Webhook("http://127.0.0.1:1/", secret="", timeout_s=5).deliver(message())
    receiver.silent.clear()
    with pytest.raises(DeliveryError, match="no answer within"):
        await Webhook(receiver.url, secret="", timeout_s=0.2).deliver(message())
    failing = [sys.executable, "-c", "import sys; sys.exit('it broke')"]
    with pytest.raises(DeliveryError, match="exit code 1: it broke"):
        await Command(failing, timeout_s=20).deliver(message())
    with pytest.raises(DeliveryError, match="not done within"):
        await Command(["sleep", "60"], timeout_s=0.2).deliver(message())
    with pytest.raises(DeliveryError, match="No such file"):
        await Command(["/no/such/program"], timeout_s=5).deliver(message())


@pytest.mark.anyio
async def test_what_waits_at_the_end_is_tried_once_more(receiver: Receiver) -> None:
    outbox = Outbox(
        [Webhook(receiver.url, secret="", timeout_s=5)],
        attempts=5,
        base_delay_s=600,
        most_waiting=10,
    )
    receiver.refusals = 1
    async with anyio.create_task_group() as group:
        group.start_soon(outbox.run)
        for number in range(3):
            outbox.put(message(number))
        await anyio.to_thread.run_sync(until, lambda: receiver.asked)
        group.cancel_scope.cancel()
    ids = [json.loads(body)["id"] for _, body in receiver.taken]
    assert ids[-2:] == ["1", "2"], "in order"


def test_a_task_that_waits_for_a_login_is_told_of_once() -> None:
    told: list[Message] = []
    teller = Teller({"needs_login"}, "w", told.append)
    details = {"platform": "p", "run_number": 1, "result_count": 0, "cause": "login_required"}
    waits = Event(action="retry", task_id="t", details={"error": "sign in", **details})
    teller(waits)
    teller(waits)
    assert [(one.event, one.error) for one in told] == [("needs_login", "sign in")]
    teller(Event(action="completed", task_id="t", details=details | {"cause": ""}))
    teller(waits)
    assert len(told) == 2


def test_an_address_is_shown_without_its_path() -> None:
    shown = redacted("notifications.webhooks", ["https://u:p@hooks.example.org/T0/canary?x=1"])
    assert shown == ["https://hooks.example.org/***"]


def test_nobody_is_told_unless_asked_for() -> None:
    assert open_outbox(Settings(), Events(), worker_id="w") is None
