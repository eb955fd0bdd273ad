"""How far a run has come, in a form that a retry can continue from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

_REMEMBERED_IDS = 5_000

Mode = Literal["search", "monitor"]


class TargetProgress(msgspec.Struct, kw_only=True):
    """One list.

    `items` were delivered over all runs; `seen` are the ids of what was read, for a page cannot be
    entered in the middle: a retry reads from its start and knows what it had; `page` is the number
    of the page where the site numbers them, and there a retry does begin.
    """

    done: bool = False
    outcome: str = ""
    message: str = ""
    items: int = 0
    page: int = 1
    seen: list[str] = []


class Progress(msgspec.Struct, kw_only=True):
    """All targets of a task by name."""

    mode: Mode
    targets: dict[str, TargetProgress] = {}

    def of(self, name: str) -> TargetProgress:
        """The progress of a target, made when it is new."""
        return self.targets.setdefault(name, TargetProgress())

    def saved(self) -> dict[str, Any]:
        """As plain values for the task's `checkpoint`; bounded in size."""
        for target in self.targets.values():
            # Of a search with several keywords, what one found counts for the others too.
            keeps = self.mode == "search" or not target.done
            target.seen = target.seen[-_REMEMBERED_IDS:] if keeps else []
        result: dict[str, Any] = msgspec.to_builtins(self)
        return result


def resumed(checkpoint: Mapping[str, Any], mode: Mode, names: list[str]) -> Progress:
    """The progress of an earlier run, as far as it belongs to the same targets.

    A checkpoint that cannot be understood, or is of another mode, is the same as none.
    """
    try:
        earlier = msgspec.convert(dict(checkpoint), Progress)
    except msgspec.ValidationError:
        return Progress(mode=mode)
    if earlier.mode != mode:
        return Progress(mode=mode)
    kept = {name: earlier.targets[name] for name in names if name in earlier.targets}
    return Progress(mode=mode, targets=kept)
