"""A worker of the bare driver: a stream event, one claim, the first line, and nothing else.

A process of its own, like the worker it is compared with: ``python -m benchmarks.bare_worker URI
DATABASE``. It says ``ready`` once its stream is open, and works until it is killed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import anyio
from pymongo import ReturnDocument

from benchmarks import rig


async def work(uri: str, name: str) -> None:
    """Claim each task that is inserted, stamp its file, and note that it is over."""
    async with rig.client(uri) as watching, rig.client(uri) as claiming:
        tasks, runs = claiming[name].tasks, claiming[name].task_runs
        stream = await watching[name].tasks.watch(
            [{"$match": {"operationType": "insert"}}, {"$project": {"documentKey": 1}}]
        )
        print("ready", flush=True)
        async for event in stream:
            document = await tasks.find_one_and_update(
                {"_id": event["documentKey"]["_id"], "status": 0},
                [{"$set": {"status": 1, "worker_id": "w", "started_at": "$$NOW"}}],
                return_document=ReturnDocument.AFTER,
            )
            _stamp(document)
            await runs.insert_one({"task_id": document["task_id"]})


def _stamp(document: Any) -> None:
    with Path(document["options"]["file"]).open("a", encoding="utf-8") as file:
        file.write(f"began {document['task_id']} {time.monotonic()}\n")


if __name__ == "__main__":
    anyio.run(work, *sys.argv[1:], backend_options={"use_uvloop": True})
