"""The seam between motor and PyMongo's own async API.

Both drivers share almost every call; what differs (how a stream or an aggregation is opened, how a
session begins and a client ends) is here and nowhere else. See docs/decisions/driver.md.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, cast

from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import AsyncMongoClient

Document = dict[str, Any]
Pipeline = Sequence[Mapping[str, Any]]
DriverName = Literal["motor", "pymongo"]

#: Any document a writer manages to store must be readable: one with broken UTF-8 or a date beyond
#: the year 9999 would otherwise raise here after the server has already claimed it.
CODEC_OPTIONS: CodecOptions[Document] = CodecOptions(
    unicode_decode_error_handler="replace",
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    tz_aware=True,
)


class Cursor(Protocol):
    """The part of a find cursor that is used."""

    def __aiter__(self) -> AsyncIterator[Document]: ...
    async def to_list(self, length: int | None = None) -> list[Document]: ...


class ChangeStream(Protocol):
    """The part of a change stream that is used."""

    @property
    def alive(self) -> bool: ...
    @property
    def resume_token(self) -> Mapping[str, Any] | None: ...
    async def try_next(self) -> Document | None: ...
    async def close(self) -> None: ...


class Collection(Protocol):
    """The part of a collection that both drivers spell alike."""

    name: str

    def find(self, *args: Any, **kwargs: Any) -> Cursor: ...
    async def find_one(self, *args: Any, **kwargs: Any) -> Document | None: ...
    async def find_one_and_update(self, *args: Any, **kwargs: Any) -> Document | None: ...
    async def update_one(self, *args: Any, **kwargs: Any) -> Any: ...
    async def update_many(self, *args: Any, **kwargs: Any) -> Any: ...
    async def insert_one(self, *args: Any, **kwargs: Any) -> Any: ...
    async def insert_many(self, *args: Any, **kwargs: Any) -> Any: ...
    async def delete_one(self, *args: Any, **kwargs: Any) -> Any: ...
    async def delete_many(self, *args: Any, **kwargs: Any) -> Any: ...
    async def bulk_write(self, *args: Any, **kwargs: Any) -> Any: ...
    async def count_documents(self, *args: Any, **kwargs: Any) -> int: ...
    async def create_indexes(self, *args: Any, **kwargs: Any) -> list[str]: ...
    async def drop_index(self, *args: Any, **kwargs: Any) -> None: ...
    async def index_information(self) -> dict[str, Any]: ...


class Database(Protocol):
    """The part of a database that both drivers spell alike."""

    name: str

    def __getitem__(self, name: str) -> Collection: ...
    async def command(self, *args: Any, **kwargs: Any) -> Document: ...
    async def list_collection_names(self) -> list[str]: ...


class Driver:
    """One of the two drivers, with the calls in which they differ."""

    def __init__(self, name: DriverName) -> None:
        self.name = name

    def connect(self, uri: str, **options: Any) -> Any:
        """Make a client; nothing is sent before its first use."""
        options.setdefault("datetime_conversion", "DATETIME_AUTO")
        if self.name == "pymongo":
            return AsyncMongoClient(uri, **options)
        from motor.motor_asyncio import AsyncIOMotorClient

        return AsyncIOMotorClient(uri, **options)

    def database(self, client: Any, name: str) -> Database:
        """The database, reading and writing with majority and able to read any document."""
        return cast("Database", client.get_database(name, codec_options=CODEC_OPTIONS))

    async def close(self, client: Any) -> None:
        """Close the client's connections."""
        result = client.close()
        if inspect.isawaitable(result):
            await result

    async def aggregate(
        self, collection: Collection, pipeline: Pipeline, **options: Any
    ) -> list[Document]:
        """Run an aggregation and give all its documents."""
        cursor = cast("Any", collection).aggregate(list(pipeline), **options)
        if inspect.isawaitable(cursor):
            cursor = await cursor
        return cast("list[Document]", await cursor.to_list(None))

    async def watch(
        self, collection: Collection, pipeline: Pipeline, *, max_await_ms: int, **options: Any
    ) -> ChangeStream:
        """Open a change stream, at now unless the options say otherwise.

        It exists on the server when this returns.
        """
        stream = cast("Any", collection).watch(
            list(pipeline), max_await_time_ms=max_await_ms, **options
        )
        if inspect.isawaitable(stream):
            return cast("ChangeStream", await stream)
        # motor opens the cursor with the first read; an event cannot be lost by reading it here,
        # because the first read of a new stream gets an empty first batch.
        stream = await stream.__aenter__()
        return cast("ChangeStream", stream)

    async def in_transaction(
        self, client: Any, work: Callable[[Any], Awaitable[None]], **options: Any
    ) -> None:
        """Run `work(session)` in a transaction, again as a whole when the server asks for it."""
        session = client.start_session()
        if inspect.isawaitable(session):
            session = await session
        async with session:
            await session.with_transaction(work, **options)
