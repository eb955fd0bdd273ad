"""The connections of one process to MongoDB."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pymongo
from pymongo import MongoClient, uri_parser
from pymongo.errors import ConfigurationError, InvalidURI

from hotstream_reactive.errors import ConfigError
from hotstream_reactive.mongo.driver import Collection, Database, Document, Driver
from hotstream_reactive.mongo.faults import translated
from hotstream_reactive.settings import MongoSettings, Settings

#: With the driver's own defaults a partitioned primary blinds a client for half a minute or more.
_PROMPT = {
    "connectTimeoutMS": 3_000,
    "heartbeatFrequencyMS": 2_000,
    "serverSelectionTimeoutMS": 10_000,
}
STREAM_WAIT_MS = 1_000
#: A server that does not answer within this long is not there, as far as a person waits for it.
CONNECT_S = 4.0


def work_app_name(worker_id: str) -> str:
    """How a worker's connections are called on the server, by which they are found there."""
    return f"hotstream/{worker_id}".encode()[:128].decode(errors="ignore")


class ServerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says of itself.

    `replica_set` is None on a standalone server, which has no change streams and no transactions.
    """

    version: str
    replica_set: str | None
    primary: str | None
    members: int
    sharded: bool

    @property
    def major(self) -> int:
        """The first part of the version."""
        number = self.version.partition(".")[0]
        return int(number) if number.isdecimal() else 0

    @property
    def reactive(self) -> bool:
        """Whether the server has change streams and transactions."""
        return self.sharded or self.replica_set is not None

    @property
    def topology(self) -> str:
        """For people, e.g. ``replica set rs0 (3 members, primary 127.0.0.1:27017)``."""
        if self.sharded:
            return "sharded cluster"
        if self.replica_set is None:
            return "standalone"
        members = "1 member" if self.members == 1 else f"{self.members} members"
        return f"replica set {self.replica_set} ({members}, primary {self.primary})"


class Mongo:
    """The clients of one process: one for work, one for the change stream.

    An open stream occupies a connection inside a waiting read; on a client of its own it can
    neither delay a claim nor be delayed by one.
    """

    def __init__(self, settings: MongoSettings, *, app_name: str) -> None:
        """Prepare the clients; nothing is sent yet.

        Raises:
            ConfigError: `mongodb.uri` cannot be used.
        """
        self._settings = settings
        self.driver = Driver(settings.driver)
        self._options = _client_options(settings.uri, app_name)
        try:
            self._client = self.driver.connect(
                settings.uri,
                timeoutMS=int(settings.operation_timeout * 1000),
                **self._options,
            )
        except (ConfigurationError, InvalidURI, ValueError) as error:
            raise _bad_uri(error) from None
        self.database: Database = self.driver.database(self._client, settings.database)
        self._stream_client: Any = None
        self.server: ServerInfo | None = None

    @property
    def admin(self) -> Database:
        """The server's own database, for what concerns connections."""
        return self.driver.database(self._client, "admin")

    @property
    def tasks(self) -> Collection:
        """The task documents."""
        return self.database["tasks"]

    @property
    def items(self) -> Collection:
        """The collected items."""
        return self.database["data_items"]

    @property
    def runs(self) -> Collection:
        """One document per finished run."""
        return self.database["task_runs"]

    @property
    def workers(self) -> Collection:
        """One document per living worker."""
        return self.database["workers"]

    @property
    def controls(self) -> Collection:
        """What steers the fleet: pauses and limits."""
        return self.database["controls"]

    @property
    def running_limits(self) -> Collection:
        """Which leases of a platform with `max_running` may run."""
        return self.database["running_limits"]

    @property
    def rate_limits(self) -> Collection:
        """The token buckets, one per platform."""
        return self.database["rate_limits"]

    @property
    def transactional(self) -> bool:
        """Whether transactions can be had; known after `connect`."""
        return self.server is not None and self.server.reactive

    async def connect(self) -> ServerInfo:
        """Talk to the server once, with authentication, and learn what it is.

        Raises:
            DatabaseUnavailable: no server answered in time.
            DatabaseRefused: wrong credentials or missing privileges.
        """
        with (
            translated("connecting"),
            pymongo.timeout(min(CONNECT_S, self._settings.operation_timeout)),
        ):
            hello = await self.database.command("hello")
            # `hello` needs no authentication; a read tells at once whether the user may work here.
            await self.tasks.find_one({}, {"_id": 1})
            build = await self.database.command("buildInfo")
        self.server = ServerInfo(
            version=str(build["version"]),
            replica_set=hello.get("setName"),
            primary=hello.get("primary"),
            members=len(hello.get("hosts", [])) + len(hello.get("passives", [])),
            sharded=hello.get("msg") == "isdbgrid",
        )
        return self.server

    async def in_transaction(self, work: Callable[[Any], Awaitable[None]]) -> None:
        """Run `work(session)` in one transaction; it may be called more than once.

        Raises:
            PyMongoError: nothing was written, or it is unknown whether the commit took place.
        """
        await self.driver.in_transaction(self._client, work)

    async def stream_tasks(self, *, fresh_client: bool = False) -> Collection:
        """`tasks` on the client of the change stream.

        `fresh_client` abandons the old one, e.g. when its connection hangs.
        """
        if fresh_client and self._stream_client is not None:
            abandoned, self._stream_client = self._stream_client, None
            await self.driver.close(abandoned)
        if self._stream_client is None:
            self._stream_client = self.driver.connect(
                self._settings.uri,
                maxPoolSize=4,
                # A waiting read answers after STREAM_WAIT_MS at the latest, so a longer silence is
                # a dead connection and not patience.
                socketTimeoutMS=STREAM_WAIT_MS + 9_000,
                **{**self._options, "appName": f"{self._options['appName']}/stream"},
            )
        return self.driver.database(self._stream_client, self._settings.database)["tasks"]

    def blocking_client(self) -> MongoClient[Document]:
        """A synchronous client of the same server, for a thread; who asks for it closes it."""
        return MongoClient(self._settings.uri, datetime_conversion="DATETIME_AUTO", **self._options)

    async def close(self) -> None:
        """Close all connections; twice is fine."""
        if self._stream_client is not None:
            await self.driver.close(self._stream_client)
            self._stream_client = None
        await self.driver.close(self._client)


