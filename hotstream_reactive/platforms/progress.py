"""How far a run has come, in a form that a retry can continue from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

Mode = Literal["search", "monitor"]

_REMEMBERED_IDS = 400
_HELD_RECORDS = 60


class TargetProgress(msgspec.Struct, kw_only=True):
    """How far one target has been read.

    `items` were delivered over all runs; `cursor` leads to the next page, None to the first; `page`
    is its number where the site numbers its pages instead; `pages` were read; `seen` are ids that
    further pages may repeat; `held` are records read but not yet delivered.
    """

    done: bool = False
    outcome: str = ""
    message: str = ""
    items: int = 0
    cursor: str | None = None
    page: int = 1
    pages: int = 0
    seen: list[str] = []
    held: list[dict[str, Any]] = []


class Progress(msgspec.Struct, kw_only=True):
    """All targets of a task by name, as kept in its checkpoint."""

    mode: Mode
    targets: dict[str, TargetProgress] = {}

    def of(self, name: str) -> TargetProgress:
        """The progress of a target, made when it is new."""
        return self.targets.setdefault(name, TargetProgress())

    def saved(
        self, *, remembered: int = _REMEMBERED_IDS, for_others: bool = False
    ) -> dict[str, Any]:
        """As plain values, bounded in size.

        Args:
            remembered: how many ids to keep of each target: where a list can only be read from its
                front, a retry has to know all that it had.
            for_others: whether to keep those of a finished target too, so that another one does
                not give the same again.
        """
        for target in self.targets.values():
            kept = for_others or not target.done
            target.seen = target.seen[-remembered:] if kept else []
            target.held = [] if target.done else target.held[:_HELD_RECORDS]
        result: dict[str, Any] = msgspec.to_builtins(self)
        return result


def resumed(checkpoint: Mapping[str, Any], mode: Mode, names: Iterable[str]) -> Progress:
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
