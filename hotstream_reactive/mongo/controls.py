"""The `controls` collection: read as a whole, written by plain upserts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import ReturnDocument

from hotstream_reactive.mongo.driver import Collection, Document
from hotstream_reactive.mongo.faults import translated

#: More controls than any fleet has platforms; a hostile writer may invent any number.
_MOST = 1000


class ControlStore:
    """Reads and writes controls."""

    def __init__(self, controls: Collection) -> None:
        self._controls = controls

    async def read(self) -> list[Document]:
        """All controls as written, the engine's among the first.

        Raises:
            DatabaseError: unknown.
        """
        with translated("reading the controls"):
            return await self._controls.find({}, sort=[("_id", 1)], limit=_MOST).to_list(None)

    async def write(
        self, control_id: str, fields: Mapping[str, Any], *, unset: Iterable[str] = ()
    ) -> Document:
        """Set and unset fields of one control, leaving all others; gives the whole document.

        Raises:
            DatabaseError: unknown whether it was written; trying again is safe.
        """
        update: Document = {"$currentDate": {"updated_at": True}}
        if fields:
            update["$set"] = dict(fields)
        if removed := dict.fromkeys(unset, ""):
            update["$unset"] = removed
        with translated("writing a control"):
            written = await self._controls.find_one_and_update(
                {"_id": control_id}, update, upsert=True, return_document=ReturnDocument.AFTER
            )
        return written or {"_id": control_id}
