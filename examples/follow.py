"""Watch a task from outside, whoever wrote it: its progress, and its items as they are stored.

python examples/follow.py TASK_ID

It reads and nothing else: the role hotstreamViewer is enough.
"""

import json
import os
import sys

from pymongo import MongoClient

WORDS = {0: "pending", 1: "running", 2: "completed", 3: "failed", 4: "cancelled"}
ENDED = {2, 3, 4}


def main(task_id: str) -> int:
    """Give the exit code: 0 completed, 1 failed, cancelled or deleted, 3 no such task."""
    uri = os.environ.get("MONGODB_URI", "mongodb://127.0.0.1:27017/?replicaSet=rs0")
    with MongoClient(uri) as client:
        database = client[os.environ.get("MONGODB_DATABASE", "hotstream")]
        task = database.tasks.find_one({"task_id": task_id})
        if task is None:
            print(f"no task {task_id!r}", file=sys.stderr)
            return 3
        mine = [{"$match": {"documentKey._id": task["_id"]}}]
        with database.tasks.watch(mine, full_document="updateLookup") as changes:
            # Read once more: whatever comes after this is in the stream.
            task = database.tasks.find_one({"_id": task["_id"]})
            shown, newer = set(), {}
            while task is not None:
                state = WORDS.get(task.get("status"), "not admitted yet")
                print(f"task {task.get('progress') or 0:.0%} {state}", flush=True)
                # Each save sets `saved_at`, and is there before the progress that tells of it.
                found = database.data_items.find({"task_ids": task_id, **newer})
                for item in found.sort("saved_at"):
                    newer = {"saved_at": {"$gte": item["saved_at"]}}
                    if item["_id"] not in shown:
                        shown.add(item["_id"])
                        # As JSON: what a page says must not reach a terminal as it is.
                        print("item", item["id"], json.dumps(item["content"]), flush=True)
                # Who cancels writes the status alone; what came of the run the worker adds.
                if task.get("status") in ENDED and task.get("completed_at"):
                    print(task.get("error_message") or f"{task.get('result_count') or 0} items")
                    return 0 if task["status"] == 2 else 1
                task = next(changes).get("fullDocument")
    print("the task was deleted")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:2]))
    except KeyboardInterrupt:
        sys.exit(130)
