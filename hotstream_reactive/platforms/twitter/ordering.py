"""Newest first out of pages that are not quite in that order.

A timeline is newest first by thread, but inside a thread the posts run oldest to newest, a pinned
post stands in front whatever its age, and a repost carries the date of the original.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hotstream_reactive.platforms.twitter.times import id_milliseconds

Record = dict[str, Any]


class NewestFirst:
    """Sorts records over page borders.

    A record is handed out once no later page can hold a newer one: everything on later pages is
    older than the last entry of this page, so only what is older than that has to wait.

    Args:
        waiting: records that an earlier run still held back.

    Attributes:
        bound: the time of the last entry of the latest page, in ms since 1970.
    """

    def __init__(self, waiting: list[Record] | None = None) -> None:
        self.bound = float("-inf")
        self._sequence = 0
        self._held: list[tuple[float, int, Record]] = []
        for record in waiting or []:
            self._hold(record, _own_time(record))

    @property
    def held(self) -> list[Record]:
        """What waits, newest first."""
        return [record for _, _, record in sorted(self._held, key=_by_age)]

    def add_page(self, records: list[Record]) -> list[tuple[Record, float]]:
        """Take a page; return what can go, newest first, with its time in ms since 1970.

        The time of a repost is when it was passed on, as near as its neighbours tell; minus
        infinity when a time is unknown and nothing newer precedes it.
        """
        last = float("-inf")
        for entry in _entries(records):
            first = entry[0]
            if first["is_pinned"]:
                self._hold(first, _own_time(first))
                continue
            if first["is_repost"]:
                moment = last if last != float("-inf") else _first_own_time(records)
            else:
                moment = max(_own_time(record) for record in entry)
                moment = last if moment == float("-inf") else moment
            last = moment
            if len(entry) == 1:
                self._hold(first, moment)
            else:
                for record in reversed(entry):
                    self._hold(record, _own_time(record))
        self.bound = last
        return self._release(last)

    def flush(self) -> list[tuple[Record, float]]:
        """Everything that still waits: there is no further page."""
        return self._release(float("-inf"))

    def _hold(self, record: Record, moment: float) -> None:
        self._sequence += 1
        self._held.append((moment, self._sequence, record))

    def _release(self, bound: float) -> list[tuple[Record, float]]:
        ordered = sorted(self._held, key=_by_age)
        self._held = [entry for entry in ordered if entry[0] < bound]
        return [(record, moment) for moment, _, record in ordered if moment >= bound]


def _by_age(entry: tuple[float, int, Record]) -> tuple[float, int]:
    return -entry[0], entry[1]


def _entries(records: list[Record]) -> list[list[Record]]:
    entries: list[list[Record]] = []
    for record in records:
        position = record.get("thread", {}).get("position", 1)
        if position > 1 and entries and "thread" in entries[-1][-1]:
            entries[-1].append(record)
        else:
            entries.append([record])
    return entries


def _own_time(record: Record) -> float:
    from_id = id_milliseconds(record["id"])
    if from_id is not None:
        return float(from_id)
    created = record.get("created_at")
    if created:
        return datetime.fromisoformat(created).timestamp() * 1000
    return float("-inf")


def _first_own_time(records: list[Record]) -> float:
    own = (r for r in records if not r["is_repost"] and not r["is_pinned"])
    return next((_own_time(record) for record in own), float("-inf"))
