"""The figures of one worker, each with its meaning, and how events change them.

Labels are of closed sets: platforms of this worker (others are ``other``), outcomes, causes,
states. No label holds anything that stands in a task document, or there would be no end of series.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
)

from hotstream_reactive.engine.events import Event
from hotstream_reactive.engine.watcher import StreamState
from hotstream_reactive.version import __version__

OUTCOMES = ("completed", "retry", "failed", "cancelled", "lease_lost")
_OTHER = "other"
_STREAM = "stream_"
#: Seconds. From a stream's milliseconds to the sweeps' ten seconds, and long queues.
_PICKUP = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 10, 30, 60, 300, 900, 3600)
_RUN = (0.1, 0.5, 1, 5, 15, 30, 60, 300, 900, 3600)
_LAG = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 20)


class Figures:
    """All figures, in a registry of their own: nothing else in the process is shown.

    Args:
        platforms: those this worker runs.
        slots: how many tasks it can run at once.
    """

    def __init__(self, worker_id: str, platforms: Iterable[str], *, slots: int) -> None:
        self.registry = registry = CollectorRegistry()
        self._platforms = set(platforms)
        self._stream = str(StreamState.RESUMING)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"hotstream_{name}", meaning, labels, registry=registry)

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(f"hotstream_{name}", meaning, labels, registry=registry)

        def histogram(
            name: str, meaning: str, buckets: tuple[float, ...], *labels: str
        ) -> Histogram:
            return Histogram(
                f"hotstream_{name}", meaning, labels, buckets=buckets, registry=registry
            )

        self._pickup = histogram(
            "pickup_seconds",
            "From when a task was due (run_at, or created_at at its first run) to its claim.",
            _PICKUP,
            "platform",
        )
        self._runs = counter("runs", "Runs that ended, by outcome.", "platform", "outcome")
        self._run = histogram(
            "run_seconds", "From the claim of a task to the end of its run.", _RUN, "platform"
        )
        self._items = counter("items", "Items that runs stored.", "platform")
        self._pages = counter(
            "pages", "Pages that sites answered, asked by HTTP or by the browser.", "platform"
        )
        self._failures = counter(
            "failures",
            "Runs that ended in a retry or failed, by cause; a site that blocks is "
            "rate_limited, blocked or login_required.",
            "platform",
            "cause",
        )
        self._empty = counter("empty", "Runs that completed and found nothing.", "platform")
        self._rescues = counter(
            "rescues",
            "Tasks taken back from silent workers: rescued, or poisoned after too many.",
            "result",
        )
        self._refused = counter("refused", "Task documents that could not be understood.")
        self._sweep_found = counter(
            "sweep_found",
            "Tasks that a periodic sweep found and nothing had hinted at, by the stream's state; "
            "with a live stream there should be next to none.",
            "stream",
        )
        self._troubles = counter(
            "troubles", "Work on the database that failed and is tried again, by kind.", "kind"
        )
        self._changes = counter("stream_changes", "Times the stream entered a state.", "state")
        self._state = gauge("stream_state", "1 for the state the stream is in.", "state")
        self._fleet = gauge("workers", "Living workers of the fleet, as this one sees them.")
        self._slots = gauge("slots", "Tasks this worker can run at once.")
        self.running = gauge("running", "Tasks this worker runs now.")
        self.stream_silence = gauge(
            "stream_silence_seconds", "Time since the last event of the stream; NaN before one."
        )
        self.lag = histogram(
            "loop_lag_seconds", "How late the event loop came round, twice a second.", _LAG
        )
        Info("hotstream_worker", "This worker.", registry=registry).info(
            {"worker_id": worker_id, "version": __version__}
        )
        self._slots.set(slots)
        # What has not happened yet is 0 and not absent: rates and alarms need the first step.
        for platform in self._platforms:
            self._items.labels(platform)
            self._pages.labels(platform)
            for outcome in OUTCOMES:
                self._runs.labels(platform, outcome)
        for result in ("rescued", "poisoned"):
            self._rescues.labels(result)
        self._enter(self._stream)

    def count(self, event: Event) -> None:
        """Take one event in; a listener for `Events`."""
        action, details = event.action, event.details
        if action in OUTCOMES:
            self._count_run(event)
        elif action == "claimed":
            if (waited_s := details.get("waited_s")) is not None:
                self._pickup.labels(self._platform(event)).observe(waited_s)
        elif action == "page":
            if details["status"] is not None:
                self._pages.labels(self._platform(event)).inc()
        elif action in ("rescued", "poisoned"):
            self._rescues.labels(action).inc()
        elif action == "refused":
            self._refused.inc()
        elif action == "sweep_found":
            self._sweep_found.labels(self._stream).inc(details["tasks"])
        elif action == "fleet":
            self._fleet.set(details["workers"])
        elif action.startswith(_STREAM):
            self._enter(action.removeprefix(_STREAM))
            self._changes.labels(self._stream).inc()
        elif action.endswith("_failed") or action == "completion_delayed":
            self._troubles.labels(action).inc()

    def _count_run(self, event: Event) -> None:
        platform, details = self._platform(event), event.details
        self._runs.labels(platform, event.action).inc()
        self._run.labels(platform).observe(details["elapsed_ms"] / 1000)
        if event.action != "lease_lost":
            self._items.labels(platform).inc(details["new_items"])
        if event.action == "completed" and not details["result_count"]:
            self._empty.labels(platform).inc()
        if event.action in ("retry", "failed") and details["cause"]:
            self._failures.labels(platform, details["cause"]).inc()

    def _enter(self, state: str) -> None:
        self._stream = state
        for one in StreamState:
            self._state.labels(str(one)).set(one == state)

    def _platform(self, event: Event) -> str:
        platform = event.details.get("platform")
        return platform if platform in self._platforms else _OTHER
