"""The fleet at one moment, as far as it decides whether a task may start."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec

from hotstream_reactive.model.controls import Controls, limits_in_force


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A running task, as far as it keeps others waiting."""

    task_id: str
    platform: str
    worker_id: str
    urgent: bool


class WorkerState(msgspec.Struct, frozen=True, kw_only=True):
    """A living worker by its entry in the register; intervals in seconds.

    `limits` are the `max_running` of its config.toml. `platforms` is None when it does not tell.
    """

    worker_id: str
    slots: int
    express_slots: int = 0
    platforms: list[str] | None = None
    limits: dict[str, int] = {}
    stream: str = "off"
    draining: bool = False
    check_interval_s: float = 10.0
    priority_check_interval_s: float = 3.0


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """The fleet at one moment, by the server's clock.

    `workers` are the living ones, `leases` all running tasks; `ahead` counts the tasks that may
    start and come before the task in question.
    """

    now: datetime
    controls: Controls = Controls()
    workers: list[WorkerState] = []
    leases: list[Lease] = []
    ahead: int = 0
    zombie_timeout_s: float = 30.0

    @property
    def claiming(self) -> list[WorkerState]:
        """Workers that take new tasks."""
        return [worker for worker in self.workers if not worker.draining]

    @property
    def limits(self) -> dict[str, int]:
        """Platforms whose limit holds for every worker; config.toml may differ between them."""
        workers = self.claiming
        named = {name for worker in workers for name in worker.limits}
        common = {
            name: max(worker.limits[name] for worker in workers)
            for name in named
            if all(worker.limits.get(name, 0) for worker in workers)
        }
        return limits_in_force(self.controls, common)

    def running(self) -> dict[str, int]:
        """Live leases by platform."""
        return Counter(lease.platform for lease in self.leases)
