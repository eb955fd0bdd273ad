"""Transactions that dead workers left open.

The server keeps the transaction of a client that is gone until `transactionLifetimeLimitSeconds` (a
minute) has passed, and the documents it touched stay locked: the task could not be taken back, nor
its items stored by the next run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from loguru import logger
from pymongo.errors import PyMongoError

from hotstream_reactive.mongo.client import Mongo, work_app_name


async def end_transactions(mongo: Mongo, worker_ids: Iterable[str]) -> None:
    """End the open transactions of these workers; without the privilege they end by themselves.

    A user may see and kill his own sessions, and all workers share a user.
    """
    names = [work_app_name(worker_id) for worker_id in worker_ids]
    admin: Any = mongo.admin
    try:
        found = await mongo.driver.aggregate(
            admin,
            [
                {"$currentOp": {"allUsers": False, "idleSessions": True}},
                {"$match": {"appName": {"$in": names}, "transaction": {"$exists": True}}},
                {"$project": {"lsid": 1}},
            ],
        )
        sessions = [{"id": one["lsid"]["id"]} for one in found if one.get("lsid")]
        if sessions:
            await admin.command("killSessions", sessions)
            logger.info("ended {} transactions of workers that are gone", len(sessions))
    except PyMongoError as error:
        logger.debug("transactions of dead workers are left to the server: {}", error)