def _client_options(uri: str, app_name: str) -> dict[str, Any]:
    """What every client needs; time-outs that the address names itself are left alone."""
    named = uri.partition("?")[2].lower()
    prompt = {name: value for name, value in _PROMPT.items() if name.lower() not in named}
    return {
        **prompt,
        "appName": app_name,
        "w": "majority",
        "retryWrites": True,
        "retryReads": True,
        "tz_aware": True,
    }


@asynccontextmanager
async def connected(settings: Settings, *, app_name: str = "hotstream") -> AsyncIterator[Mongo]:
    """A connection that has been tried out, closed at the end.

    Raises:
        DatabaseUnavailable, DatabaseRefused: see `Mongo.connect`.
        ConfigError: `mongodb.uri` cannot be used.
    """
    mongo = Mongo(settings.mongodb, app_name=app_name)
    try:
        await mongo.connect()
        yield mongo
    finally:
        await mongo.close()


def check_uri(uri: str) -> None:
    """Refuse an address that no client could use, without touching the network.

    Raises:
        ConfigError: without the address, which may hold a password.
    """
    if uri.startswith("mongodb+srv://"):
        return
    try:
        uri_parser.parse_uri(uri)
    except (ConfigurationError, InvalidURI, ValueError) as error:
        raise _bad_uri(error) from None


def _bad_uri(error: Exception) -> ConfigError:
    # The driver's own text may quote parts of the address, so only its kind is passed on.
    return ConfigError(
        f"mongodb.uri cannot be used ({type(error).__name__}): expected "
        f"mongodb://user:password@host:27017/?replicaSet=rs0 with user and password "
        f"percent-encoded. Mend it in config.toml or in MONGODB_URI."
    )
