"""The fleet's pace: one token bucket per platform, in `rate_limits`, on the server's clock."""

from __future__ import annotations

import pymongo
from pymongo import ReturnDocument

from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.model.pace import HORIZON_S, Turn
from hotstream_reactive.mongo.driver import Collection, Document
from hotstream_reactive.mongo.faults import translated

#: A worker that gets no answer within this long paces itself meanwhile.
_ASK_S = 2.0
_SANE_TOKENS = 1e9


class Buckets:
    """Takes tokens; nothing is kept here, so workers may come and go."""

    def __init__(self, rate_limits: Collection) -> None:
        self._rate_limits = rate_limits

    async def take(self, platform: str, requests_per_minute: float, burst: float) -> Turn:
        """Take a token, perhaps one that will be there within `HORIZON_S`.

        Raises:
            DatabaseError: no answer; a token may have been taken.
        """
        with translated("pacing requests"), pymongo.timeout(_ASK_S):
            bucket = await self._rate_limits.find_one_and_update(
                {"_id": platform},
                _taking(requests_per_minute / 60_000, burst),
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        if bucket is None:
            raise DatabaseError("MongoDB gave no answer while pacing requests")
        return Turn(granted=bucket["granted"], wait_s=bucket["wait_ms"] / 1000)


def _taking(tokens_per_ms: float, burst: float) -> list[Document]:
    """Refill for the time since the last call, then take a token if it is there soon enough.

    The balance may be below zero by what is promised within the horizon. Whatever somebody wrote
    into the document, the result is a balance within bounds.
    """
    horizon_ms = HORIZON_S * 1000
    debt = -tokens_per_ms * horizon_ms
    usable = {
        "$and": [
            {"$isNumber": "$tokens"},
            {"$gte": ["$tokens", -_SANE_TOKENS]},
            {"$lte": ["$tokens", _SANE_TOKENS]},
            {"$eq": [{"$type": "$at"}, "date"]},
        ]
    }
    # A new primary's clock may be behind the old one's.
    passed_ms = {"$max": [0, {"$subtract": ["$$NOW", "$at"]}]}
    grown = {"$add": [{"$toDouble": "$tokens"}, {"$multiply": [passed_ms, tokens_per_ms]}]}
    bounded = {"$max": [debt, {"$min": [burst, grown]}]}
    return [
        {"$set": {"tokens": {"$cond": [usable, bounded, burst]}, "at": "$$NOW"}},
        {
            "$set": {
                "wait_ms": {
                    "$max": [0.0, {"$divide": [{"$subtract": [1.0, "$tokens"]}, tokens_per_ms]}]
                }
            }
        },
        {"$set": {"granted": {"$lte": ["$wait_ms", horizon_ms]}}},
        {"$set": {"tokens": {"$subtract": ["$tokens", {"$cond": ["$granted", 1.0, 0.0]}]}}},
    ]
