"""taskiq's job and client, on a Redis stream."""

from __future__ import annotations

import common
import redis.asyncio
from taskiq_redis import RedisStreamBroker

broker = RedisStreamBroker(common.URI, consumer_id="0", xread_count=100)
server = redis.asyncio.from_url(common.URI)


@broker.task(task_name="job")
async def job(number: int) -> None:
    """A no-op."""
    common.first_line(number)


async def enqueue(number: int) -> None:
    await job.kiq(number)


async def fill(number: int) -> None:
    for _ in range(number):
        await job.kiq(-1)


async def left() -> int:
    """Messages the group has not been given, and those it has not acknowledged."""
    (group,) = await server.xinfo_groups("taskiq")
    return int(group["lag"] or 0) + int(group["pending"])


if __name__ == "__main__":
    common.main(enqueue, fill, left, broker.startup)
