"""Where in the queue a look has come to, so that the next one need not begin at its head.

The head of a queue that is being worked off is full of traces of tasks that have left it: the
database passes over each of them again, for every look, until it has cleaned up.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from hotstream_reactive.model.change import Change
from hotstream_reactive.model.task import URGENT_PRIORITY


class Place(NamedTuple):
    """The sort keys of the last task of a look that has tried to claim all before it."""

    immediate: bool
    priority: float
    created_at: datetime

    @classmethod
    def of(cls, document: dict[str, Any]) -> Place | None:
        """The place of a waiting task; None where its keys are of an odd type."""
        place = cls(document["immediate"], document["priority"], document["created_at"])
        usual = (
            isinstance(place.immediate, bool)
            and isinstance(place.priority, int | float)
            and isinstance(place.created_at, datetime)
        )
        return place if usual else None

    @property
    def urgent(self) -> bool:
        """Whether urgent tasks may follow."""
        return self.immediate or self.priority <= URGENT_PRIORITY

    def is_before(self, change: Change) -> bool:
        """Whether the task of this change certainly stands behind the place."""
        return (
            change.inserted
            and change.immediate is self.immediate
            and change.priority == self.priority
            and isinstance(change.created_at, datetime)
            and change.created_at >= self.created_at
        )
