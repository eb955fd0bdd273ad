"""The life of tasks against a model: outsiders edit, workers claim, late owners write.

Hypothesis draws sequences of steps; every step is done on the real server and on a small model, and
after each the two must agree. What must never be seen: a lost task, two owners, a move that the
contract does not allow, a late owner's write.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from pymongo import MongoClient

from hotstream_reactive.model.outcome import Completed, Failed, Outcome, Retry
from hotstream_reactive.model.run import FinishedRun, Progress
from hotstream_reactive.model.task import TaskStatus, admit
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.indexes import ensure_indexes
from hotstream_reactive.mongo.stores import MongoStores
from hotstream_reactive.settings import MongoSettings

PENDING, RUNNING, COMPLETED, FAILED, CANCELLED = (int(status) for status in TaskStatus)
LONG_AGO = {"$dateSubtract": {"startDate": "$$NOW", "unit": "second", "amount": 600}}
OUTCOMES: dict[str, tuple[Outcome, int]] = {
    "completed": (Completed(3), COMPLETED),
    "failed": (Failed("no such account"), FAILED),
    "retry": (Retry(reason="time-out", after_s=0.0), PENDING),
}


class Lifecycle(RuleBasedStateMachine):
    """Two workers, some tasks, and outsiders who do what they like."""

    uri = ""
    tasks = Bundle("tasks")
    leases = Bundle("leases")

    @initialize()
    def begin(self) -> None:
        self.portal_context = start_blocking_portal()
        self.portal = self.portal_context.__enter__()
        self.client: MongoClient[dict[str, Any]] = MongoClient(self.uri)
        self.name = f"hotstream_model_{uuid.uuid4().hex[:10]}"
        self.outside = self.client[self.name]["tasks"]
        self.mongo = Mongo(
            MongoSettings(uri=self.uri, database=self.name, driver="pymongo"), app_name="model"
        )
        self.portal.call(self.mongo.connect)
        self.portal.call(lambda: ensure_indexes(self.mongo, runs_retention_days=1))
        self.workers = {
            name: MongoStores(self.mongo, worker_id=name, default_timeout_s=60) for name in "AB"
        }
        #: What the model knows: status and the lease of the present owner.
        self.status: dict[str, int] = {}
        self.owner: dict[str, str | None] = {}
        self.priority: dict[str, int] = {}

    def teardown(self) -> None:
        if hasattr(self, "client"):
            self.portal.call(self.mongo.close)
            self.client.drop_database(self.name)
            self.client.close()
            self.portal_context.__exit__(None, None, None)

    # Outsiders

    @rule(target=tasks, priority=st.integers(1, 10), immediate=st.booleans())
    def insert(self, priority: int, immediate: bool) -> str:
        task_id = f"t{len(self.status)}"
        self.outside.insert_one(
            {
                "task_id": task_id,
                "platform": "x",
                "keywords": ["k"],
                "status": PENDING,
                "priority": priority,
                "immediate": immediate,
                # Distinct, so that the queue order is one.
                "created_at": _moment(len(self.status)),
            }
        )
        self.status[task_id], self.owner[task_id] = PENDING, None
        self.priority[task_id] = (0 if immediate else 100) + priority
        return task_id

    @rule(task_id=tasks)
    def cancel(self, task_id: str) -> None:
        self._edit(task_id, {"status": CANCELLED})

    @rule(task_id=tasks)
    def put_back(self, task_id: str) -> None:
        self._edit(task_id, {"status": PENDING, "run_at": None})

    @rule(task_id=tasks, priority=st.integers(1, 10))
    def promote(self, task_id: str, priority: int) -> None:
        self._edit(task_id, {"priority": priority, "immediate": True})
        self.priority[task_id] = priority

    def _edit(self, task_id: str, fields: dict[str, Any]) -> None:
        self.outside.update_one({"task_id": task_id}, {"$set": fields})
        if "status" in fields:
            # Whoever ran it has lost it: its writes match neither the state nor, later, the lease.
            self.status[task_id], self.owner[task_id] = fields["status"], None

    # Workers

    @rule(target=leases, worker=st.sampled_from("AB"), limit=st.integers(1, 3))
    def claim_batch(self, worker: str, limit: int) -> Any:
        waiting = sorted(
            (t for t, status in self.status.items() if status == PENDING),
            key=lambda t: (self.priority[t], int(t[1:])),
        )
        claims = self.workers[worker].claims
        documents, more = self.portal.call(lambda: claims.claim_batch(limit))
        assert [d["task_id"] for d in documents] == waiting[:limit], "in queue order, none lost"
        assert more == (len(waiting) >= limit)
        return multiple(*(self._claimed(document) for document in documents))

    @rule(target=leases, worker=st.sampled_from("AB"), task_id=tasks)
    def claim_one(self, worker: str, task_id: str) -> Any:
        document_id = self._document(task_id)["_id"]
        claims = self.workers[worker].claims
        document = self.portal.call(lambda: claims.claim_one(document_id))
        assert (document is not None) == (self.status[task_id] == PENDING)
        return multiple() if document is None else self._claimed(document)

    def _claimed(self, document: dict[str, Any]) -> dict[str, Any]:
        task_id = document["task_id"]
        assert self.status[task_id] == PENDING
        self.status[task_id], self.owner[task_id] = RUNNING, document["lease_id"]
        return document

    @rule(lease=leases)
    def renew(self, lease: dict[str, Any]) -> None:
        store = self.workers["A"].leases
        lost = self.portal.call(lambda: store.renew({lease["lease_id"]: lease["_id"]}))
        assert (lease["lease_id"] not in lost) == self._owns(lease)

    @rule(lease=leases, progress=st.floats(0, 1))
    def report(self, lease: dict[str, Any], progress: float) -> None:
        before = self._document(lease["task_id"])
        note = Progress(
            document_id=lease["_id"],
            lease_id=lease["lease_id"],
            progress=progress,
            result_count=7,
        )
        store = self.workers["A"].leases
        self.portal.call(lambda: store.report([note]))
        after = self._document(lease["task_id"])
        if self._owns(lease):
            assert after["progress"] == progress
        else:
            assert after == before, "a late owner changed something"

    @rule(lease=consumes(leases), outcome=st.sampled_from(sorted(OUTCOMES)))
    def finish(self, lease: dict[str, Any], outcome: str) -> None:
        self._finish(lease, outcome)

    @rule(lease=leases, outcome=st.sampled_from(sorted(OUTCOMES)))
    def finish_and_keep_the_late_lease(self, lease: dict[str, Any], outcome: str) -> None:
        self._finish(lease, outcome)

    def _finish(self, lease: dict[str, Any], outcome: str) -> None:
        what, then = OUTCOMES[outcome]
        run = FinishedRun(task=admit(lease), lease_id=lease["lease_id"], outcome=what)
        before = self._document(lease["task_id"])
        store = self.workers["A"].leases
        lost = self.portal.call(lambda: store.finish([run]))
        if self._owns(lease):
            assert not lost
            self.status[lease["task_id"]], self.owner[lease["task_id"]] = then, None
        else:
            assert self._document(lease["task_id"]) == before, "a late owner finished a task"

    # Time and death

    @rule(task_id=tasks)
    def lease_runs_out_and_is_rescued(self, task_id: str) -> None:
        self.outside.update_one(
            {"task_id": task_id, "status": RUNNING}, [{"$set": {"last_heartbeat": LONG_AGO}}]
        )
        store = self.workers["B"].leases
        rescued = self.portal.call(lambda: store.rescue(zombie_timeout_s=60, max_rescues=2))
        if self.status[task_id] == RUNNING:
            assert [one.task_id for one in rescued] == [task_id]
            self.status[task_id] = FAILED if rescued[0].poison else PENDING
            self.owner[task_id] = None
        else:
            assert not rescued

    # What holds after every step

    @invariant()
    def server_and_model_agree(self) -> None:
        if not hasattr(self, "outside"):
            return
        found = {
            d["task_id"]: d
            for d in self.outside.find({}, {"task_id": 1, "status": 1, "lease_id": 1})
        }
        assert {t: d["status"] for t, d in found.items()} == self.status
        for task_id, lease_id in self.owner.items():
            if lease_id is not None:
                assert found[task_id]["lease_id"] == lease_id

    def _owns(self, lease: dict[str, Any]) -> bool:
        return self.owner[lease["task_id"]] == lease["lease_id"]

    def _document(self, task_id: str) -> dict[str, Any]:
        document = self.outside.find_one({"task_id": task_id})
        assert document is not None, "a task is gone"
        return document


def _moment(n: int) -> Any:
    from datetime import UTC, datetime, timedelta

    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n)


@pytest.fixture
def examples() -> Iterator[int]:
    """How many sequences are drawn; raise HOTSTREAM_TEST_EXAMPLES for a long search."""
    yield int(os.environ.get("HOTSTREAM_TEST_EXAMPLES", "12"))


def test_server_and_model_agree(mongo_server: Any, examples: int) -> None:
    Lifecycle.uri = mongo_server.uri
    run_state_machine_as_test(
        Lifecycle,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
