"""An application's own order and its scrape task commit or vanish together."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from hotstream_reactive.mongo.client import connected
from hotstream_reactive.mongo.stores import MongoStores
from hotstream_reactive.settings import MongoSettings, Settings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
@pytest.mark.parametrize("ends", ["commit", "abort"])
async def test_order_and_task_share_their_fate(
    ends: str,
    driver: Any,
    mongo_server: Any,
    sync_client: MongoClient[dict[str, Any]],
    sync_database: Database[dict[str, Any]],
) -> None:
    mongodb = MongoSettings(uri=mongo_server.uri, database=sync_database.name, driver=driver)
    async with connected(Settings(mongodb=mongodb)) as mongo:
        stores = MongoStores(mongo, worker_id="w", default_timeout_s=60)
        feed = await stores.open_feed(False)
        with sync_client.start_session() as session:
            session.start_transaction()
            sync_database.orders.insert_one({"_id": 1, "customer": "Ada"}, session=session)
            sync_database.tasks.insert_one(
                {"task_id": "order-1", "platform": "twitter", "keywords": ["x"], "status": 0},
                session=session,
            )
            assert await feed.batch() == [], "nothing is told before the commit"
            claimed, _ = await stores.claims.claim_batch(5)
            assert not claimed, "nothing is claimed before the commit"
            (session.commit_transaction if ends == "commit" else session.abort_transaction)()
        changes = await feed.batch()
        await feed.close()
        if ends == "abort":
            assert changes == []
            assert sync_database.orders.count_documents({}) == 0
            return
        [change] = changes
        document = await stores.claims.claim_one(change.document_id)
        assert document is not None
        assert document["task_id"] == "order-1"
        assert sync_database.orders.count_documents({}) == 1
