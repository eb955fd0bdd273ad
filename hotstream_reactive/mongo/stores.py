"""The database as the engine sees it, on one connection."""

from __future__ import annotations

from functools import partial

from hotstream_reactive.mongo.admission import Admission
from hotstream_reactive.mongo.claims import Claims
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.controls import ControlStore
from hotstream_reactive.mongo.feed import TaskFeed
from hotstream_reactive.mongo.items import ItemStore
from hotstream_reactive.mongo.leases import Leases, Runs
from hotstream_reactive.mongo.limits import RunningLimits
from hotstream_reactive.mongo.orphans import end_transactions
from hotstream_reactive.mongo.pace import Buckets
from hotstream_reactive.mongo.workers import Workers


class MongoStores:
    """Everything a worker needs of MongoDB."""

    def __init__(self, mongo: Mongo, *, worker_id: str, default_timeout_s: float) -> None:
        self._mongo = mongo
        self.claims = Claims(
            mongo.tasks, mongo.driver, worker_id=worker_id, default_timeout_s=default_timeout_s
        )
        self.leases = Leases(mongo.tasks, end_transactions=partial(end_transactions, mongo))
        self.admission = Admission(mongo.tasks)
        self.history = Runs(mongo)
        self.workers = Workers(mongo.workers)
        self.controls = ControlStore(mongo.controls)
        self.limits = RunningLimits(mongo.tasks, mongo.running_limits, mongo.driver)
        self.pace = Buckets(mongo.rate_limits)
        self.items = ItemStore(mongo)

    async def open_feed(self, fresh_client: bool) -> TaskFeed:
        """Open the change stream on `tasks`; see `TaskFeed.open`."""
        return await TaskFeed.open(self._mongo, fresh_client=fresh_client)
