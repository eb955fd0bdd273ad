"""`cancel`, `retry`, `promote`: what they write, what they refuse, one by one and many."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from tests.cli.command import HOSTILE, Cli

Db = Database[dict[str, Any]]
NOW = datetime.now(UTC).replace(microsecond=0)
LATER = NOW + timedelta(days=1)


def insert(database: Db, task_id: str, **fields: Any) -> None:
    database.tasks.insert_one(
        {"task_id": task_id, "platform": "twitter", "keywords": ["a"], "status": 0, **fields}
    )


def get(database: Db, task_id: str) -> dict[str, Any]:
    found = database.tasks.find_one({"task_id": task_id}, {"_id": 0, "updated_at": 0})
    assert found is not None
    return found


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in after.items() if k not in before or before[k] != v}


@pytest.mark.parametrize("status", [0, 1, 0.0, "pending", None])
def test_cancel_writes_the_status_and_nothing_else(
    cli: Cli, sync_database: Db, status: Any
) -> None:
    insert(sync_database, "t", status=status, lease_id="l", own=[1])
    if status is None:
        sync_database.tasks.update_one({}, {"$unset": {"status": 1}})
    before = get(sync_database, "t")
    assert cli("cancel", "t").code == 0
    assert changed(before, get(sync_database, "t")) == {"status": 4}
    assert sync_database.tasks.count_documents({"updated_at": {"$type": "date"}}) == 1


@pytest.mark.parametrize("status", [2, 3, 4])
def test_retry_puts_a_task_back(cli: Cli, sync_database: Db, status: int) -> None:
    ended = {"completed_at": NOW, "current_retry": 3, "checkpoint": {"page": 2}}
    insert(sync_database, "t", status=status, run_at=LATER, **ended)
    before = get(sync_database, "t")
    result = cli("retry", "t", "--json").json
    assert changed(before, get(sync_database, "t")) == {"status": 0, "run_at": None}
    assert result["tasks"] == [
        {
            "task_id": "t",
            "was": {2: "completed", 3: "failed", 4: "cancelled"}[status],
            "changed": True,
            "reason": None,
        }
    ]
    assert (result["action"], result["matched"], result["changed"]) == ("retry", 1, 1)


def test_a_task_that_was_cancelled_while_it_waited_starts_afresh_too(
    cli: Cli, sync_database: Db
) -> None:
    insert(sync_database, "t", status=4, current_retry=3, checkpoint={"page": 2})
    before = get(sync_database, "t")
    assert cli("retry", "t").code == 0
    assert changed(before, get(sync_database, "t")) == {
        "status": 0,
        "run_at": None,
        "current_retry": 0,
        "checkpoint": {},
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), {"priority": 1, "immediate": True, "run_at": None}),
        (("--priority", "3", "--no-immediate"), {"priority": 3, "run_at": None}),
        (("--when-due",), {"priority": 1, "immediate": True}),
    ],
)
def test_promote(
    cli: Cli, sync_database: Db, options: tuple[str, ...], expected: dict[str, Any]
) -> None:
    insert(sync_database, "t", priority=8, immediate=False, run_at=LATER)
    before = get(sync_database, "t")
    assert cli("promote", "t", *options).code == 0
    assert changed(before, get(sync_database, "t")) == expected


@pytest.mark.parametrize(
    ("verb", "status", "why"),
    [
        ("cancel", 2, "has ended already (completed)"),
        ("cancel", 3, "has ended already (failed)"),
        ("cancel", 4, "is cancelled already"),
        ("retry", 0, "is pending already"),
        ("retry", 1, "is running on w1; stop it first with: hotstream cancel"),
        ("promote", 1, "is running already, on w1"),
        ("promote", 2, "run it again with: hotstream retry 'my task'"),
        ("promote", "x", "has a status that is none: 'x'"),
    ],
)
def test_a_wrong_state_is_refused_with_a_reason(
    cli: Cli, sync_database: Db, verb: str, status: Any, why: str
) -> None:
    insert(sync_database, "my task", status=status, worker_id="w1")
    before = get(sync_database, "my task")
    result = cli(verb, "my task")
    assert result.code == 4
    assert why in result.err
    assert len(result.err.splitlines()) <= 3
    assert cli(verb, "my task", "--dry-run").code == 4
    assert get(sync_database, "my task") == before


def test_a_task_that_would_only_fail_again_is_not_retried(cli: Cli, sync_database: Db) -> None:
    insert(sync_database, "t", status=3, priority="high", completed_at=NOW)
    result = cli("retry", "t")
    assert result.code == 65
    assert "priority: 'high'" in result.err
    assert get(sync_database, "t")["status"] == 3


def test_many_ids_and_each_tells_its_own(cli: Cli, sync_database: Db) -> None:
    insert(sync_database, "a")
    insert(sync_database, "b", status=2)
    insert(sync_database, "c", status=1)
    result = cli("cancel", "a", "b", "nobody", "c", "a", "--json")
    assert result.code == 4
    report = json.loads(result.out)
    assert [(t["task_id"], t["was"], t["changed"]) for t in report["tasks"]] == [
        ("a", "pending", True),
        ("b", "completed", False),
        ("nobody", None, False),
        ("c", "running", True),
    ]
    assert (report["schema_version"], report["matched"], report["changed"]) == (1, 4, 2)
    assert len(result.err.splitlines()) == 2


def test_a_dry_run_changes_nothing(cli: Cli, sync_database: Db) -> None:
    insert(sync_database, "a")
    before = get(sync_database, "a")
    assert cli("cancel", "a", "--dry-run").out == "would be cancelled: a (was pending)\n"
    result = cli("cancel", "--platform", "twitter", "--dry-run")
    assert result.out == "would be cancelled: 1 task (1 pending): a\n"
    assert cli("cancel", "--status", "pending", "--dry-run", "--json").json["task_ids"] == ["a"]
    assert get(sync_database, "a") == before


def many(database: Db) -> None:
    for number in range(3):
        insert(database, f"pending{number}", platform="zhihu")
        insert(database, f"running{number}", status=1, lease_id=f"l{number}")
        insert(database, f"failed{number}", status=3, completed_at=NOW, run_at=LATER)
        insert(database, f"done{number}", status=2, completed_at=NOW)


def test_many_by_a_filter_need_a_yes(cli: Cli, sync_database: Db) -> None:
    many(sync_database)
    result = cli("cancel", "--status", "pending")
    assert result.code == 2
    assert "3 tasks (3 pending): pending2, pending1, pending0" in result.err
    assert "--yes" in result.err
    assert sync_database.tasks.count_documents({"status": 4}) == 0
    result = cli("cancel", "--platform", "twitter", "--yes")
    assert (result.code, result.out) == (0, "cancelled: 3 tasks\n")
    assert {t["task_id"] for t in sync_database.tasks.find({"status": 4})} == {
        f"running{n}" for n in range(3)
    }
    result = cli("retry", "--platform", "twitter", "-y", "--json").json
    assert (result["matched"], result["changed"]) == (6, 6)
    again = list(sync_database.tasks.find({"status": 0, "platform": "twitter"}))
    assert {t["task_id"][:-1] for t in again} == {"failed", "running"}
    assert {t["run_at"] for t in again} == {None}
    assert cli("retry", "--status", "completed", "-y", "--json").json["changed"] == 3
    assert cli("promote", "--platform", "zhihu", "-y", "--json").json["changed"] == 3
    assert cli("cancel", "--platform", '{"$ne":null}', "-y").out == "no task matches\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("t", "--status", "pending"),
        ("--status", "nonsense"),
        ("--status", "completed"),
        ("--platform", " "),
    ],
)
def test_wrong_usage(offline: Cli, arguments: tuple[str, ...]) -> None:
    assert offline("cancel", *arguments).code == 2


@pytest.mark.parametrize(("typed", "left"), [(b"y\n", 0), (b"n\n", 3), (b"\n", 3), (b"\x03", 3)])
def test_on_a_terminal_it_asks(cli: Cli, sync_database: Db, typed: bytes, left: int) -> None:
    many(sync_database)
    ours, theirs = pty.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
    with cli.start(
        "cancel", "--status", "pending", start_new_session=True, preexec_fn=_terminal, **streams
    ) as process:
        os.close(theirs)
        seen = b""
        while b"]:" not in seen:
            seen += os.read(ours, 1000)
        code = None
        for _ in range(60):
            # A signal between the prompt and the read waits for the next key, as a person would.
            os.write(ours, typed)
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(timeout=0.5 if typed == b"\x03" else 30)
                break
    os.close(ours)
    assert b"cancel 3 tasks (3 pending)" in seen
    assert code == (130 if typed == b"\x03" else 0)
    assert sync_database.tasks.count_documents({"status": 0}) == left


def _terminal() -> None:
    """Let the terminal be that of the process, so that Ctrl-C reaches it."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_hostile_ids(cli: Cli, sync_database: Db) -> None:
    for number, status in enumerate((0, 1, 2, 3, "x")):
        insert(
            sync_database,
            f"{number}{HOSTILE}",
            status=status,
            worker_id=HOSTILE,
            platform=HOSTILE,
            lease_id={"$gt": ""},
            run_number=HOSTILE,
        )
    for verb in ("cancel", "retry", "promote"):
        result = cli(verb, "--status", "pending" if verb != "retry" else "failed", "--dry-run")
        assert result.code == 0
        result.assert_harmless()
        for number in range(5):
            # No argument can hold a NUL.
            sync_database.tasks.update_one(
                {"task_id": {"$regex": f"^{number}"}},
                {"$set": {"task_id": f"{number}{HOSTILE}".replace("\x00", "")}},
            )
            result = cli(verb, f"{number}{HOSTILE}".replace("\x00", ""))
            assert result.code in {0, 4, 65}, result.err
            result.assert_harmless()
