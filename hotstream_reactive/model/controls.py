"""Controls: what a person or program writes into `controls` to steer the whole fleet.

Pure rules: how the documents are understood, and how much room they leave for more tasks. The
dispatcher and `explain` decide by the same functions, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from hotstream_reactive.model.fields import FieldReader
from hotstream_reactive.text import clean, redact

ENGINE = "engine"
_PLATFORM = "platform:"
#: Bounds of the two limits; `max_running: 0` is no limit, as in config.toml.
MOST_RUNNING = 100_000
SLOWEST_RATE, FASTEST_RATE = 0.01, 60_000.0
_UNSET = -1


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """One document of `controls`; None where it says nothing.

    `max_running` is the number of tasks of the platform that run at once in the whole fleet (0: no
    limit), `requests_per_minute` the pace of all workers together.
    """

    paused: bool = False
    reason: str | None = None
    max_running: int | None = None
    requests_per_minute: float | None = None


class Controls(msgspec.Struct, frozen=True, kw_only=True):
    """All controls; `platforms` maps a platform's name to its control."""

    engine: Control = Control()
    platforms: dict[str, Control] = {}

    def platform(self, name: str) -> Control:
        """The control of a platform; an empty one when there is none."""
        return self.platforms.get(name, Control())

    def by_id(self) -> dict[str, Control]:
        """All controls by the `_id` of their documents."""
        named = {control_id(name): control for name, control in self.platforms.items()}
        return {ENGINE: self.engine, **named}


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a control that is ignored; `problem` names field, value and expectation."""

    control: str
    problem: str


def control_id(platform: str | None = None) -> str:
    """The `_id` of a platform's control, or of the engine's."""
    return ENGINE if platform is None else f"{_PLATFORM}{platform}"


def decode(documents: Iterable[Mapping[str, Any]]) -> tuple[Controls, list[Complaint]]:
    """Understand the documents of `controls`; what is wrong in one is left out and complained of.

    Forgiving like a task: an int64 or a whole double is an integer, unknown fields are fine.
    """
    engine, platforms = Control(), {}
    complaints: list[Complaint] = []
    for document in documents:
        name = document.get("_id")
        control, problems = _control(document)
        if name == ENGINE:
            engine = control
        elif isinstance(name, str) and name.removeprefix(_PLATFORM) not in {name, ""}:
            platforms[name.removeprefix(_PLATFORM)] = control
        else:
            shown = clean(redact(repr(name)), 80)
            problems = [f"_id: {shown}, expected 'engine' or 'platform:' and a platform's name"]
        label = clean(redact(str(name)), 80)
        complaints += [Complaint(control=label, problem=problem) for problem in problems]
    return Controls(engine=engine, platforms=platforms), complaints


def _control(document: Mapping[str, Any]) -> tuple[Control, list[str]]:
    read = FieldReader(document)
    running = read.integer("max_running", low=0, high=MOST_RUNNING, default=_UNSET)
    rate = read.number(
        "requests_per_minute", low=SLOWEST_RATE, high=FASTEST_RATE, default=float(_UNSET)
    )
    control = Control(
        paused=read.boolean("paused"),
        reason=read.text("reason", longest=500) or None,
        max_running=None if running == _UNSET else running,
        requests_per_minute=None if rate == _UNSET else rate,
    )
    return control, read.problems


def limits_in_force(controls: Controls, defaults: Mapping[str, int]) -> dict[str, int]:
    """Platforms with a limit on running tasks: the control's, else the default (0: no limit)."""
    said = {
        name: control.max_running
        for name, control in controls.platforms.items()
        if control.max_running is not None
    }
    return {name: most for name, most in {**defaults, **said}.items() if most > 0}


def places_left(limits: Mapping[str, int], running: Mapping[str, int]) -> dict[str, int]:
    """How many more tasks of each platform with a limit may start.

    Args:
        limits: see `limits_in_force`.
        running: live leases by platform, at least of those with a limit.
    """
    return {name: max(0, most - running.get(name, 0)) for name, most in limits.items()}


def paused_platforms(controls: Controls) -> set[str]:
    """Platforms of which nothing new may start."""
    return {name for name, control in controls.platforms.items() if control.paused}


def room(
    controls: Controls, limits: Mapping[str, int], running: Mapping[str, int]
) -> dict[str, int]:
    """How many more tasks of a platform may start; platforms that nothing holds are not in it."""
    return places_left(limits, running) | dict.fromkeys(paused_platforms(controls), 0)
