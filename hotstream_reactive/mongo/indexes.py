"""The indexes, each with the question it answers.

An index costs every write that touches its keys, so there are few of them.
"""

from __future__ import annotations

from pymongo import ASCENDING as UP
from pymongo import DESCENDING as DOWN
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Collection
from hotstream_reactive.mongo.faults import translate

QUEUE_ORDER = [("immediate", DOWN), ("priority", UP), ("created_at", UP)]
#: A hint for statements about documents whose ids are known. Of the first in the queue the server
#: finds that the index of states gives them as quickly, and then uses it for later ones, too: it
#: passes over all that wait.
BY_ID = [("_id", UP)]
_OTHER_OPTIONS = 85
READY = {"status": 0, "run_at": None}
#: Cancelled while they waited: no worker has written when they ended.
UNENDED = {"status": 4, "completed_at": None}

TASK_INDEXES = [
    # One document per id, and the way every program finds its task.
    IndexModel([("task_id", UP)], name="task_id", unique=True, sparse=True),
    # The queue: what may start now, in the order in which it starts.
    IndexModel(QUEUE_ORDER, name="ready_in_queue_order", partialFilterExpression=READY),
    # Delayed, retried and scheduled tasks by the time they are due.
    IndexModel(
        [("run_at", UP)],
        name="waiting_by_run_at",
        partialFilterExpression={"status": 0, "run_at": {"$exists": True}},
    ),
    # Tasks with a schedule, to find those whose schedule was set or edited.
    IndexModel(
        [("schedule", UP)],
        name="waiting_by_schedule",
        partialFilterExpression={"status": 0, "schedule": {"$type": "string"}},
    ),
    # Leases by age, for rescue.
    IndexModel(
        [("last_heartbeat", UP)],
        name="running_by_heartbeat",
        partialFilterExpression={"status": 1},
    ),
    # Counts by status, and documents whose status is no status at all.
    IndexModel([("status", UP)], name="status"),
    # `[0]`: an array is in no range of the index above that would be worth a look.
    IndexModel(
        [("status", UP), ("_id", UP)],
        name="status_is_array",
        partialFilterExpression={"status": {"$type": "array"}},
    ),
    # What was cancelled while it waited.
    IndexModel([("completed_at", UP)], name="cancelled_waiting", partialFilterExpression=UNENDED),
]
ITEM_INDEXES = [
    IndexModel([("platform", UP), ("id", UP)], name="identity", unique=True),
    IndexModel([("task_ids", UP)], name="task_ids"),
]


def run_indexes(retention_days: int) -> list[IndexModel]:
    """Indexes of `task_runs`, where old runs leave by themselves."""
    return [
        IndexModel([("task_id", UP), ("claimed_at", DOWN)], name="history"),
        IndexModel(
            [("finished_at", UP)], name="expiry", expireAfterSeconds=retention_days * 86_400
        ),
    ]


async def ensure_indexes(mongo: Mongo, *, runs_retention_days: int) -> list[str]:
    """Create what is missing; harmless when many workers do it at once.

    Returns a line per index that could not be made (existing duplicates, other options, missing
    privilege); the engine works without it, slower.

    Raises:
        DatabaseUnavailable: the server cannot be reached.
    """
    complaints: list[str] = []
    for collection, models in (
        (mongo.tasks, TASK_INDEXES),
        (mongo.items, ITEM_INDEXES),
        (mongo.runs, run_indexes(runs_retention_days)),
    ):
        for model in models:
            complaint = await _ensure(mongo, collection, model)
            if complaint:
                complaints.append(complaint)
    return complaints


async def _ensure(mongo: Mongo, collection: Collection, model: IndexModel) -> str | None:
    name = model.document["name"]
    try:
        try:
            await collection.create_indexes([model])
        except OperationFailure as error:
            if error.code != _OTHER_OPTIONS or "expireAfterSeconds" not in model.document:
                raise
            # The retention was configured anew.
            asked = {"keyPattern": model.document["key"]}
            asked["expireAfterSeconds"] = model.document["expireAfterSeconds"]
            await mongo.database.command("collMod", collection.name, index=asked)
    except DuplicateKeyError as error:
        return (
            f"index {collection.name}.{name}: there are documents with the same value "
            f"({error.details and error.details.get('keyValue')!r}); remove one of them"
        )
    except OperationFailure as error:
        if error.code not in {13, 27, _OTHER_OPTIONS, 86}:
            raise translate(error, f"creating index {collection.name}.{name}") from error
        return f"index {collection.name}.{name}: {error.details and error.details.get('codeName')}"
    except PyMongoError as error:
        raise translate(error, f"creating index {collection.name}.{name}") from error
    return None
