"""Celery's job and client, on Redis; run by ``celery -A celery_jobs worker`` and as a program."""

from __future__ import annotations

import common
import redis.asyncio
from celery import Celery

app = Celery("celery_jobs", broker=common.URI)
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=100,
    broker_connection_retry_on_startup=True,
)
server = redis.asyncio.from_url(common.URI)


@app.task(name="job")
def job(number: int) -> None:
    """A no-op."""
    common.first_line(number)


async def enqueue(number: int) -> None:
    job.delay(number)


async def fill(number: int) -> None:
    for _ in range(number):
        job.delay(-1)


async def left() -> int:
    """Waiting ones, and those taken and not yet acknowledged."""
    return await server.llen("celery") + await server.hlen("unacked")


async def opened() -> None:
    """Nothing to open: the first message connects."""


if __name__ == "__main__":
    common.main(enqueue, fill, left, opened)
