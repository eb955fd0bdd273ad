"""The indexes come into being once, whoever is first, and the queries use them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError
from shelf import T0, Document, orderly, stores_of

from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.model.outcome import Completed
from hotstream_reactive.model.run import FinishedRun
from hotstream_reactive.model.task import admit
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet
from hotstream_reactive.mongo.indexes import ensure_indexes

pytestmark = pytest.mark.anyio
Tasks = Database[Document]


@pytest.mark.fault("I3", "eight create the indexes at once")
async def test_eight_workers_create_them_at_once(connect: Any, sync_database: Tasks) -> None:
    connections = [await connect() for _ in range(8)]
    complaints: list[str] = []

    async def create(mongo: Mongo) -> None:
        complaints.extend(await ensure_indexes(mongo, runs_retention_days=30))

    async with anyio.create_task_group() as group:
        for mongo in connections:
            group.start_soon(create, mongo)
    assert complaints == []
    names = set(sync_database.tasks.index_information())
    assert {"task_id", "ready_in_queue_order", "waiting_by_run_at", "running_by_heartbeat"} < names
    assert set(sync_database.data_items.index_information()) >= {"identity", "task_ids"}
    assert set(sync_database.task_runs.index_information()) >= {"history", "expiry"}


async def test_creating_them_again_is_harmless(indexed: Mongo) -> None:
    assert await ensure_indexes(indexed, runs_retention_days=30) == []


async def test_a_task_id_can_be_used_once(indexed: Mongo, sync_database: Tasks) -> None:
    sync_database.tasks.insert_one({"task_id": "a"})
    sync_database.tasks.insert_many([{}, {}])
    with pytest.raises(DuplicateKeyError):
        sync_database.tasks.insert_one({"task_id": "a"})


async def test_existing_duplicates_are_named_and_stop_nothing(
    mongo: Mongo, sync_database: Tasks
) -> None:
    sync_database.tasks.insert_many([{"task_id": "twice"}, {"task_id": "twice"}])
    complaints = await ensure_indexes(mongo, runs_retention_days=30)
    assert len(complaints) == 1
    assert "tasks.task_id" in complaints[0]
    assert "twice" in complaints[0]
    assert "ready_in_queue_order" in sync_database.tasks.index_information()


async def test_an_index_of_the_same_name_with_other_options_is_named(
    mongo: Mongo, sync_database: Tasks
) -> None:
    sync_database.tasks.create_index([("priority", 1)], name="ready_in_queue_order")
    sync_database.task_runs.create_index([("task_id", 1)], name="expiry", expireAfterSeconds=7)
    complaints = await ensure_indexes(mongo, runs_retention_days=30)
    assert len(complaints) == 2


async def test_a_retention_that_was_configured_anew_takes_effect(
    indexed: Mongo, sync_database: Tasks
) -> None:
    assert await ensure_indexes(indexed, runs_retention_days=7) == []
    expiry = sync_database.task_runs.index_information()["expiry"]
    assert expiry["expireAfterSeconds"] == 7 * 86_400


async def test_a_server_that_is_gone_is_an_error_of_ours(
    connect: Any, failing_server: EmbeddedReplicaSet, failing: Any
) -> None:
    mongo = await connect(failing_server.uri, operation_timeout=1.0)
    for fault in ({"closeConnection": True}, {"errorCode": 11602}):
        with failing(["createIndexes"], times=None, **fault), pytest.raises(DatabaseError):
            await ensure_indexes(mongo, runs_retention_days=30)


# Query plans


@pytest.fixture(scope="module")
def crowded(mongo_server: Any) -> Iterator[Database[Document]]:
    """10,000 waiting and 10,000 finished tasks, read by the tests below and never written."""
    with MongoClient[Document](mongo_server.uri) as client:
        database = client[f"hotstream_test_crowded_{time.time_ns()}"]
        try:
            for start in range(0, 10_000, 2_000):
                numbers = range(start, start + 2_000)
                database.tasks.insert_many(
                    [
                        *(
                            orderly(f"w{n}", at=n, priority=1 + n % 10, immediate=n % 50 == 0)
                            for n in numbers
                        ),
                        *(
                            orderly(f"d{n}", at=n, status=2 + n % 3, last_heartbeat=T0)
                            for n in numbers
                        ),
                    ]
                )
            later = datetime.now(UTC) + timedelta(days=1)
            database.tasks.insert_many(
                [
                    *(orderly(f"l{n}", run_at=later + timedelta(seconds=n)) for n in range(1000)),
                    *(orderly(f"p{n}", run_at=T0) for n in range(5)),
                    *(orderly(f"r{n}", status=1, last_heartbeat=later) for n in range(200)),
                    *(orderly(f"z{n}", status=1, last_heartbeat=T0) for n in range(3)),
                ]
            )
            yield database
        finally:
            client.drop_database(database)


class Plans:
    """Records what the server did for each command on `tasks`, by its profiler."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database

    def __enter__(self) -> Plans:
        self._database.command("profile", 0)
        self._database.drop_collection("system.profile")
        self._database.command("profile", 2)
        return self

    def __exit__(self, *_: object) -> None:
        self._database.command("profile", 0)

    def of(self, *operations: str) -> list[Document]:
        ns = f"{self._database.name}.tasks"
        query = {"ns": ns, "op": {"$in": list(operations)}}
        found = list(self._database["system.profile"].find(query))
        assert found, "the profiler saw nothing"
        return found


