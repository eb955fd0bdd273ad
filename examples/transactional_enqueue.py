"""An order and the task that belongs to it are written together, or not at all.

python examples/transactional_enqueue.py PLATFORM KEYWORD [--refuse]

With --refuse something goes wrong after both were written: neither is there. The user needs the
role hotstreamProducer, and `readWrite` on the collection `orders`.
"""

import os
import sys

from bson import ObjectId
from pymongo import MongoClient

ENDED = {2, 3, 4}


class Refused(Exception):
    """What an application finds out too late."""


def place(database, session, order_id, platform, keyword, *, refuse):
    """Write both in the transaction of the session."""
    database.orders.insert_one(
        {"_id": order_id, "wants": keyword, "state": "placed"}, session=session
    )
    task = {"task_id": f"order-{order_id}", "platform": platform, "keywords": [keyword]}
    database.tasks.insert_one({**task, "status": 0}, session=session)
    if refuse:
        raise Refused("the card was refused")


def main(platform: str, keyword: str, *flags: str) -> int:
    """Give the exit code: 0 for an order that was delivered."""
    uri = os.environ.get("MONGODB_URI", "mongodb://127.0.0.1:27017/?replicaSet=rs0")
    with MongoClient(uri) as client:
        database = client[os.environ.get("MONGODB_DATABASE", "hotstream")]
        order_id = ObjectId()
        mine = [{"$match": {"fullDocument.task_id": f"order-{order_id}"}}]
        with (
            database.tasks.watch(mine, full_document="updateLookup") as changes,
            client.start_session() as session,
        ):
            try:
                # Tried again as a whole when it met another transaction or a new primary.
                session.with_transaction(
                    lambda session: place(
                        database, session, order_id, platform, keyword, refuse="--refuse" in flags
                    )
                )
            except Refused as error:
                left = database.orders.count_documents({"_id": order_id})
                left += database.tasks.count_documents({"task_id": f"order-{order_id}"})
                print(f"{error}: {left} documents are left of it")
                return 1
            print(f"order {order_id} placed, and its task with it")
            for change in changes:
                task = change["fullDocument"]
                if task.get("status") in ENDED:
                    state = "delivered" if task["status"] == 2 else "failed"
                    database.orders.update_one({"_id": order_id}, {"$set": {"state": state}})
                    print(task.get("error_message") or f"{state}: {task['result_count']} items")
                    return 0 if state == "delivered" else 1
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
