"""The edits of a task that have a name: cancel, retry, promote. Which states allow them, what they
write, and whether a document that changed meanwhile is still the task that was judged.

They write what any program may write with a plain `updateOne`, see docs/task-document.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from hotstream_reactive.model.bounds import WHOLE
from hotstream_reactive.model.fields import FieldReader
from hotstream_reactive.model.task import TaskStatus

EditName = Literal["cancel", "retry", "promote"]
#: None stands for a status that is none.
State = TaskStatus | None

_ALLOWED: dict[EditName, tuple[State, ...]] = {
    "cancel": (TaskStatus.PENDING, TaskStatus.RUNNING, None),
    "retry": (TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.COMPLETED, None),
    "promote": (TaskStatus.PENDING,),
}
#: What a bulk edit without a status means: to run all completed tasks again is no slip of the hand.
USUAL: dict[EditName, tuple[TaskStatus, ...]] = {
    "cancel": (TaskStatus.PENDING, TaskStatus.RUNNING),
    "retry": (TaskStatus.FAILED, TaskStatus.CANCELLED),
    "promote": (TaskStatus.PENDING,),
}
_AFRESH: dict[str, Any] = {"current_retry": 0, "rescues": 0, "checkpoint": {}}


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """How urgent a promoted task becomes; `at_once` also takes away a later `run_at`."""

    priority: int = 1
    immediate: bool = True
    at_once: bool = True


def state_of(document: Mapping[str, Any]) -> State:
    """The status of a document; a missing one counts as pending, as intake takes it."""
    read = FieldReader(document)
    status = read.integer("status", **WHOLE["status"], default=TaskStatus.PENDING)
    return None if read.problems else TaskStatus(status)


def allowed(name: EditName, state: State) -> bool:
    """Whether a task in this state may be edited so."""
    return state in _ALLOWED[name]


def fields(
    name: EditName, document: Mapping[str, Any], promotion: Promotion | None = None
) -> dict[str, Any]:
    """What the edit writes into this document."""
    match name:
        case "cancel":
            return {"status": int(TaskStatus.CANCELLED)}
        case "promote":
            how = promotion or Promotion()
            urgent = {"priority": how.priority, "immediate": how.immediate}
            return {**urgent, "run_at": None} if how.at_once else urgent
        case "retry":
            again: dict[str, Any] = {"status": int(TaskStatus.PENDING), "run_at": None}
            if isinstance(document.get("completed_at"), datetime):
                return again
            # A claim knows a new life by the end of the old one, which a task that was cancelled
            # while it waited never had.
            return again | {name: start for name, start in _AFRESH.items() if document.get(name)}


def same_life(judged: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether `found` is still the life of the task that was judged, though its state changed.

    A task that ended meanwhile and was put back, or was deleted and written anew, is another one.
    """
    if found.get("_id") != judged.get("_id"):
        return False
    if judged.get("schedule") and found.get("schedule"):
        return True  # one document that comes back again and again
    ended = found.get("completed_at")
    if isinstance(ended, datetime) and ended != judged.get("completed_at"):
        return False
    claims = _runs(found) - _runs(judged)
    return 0 <= claims <= (1 if state_of(judged) == TaskStatus.PENDING else 0)


def _runs(document: Mapping[str, Any]) -> int:
    return FieldReader(document).integer("run_number", **WHOLE["run_number"], default=0)
