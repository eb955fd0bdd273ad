"""History with real worker processes: recorders that are killed, and workers without history."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from daemon_lab import Daemon, daemons, until
from pymongo.database import Database

Document = dict[str, Any]
PLUGINS = Path(__file__).parents[1] / "faults" / "lifeline" / "plugins"


@pytest.fixture
def start(mongo_server: Any, database_name: str, tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    with daemons(mongo_server.uri, database_name, tmp_path, PLUGINS) as start:
        yield start


def holder(database: Database[Document]) -> str:
    state = database.history_state.find_one() or {}
    return str(state.get("holder") or "") if state.get("token") else ""


def test_killed_recorders_leave_no_hole_and_no_double(
    sync_database: Database[Document], start: Callable[..., Daemon]
) -> None:
    settings = {
        "history_enabled": "true",
        "scheduler_heartbeat_interval": 1,
        "scheduler_zombie_timeout": 2,
    }
    workers = {name: start(name, **settings) for name in ("one", "two", "three")}
    until(lambda: holder(sync_database), what="somebody records")
    tasks = sync_database.tasks
    tasks.insert_one({"task_id": "a", "platform": "blocker", "keywords": ["x"], "status": 4})
    stop = threading.Event()
    written = 0

    def edit() -> None:
        nonlocal written
        while not stop.wait(0.002):
            tasks.update_one({"task_id": "a"}, {"$set": {"note": written + 1}})
            written += 1

    editor = threading.Thread(target=edit)
    editor.start()
    try:
        for _ in range(2):
            name = until(lambda: holder(sync_database), what="a recorder").partition("-")[0]
            until(lambda: _notes(sync_database), what="records")
            workers.pop(name).signal(signal.SIGKILL)
            until(
                lambda name=name: not (now := holder(sync_database)).startswith(name) and now,
                what="another recorder",
            )
            seen = len(_notes(sync_database))
            until(lambda seen=seen: len(_notes(sync_database)) > seen, what="it records")
    finally:
        stop.set()
        editor.join()
    until(lambda: len(_notes(sync_database)) >= written, what="all edits")
    assert written > 100
    assert _notes(sync_database) == [(n - 1 or None, n) for n in range(1, written + 1)]
    assert sync_database.task_history.count_documents({"kind": "gap"}) == 0
    (last,) = workers.values()
    assert last.stop() == 0
    assert holder(sync_database) == "", "it hands the seat on"


def _notes(database: Database[Document]) -> list[tuple[Any, Any]]:
    """The edits of the note that were recorded, in order, as (from, to)."""
    records = database.task_history.find({"changes.field": "note"}).sort("_id")
    return [
        (change["from"], change["to"])
        for record in records
        for change in record["changes"]
        if change["field"] == "note"
    ]


def test_without_history_nothing_of_it_is_there(
    sync_database: Database[Document], start: Callable[..., Daemon]
) -> None:
    worker = start("plain")
    sync_database.tasks.insert_one({"task_id": "a", "platform": "blocker", "keywords": ["await:0"]})
    until(lambda: sync_database.tasks.find_one({"status": 2}))
    names = set(sync_database.list_collection_names())
    assert names.isdisjoint({"task_history", "history_state"})
    options = sync_database.tasks.options()
    assert not options.get("changeStreamPreAndPostImages", {}).get("enabled")
    streams = sync_database.client.admin.aggregate(
        [
            {"$currentOp": {"idleCursors": True}},
            {"$match": {"ns": f"{sync_database.name}.tasks", "cursor.tailable": True}},
        ]
    )
    assert len(list(streams)) == 1, "the watcher's, and no other"
    assert "recorder" not in worker.log
    assert worker.stop() == 0
