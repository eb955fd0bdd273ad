"""The control board: what the collection `controls` says, known to this worker within a second.

It is polled, not watched: a poll is one tiny read, needs no change stream, and a missed one only
costs a moment. While MongoDB is away the last known state stands.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import anyio

from hotstream_reactive.engine.events import Events
from hotstream_reactive.errors import DatabaseError
from hotstream_reactive.model.controls import (
    Complaint,
    Control,
    Controls,
    control_id,
    decode,
    limits_in_force,
)
from hotstream_reactive.settings import Settings

#: Leaves time for the read itself within the promised second.
POLL_S = 0.8


class ControlSource(Protocol):
    """Where controls are read."""

    async def read(self) -> list[dict[str, Any]]: ...


class ControlBoard:
    """The controls in force.

    Args:
        settings: the limits of `platforms.<name>` hold where no control says otherwise.
        changed: called after every change; more tasks may start than before.
    """

    def __init__(
        self,
        source: ControlSource,
        settings: Settings,
        events: Events,
        *,
        changed: Callable[[], None],
    ) -> None:
        self._source = source
        self._settings = settings
        self._events = events
        self._changed = changed
        self._known = False
        self._away = False
        self._complaints: set[Complaint] = set()
        self._edited = anyio.Event()
        self.defaults = default_limits(settings)
        self.controls = Controls()

    @property
    def engine_paused(self) -> bool:
        """Whether nothing may be claimed; also true before the controls were read once."""
        return self.controls.engine.paused or not self._known

    @property
    def limits(self) -> dict[str, int]:
        """Platforms with a limit on running tasks, and the limit."""
        return limits_in_force(self.controls, self.defaults)

    @property
    def holding(self) -> bool:
        """Whether anything may keep a task from starting that an idle worker would start."""
        return self.engine_paused or bool(self.controls.platforms) or bool(self.defaults)

    def rate(self, platform: str) -> float:
        """The fleet's pace for a platform, in requests per minute."""
        said = self.controls.platform(platform).requests_per_minute
        return said or float(self._settings.platform(platform).rate_limit.requests_per_minute)

    async def wait_for_edit(self, longest_s: float) -> None:
        """Wait for any change of the controls, but no longer than this."""
        with anyio.move_on_after(longest_s):
            await self._edited.wait()

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            began = time.monotonic()
            await self.poll()
            await anyio.sleep(max(POLL_S - (time.monotonic() - began), 0.05))

    async def poll(self) -> None:
        """Read the controls, tell what has changed, and let more tasks start if they now may."""
        try:
            controls, complaints = decode(await self._source.read())
        except DatabaseError as error:
            if not self._away:
                self._events.emit("controls_failed", reason=str(error))
            self._away = True
            return
        self._away = False
        for complaint in complaints:
            if complaint not in self._complaints:
                self._events.emit(
                    "control_ignored", control=complaint.control, problem=complaint.problem
                )
        self._complaints = set(complaints)
        if self._known and controls == self.controls:
            return
        before, self.controls = self.controls, controls
        self._known = True
        self._tell(before, controls)
        self._edited.set()
        self._edited = anyio.Event()
        self._changed()

    def _tell(self, before: Controls, after: Controls) -> None:
        old, new = before.by_id(), after.by_id()
        for name in sorted({*old, *new}):
            was, now = old.get(name, Control()), new.get(name, Control())
            if now.paused and (not was.paused or now.reason != was.reason):
                self._events.emit("paused", control=name, reason=now.reason)
            elif was.paused and not now.paused:
                self._events.emit("resumed", control=name)
        for platform in sorted({*before.platforms, *after.platforms}):
            if _limits(before.platform(platform)) != _limits(after.platform(platform)):
                self._events.emit(
                    "limit_changed",
                    control=control_id(platform),
                    max_running=self.limits.get(platform, 0),
                    requests_per_minute=self.rate(platform),
                )


def _limits(control: Control) -> tuple[int | None, float | None]:
    return control.max_running, control.requests_per_minute


def default_limits(settings: Settings) -> dict[str, int]:
    """The limits on running tasks that config.toml sets."""
    return {name: one.max_running for name, one in settings.platforms.items() if one.max_running}
