"""Ids of tasks for a shell that completes a word: one small read, quickly or not at all."""

from __future__ import annotations

from pymongo import MongoClient

from hotstream_reactive.mongo.driver import CODEC_OPTIONS, Document
from hotstream_reactive.settings import MongoSettings

#: Sorts after every character a text may hold.
_LAST = "\U0010ffff"


def task_ids(settings: MongoSettings, *, prefix: str, limit: int, longest_s: float) -> list[str]:
    """Ids that begin with the prefix, in order.

    Raises:
        PyMongoError: the server did not answer within `longest_s`.
    """
    milliseconds = max(int(longest_s * 1000), 1)
    with MongoClient[Document](
        settings.uri,
        serverSelectionTimeoutMS=milliseconds,
        connectTimeoutMS=milliseconds,
        timeoutMS=milliseconds,
        appName="hotstream/completion",
    ) as client:
        tasks = client.get_database(settings.database, codec_options=CODEC_OPTIONS)["tasks"]
        query = {"task_id": {"$gte": prefix, "$lt": prefix + _LAST}}
        found = tasks.find(query, {"task_id": 1, "_id": 0}).sort("task_id", 1).limit(limit)
        return [document["task_id"] for document in found]
