"""What the change stream tells about a task: a hint, never the truth."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from hotstream_reactive.model.task import URGENT_PRIORITY


class Change(msgspec.Struct, kw_only=True, frozen=True):
    """One change of a task document; fields the change did not touch are None.

    `inserted` says that the whole document was written, also over an old one; `deleted` stands for
    a removed document. `status` is as written, of whatever type.
    `rescheduled`: the document has a schedule that the change set or edited. `fresh`: it is new and
    seems to leave nothing out.
    """

    document_id: Any
    deleted: bool = False
    inserted: bool = False
    status: Any = None
    priority: Any = None
    immediate: Any = None
    run_at: datetime | None = None
    created_at: Any = None
    rescheduled: bool = False
    reordered: bool = False
    fresh: bool = False

    def urgent(self) -> bool | None:
        """Whether the task is urgent; None when the change does not tell."""
        if self.immediate is True or _number(self.priority, 1, URGENT_PRIORITY):
            return True
        return False if self.inserted else None

    def has_status(self) -> bool:
        """Whether the document has one of the five states, as far as the change shows."""
        return _number(self.status, 0, 4) or (self.status is None and not self.inserted)

    def orderly(self) -> bool:
        """Whether the document can stand in the queue, as far as the change shows."""
        return not self.inserted or (
            _number(self.priority, 1, 10)
            and isinstance(self.immediate, bool)
            and isinstance(self.created_at, datetime)
        )


def _number(value: Any, low: int, high: int) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and low <= value <= high
