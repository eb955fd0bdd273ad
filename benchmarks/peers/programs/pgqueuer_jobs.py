"""pgqueuer's job and client; ``worker`` runs the worker."""

from __future__ import annotations

import sys

import asyncpg
import common
import uvloop
from pgqueuer import AsyncpgDriver, AsyncpgPoolDriver, PgQueuer, Queries


async def work() -> None:
    """The worker, on a pool as its documentation advises for throughput."""
    pool = await asyncpg.create_pool(common.URI, min_size=2, max_size=8)
    queue = PgQueuer(AsyncpgPoolDriver(pool))

    @queue.entrypoint("job")
    async def job(claimed) -> None:
        common.first_line(int(claimed.payload))

    await queue.run(batch_size=100)


class Client:
    """The outside program's connection."""

    queries: Queries
    connection: asyncpg.Connection

    async def opened(self) -> None:
        self.connection = await asyncpg.connect(common.URI)
        self.queries = Queries(AsyncpgDriver(self.connection))

    async def enqueue(self, number: int) -> None:
        await self.queries.enqueue("job", str(number).encode())

    async def fill(self, number: int) -> None:
        for _ in range(0, number, 1000):
            await self.queries.enqueue(["job"] * 1000, [b"-1"] * 1000, [0] * 1000)

    async def left(self) -> int:
        """A finished job leaves the table."""
        return int(await self.connection.fetchval("SELECT count(*) FROM pgqueuer"))

    async def any_left(self) -> int:
        return int(await self.connection.fetchval("SELECT EXISTS (SELECT 1 FROM pgqueuer)"))


if __name__ == "__main__" and sys.argv[1] == "worker":
    # Its own `pgq run` 1.6 ends at once when no --log-level is given.
    uvloop.run(work())
elif __name__ == "__main__":
    client = Client()
    common.main(client.enqueue, client.fill, client.left, client.opened, client.any_left)
