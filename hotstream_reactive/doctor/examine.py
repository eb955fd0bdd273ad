"""The order of the trials, and the time all of them have together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from hotstream_reactive.doctor import machine
from hotstream_reactive.doctor.database import database
from hotstream_reactive.doctor.finding import Finding, fail, within
from hotstream_reactive.settings import Settings
from hotstream_reactive.settings_file import LoadedSettings

Trial = Callable[[], Awaitable[list[Finding]]]

#: Leaves some of half a minute to connections and processes that are slow to close.
ALL_S = 24.0
_QUICK_S = 5.0
_BROWSER_S = 15.0


async def examine(
    loaded: LoadedSettings, reachable: Settings | None, tell: Callable[[Finding], None]
) -> None:
    """Run all trials side by side and tell the findings in a fixed order, as early as they come.

    Args:
        loaded: the settings and their sources.
        reachable: the settings with the address of a running server; None tries an embedded one.
        tell: is given each finding.
    """
    settings = loaded.settings
    temporary = reachable is None
    trials: dict[str, tuple[float, Trial]] = {
        "server": (ALL_S, lambda: database(reachable or settings, temporary=temporary)),
        "plugins": (_QUICK_S, lambda: machine.plugins(settings)),
        "twitter": (_QUICK_S, lambda: machine.instances(settings)),
        "browser": (_BROWSER_S, lambda: machine.browser(settings)),
        "output_dir": (_QUICK_S, lambda: machine.disk(settings)),
    }
    tell(machine.configuration(loaded))
    found: dict[str, list[Finding]] = {}
    ready = {name: anyio.Event() for name in trials}

    async def run(name: str, deadline_s: float, trial: Trial) -> None:
        found[name] = await within(deadline_s, name, trial)
        ready[name].set()

    with anyio.move_on_after(ALL_S):
        async with anyio.create_task_group() as group:
            for name, (deadline_s, trial) in trials.items():
                group.start_soon(run, name, deadline_s, trial)
            for name in trials:
                await ready[name].wait()
                for finding in found.pop(name):
                    tell(finding)
                del ready[name]
    for name in ready:
        tell(fail(name, f"timed out after {ALL_S:g} s", "Try again when the machine is less busy."))
