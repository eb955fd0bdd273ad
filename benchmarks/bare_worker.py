"""A worker of the bare driver: a stream event, one claim, the first line, and nothing else.

A process of its own, like the worker it is compared with: ``python -m benchmarks.bare_worker URI
DATABASE DRIVER``. It says ``ready`` once its stream is open, and works until it is killed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import anyio
from pymongo import ReturnDocument

from hotstream_reactive.mongo.driver import Driver, DriverName


async def work(uri: str, name: str, driver_name: DriverName) -> None:
    """Claim each task that is inserted, stamp its file, and note that it is over."""
    driver = Driver(driver_name)
    watching, claiming = (driver.connect(uri, w="majority", tz_aware=True) for _ in range(2))
    tasks, runs = claiming[name].tasks, claiming[name].task_runs
    stream = await driver.watch(
        watching[name].tasks,
        [{"$match": {"operationType": "insert"}}, {"$project": {"documentKey": 1}}],
        max_await_ms=1000,
    )
    await tasks.find_one({}, {"_id": 1})  # the connection, which a worker has as well
    print("ready", flush=True)
    while True:
        event = await stream.try_next()
        if event is None:
            continue
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
