"""Slots of a worker, some of which are an express lane for urgent tasks."""

from __future__ import annotations


def ordinary_slots(slots: int, express_slots: int) -> int:
    """The slots in which any task may run; never none, whatever is kept for urgent ones."""
    return slots - min(express_slots, slots - 1)


def free_slots(slots: int, express_slots: int, *, running: int, ordinary: int, urgent: bool) -> int:
    """The slots in which one more task could start.

    Args:
        running: tasks that run now, `ordinary` of them not urgent.
        urgent: whether the task to start is urgent.
    """
    free = slots - running
    return free if urgent else min(free, ordinary_slots(slots, express_slots) - ordinary)