@pytest.fixture
async def beside(connect: Any, crowded: Database[Document], mongo_server: Any) -> Any:
    """Stores on the crowded database."""
    from hotstream_reactive.settings import MongoSettings

    mongo = Mongo(
        MongoSettings(uri=mongo_server.uri, database=crowded.name), app_name="hotstream/test"
    )
    await mongo.connect()
    await ensure_indexes(mongo, runs_retention_days=30)
    yield stores_of(mongo)
    await mongo.close()


async def test_the_queue_is_read_in_the_order_of_its_index(
    beside: Any, crowded: Database[Document]
) -> None:
    with Plans(crowded) as plans:
        documents, more = await beside.claims.claim_batch(5)
    try:
        assert (len(documents), more) == (5, True)
        queries = plans.of("query")
        ready = [
            p
            for p in queries
            if "ready_in_queue_order" in str(p.get("planSummary"))
            or "immediate: -1" in p["planSummary"]
        ]
        assert ready, [p["planSummary"] for p in queries]
        assert not any(p.get("hasSortStage") for p in ready), "no sort in memory"
        assert sum(p["docsExamined"] for p in queries) <= 60, [
            (p["planSummary"], p["docsExamined"]) for p in queries
        ]
    finally:
        ids = [document["_id"] for document in documents]
        crowded.tasks.update_many({"_id": {"$in": ids}}, {"$set": {"status": 0}})


async def test_the_next_due_task_is_found_by_its_index(
    beside: Any, crowded: Database[Document]
) -> None:
    with Plans(crowded) as plans:
        assert await beside.claims.next_due_in() > 3600
    [plan] = plans.of("command", "query")
    assert "run_at" in plan["planSummary"]
    assert not plan.get("hasSortStage")
    assert plan["docsExamined"] <= 10


async def test_rescue_looks_at_leases_that_ran_out_only(
    beside: Any, crowded: Database[Document]
) -> None:
    with Plans(crowded) as plans:
        await beside.leases.rescue(zombie_timeout_s=30, max_rescues=1000)
    try:
        plan = plans.of("query")[0]
        assert "last_heartbeat" in plan["planSummary"]
        assert plan["docsExamined"] <= 10
    finally:
        crowded.tasks.update_many(
            {"_id": {"$in": ["z0", "z1", "z2"]}}, {"$set": {"status": 1, "last_heartbeat": T0}}
        )


async def test_renewing_and_claiming_go_by_id(beside: Any, crowded: Database[Document]) -> None:
    with Plans(crowded) as plans:
        await beside.claims.claim_one("d1")
        await beside.leases.renew({"x": "r1", "y": "r2"})
    for plan in plans.of("command", "update", "query", "findandmodify"):
        assert "_id" in plan["planSummary"] or plan["planSummary"] == "IDHACK"
        assert plan["docsExamined"] <= 4


async def test_looking_for_disorder_does_not_read_the_whole_queue(
    beside: Any, crowded: Database[Document]
) -> None:
    with Plans(crowded) as plans:
        assert await beside.admission.disorderly(500) == []
    costs = [(p["planSummary"], p["keysExamined"], p["docsExamined"]) for p in plans.of("query")]
    assert sum(docs for _, _, docs in costs) <= 500, costs
    assert sum(keys for _, keys, _ in costs) <= 2500, costs


async def test_tasks_are_counted_by_status_from_the_index(
    beside: Any, crowded: Database[Document]
) -> None:
    assert beside
    plan = crowded.tasks.find({"status": 2}).explain()["queryPlanner"]["winningPlan"]
    assert "status" in str(plan)
    assert "COLLSCAN" not in str(plan)


async def test_many_tasks_whose_ids_are_known_are_found_by_them(
    indexed: Mongo, sync_database: Tasks
) -> None:
    """Also where the index of states serves the first of them as well, so it seems."""
    # Ids that do not follow upon each other are found in twice as many steps.
    sync_database.tasks.insert_many(
        [orderly(f"t{n:04}", at=n, status=n % 2 * 2) for n in range(3000)]
    )
    stores = stores_of(indexed)
    place = None
    with Plans(sync_database) as plans:
        for _ in range(4):
            taken = await stores.claims.take_batch(150, after=place)
            place = taken.place
            tasks = [admit(document) for document in await stores.claims.read(taken)]
            leases = {str(task.lease_id): task.document_id for task in tasks}
            assert await stores.leases.renew(leases) == {}
            runs = [
                FinishedRun(task=task, lease_id=str(task.lease_id), outcome=Completed(0))
                for task in tasks
            ]
            assert await stores.leases.finish(runs) == set()
    statements = [
        (p, p["command"].get("q") or p["command"]["filter"]) for p in plans.of("update", "query")
    ]
    by_ids = [p for p, query in statements if "_id" in query]
    assert len(by_ids) == 4 * 4, "claimed, read, renewed and finished, four times"
    assert {(p["planSummary"], p["docsExamined"]) for p in by_ids} == {("IXSCAN { _id: 1 }", 150)}
