"""Write a task, follow it live, print its items: any program with pymongo can do this.

python examples/producer.py PLATFORM KEYWORD
"""

import os
import sys
import uuid

from pymongo import MongoClient

ENDED = {2: "completed", 3: "failed", 4: "cancelled"}


def main(platform: str, keyword: str) -> int:
    """Give the exit code: 0 for a completed task."""
    uri = os.environ.get("MONGODB_URI", "mongodb://127.0.0.1:27017/?replicaSet=rs0")
    with MongoClient(uri) as client:
        database = client[os.environ.get("MONGODB_DATABASE", "hotstream")]
        task_id = f"example-{uuid.uuid4()}"
        mine = [{"$match": {"fullDocument.task_id": task_id}}]
        # Watch first, insert then: nothing can fall between.
        with database.tasks.watch(mine, full_document="updateLookup") as changes:
            database.tasks.insert_one(
                {"task_id": task_id, "platform": platform, "keywords": [keyword], "status": 0}
            )
            shown = set()
            for change in changes:
                task = change["fullDocument"]
                status, progress = task.get("status"), task.get("progress") or 0
                # Items are there before the progress that tells of them.
                for item in database.data_items.find({"task_ids": task_id}):
                    if item["_id"] not in shown:
                        shown.add(item["_id"])
                        print("item", item["id"], item["content"], flush=True)
                print(f"task {progress:.0%} {ENDED.get(status, '')}".rstrip(), flush=True)
                if status in ENDED:
                    print(task.get("error_message") or f"{task.get('result_count') or 0} items")
                    return 0 if status == 2 else 1
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
