"""Installing and removing the validator of `tasks`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pymongo

from hotstream_reactive.errors import RefusedByState
from hotstream_reactive.model.validator import task_validator
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.driver import Document
from hotstream_reactive.mongo.faults import translated

Level = Literal["moderate", "strict"]
#: Every document is held against the schema, and there may be a million of them.
_COUNT_S = 120.0


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """The validator that is there; `current` says whether it is the one of this version."""

    level: str
    action: str
    current: bool


async def installed(mongo: Mongo) -> Installed | None:
    """The validator of `tasks`, None where there is none.

    Raises:
        DatabaseError: unknown.
    """
    with translated("reading the validator"):
        answer = await mongo.database.command("listCollections", filter={"name": mongo.tasks.name})
    found: list[Document] = answer["cursor"]["firstBatch"]
    options: Document = found[0].get("options", {}) if found else {}
    validator = options.get("validator")
    if not validator:
        return None
    return Installed(
        level=options.get("validationLevel", "strict"),
        action=options.get("validationAction", "error"),
        current=validator == _wanted(),
    )


async def install(mongo: Mongo, *, level: Level) -> None:
    """Refuse wrong documents from now on, whoever writes them.

    `moderate` lets a document that was wrong before be updated all the same; `strict` does not, so
    that it is only for a collection without wrong documents.

    Raises:
        RefusedByState: `strict` was asked for, and there are wrong documents.
        DatabaseError: it may not be installed.
    """
    if level == "strict":
        await _demand_none_wrong(mongo)
    await _set(mongo, _wanted(), level)
    if level == "strict":
        try:
            # Others may have written meanwhile. Workers could not even refuse what is wrong now.
            await _demand_none_wrong(mongo)
        except RefusedByState:
            await _set(mongo, _wanted(), "moderate")
            raise


async def remove(mongo: Mongo) -> bool:
    """Remove the validator; False when there was none.

    Raises:
        DatabaseError: it may still be there.
    """
    if await installed(mongo) is None:
        return False
    await _set(mongo, {}, "strict")  # the server's own default
    return True


async def _demand_none_wrong(mongo: Mongo) -> None:
    with translated("looking for wrong tasks"), pymongo.timeout(_COUNT_S):
        wrong = await mongo.tasks.count_documents({"$nor": [_wanted()]})
    if wrong:
        raise RefusedByState(
            f"{wrong} tasks are wrong by this validator, and workers could not end them under a "
            f"strict one.\nMend or delete them, or leave out --strict; find them with: "
            f"db.tasks.find({{$nor: [db.getCollectionInfos({{name: 'tasks'}})[0].options.validator]"
            f"}}) after `hotstream init --validator`"
        )


async def _set(mongo: Mongo, validator: Document, level: Level) -> None:
    with translated("installing the validator"):
        if mongo.tasks.name not in await mongo.database.list_collection_names():
            await mongo.database.command("create", mongo.tasks.name)
        await mongo.database.command(
            "collMod",
            mongo.tasks.name,
            validator=validator,
            validationLevel=level,
            validationAction="error",
        )


def _wanted() -> dict[str, Any]:
    return {"$jsonSchema": task_validator()}
