"""Counting over time, in bounded memory: per minute for an hour, and over the last 60 seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

KEPT_MINUTES = 60
_WINDOW_S = 60.0
_SLOT_S = 5.0


class Rate:
    """How often something happened; times are seconds since 1970 and need not come in order."""

    def __init__(self) -> None:
        self._minutes: dict[int, float] = {}
        self._recent: deque[tuple[float, float]] = deque()

    def add(self, at: float, amount: float = 1.0) -> None:
        """Count something that happened at this time."""
        minute = int(at // 60)
        if minute not in self._minutes:
            oldest = max(self._minutes, default=minute) - KEPT_MINUTES
            if minute < oldest:
                return
            self._minutes[minute] = 0.0
            for gone in [m for m in self._minutes if m < minute - KEPT_MINUTES]:
                del self._minutes[gone]
        self._minutes[minute] += amount
        slot = at // _SLOT_S * _SLOT_S
        if self._recent and self._recent[-1][0] >= slot:
            if slot >= self._recent[-1][0] - _WINDOW_S:
                self._recent[-1] = (self._recent[-1][0], self._recent[-1][1] + amount)
        else:
            self._recent.append((slot, amount))
            while self._recent[0][0] < slot - _WINDOW_S:
                self._recent.popleft()

    def load(self, minutes: Iterable[tuple[int, float]], *, latest: float, now: float) -> None:
        """Start afresh from sums by minute, of which `latest` fell into the last 60 seconds."""
        first = int(now // 60) - KEPT_MINUTES
        self._minutes = {}
        for minute, amount in minutes:
            if minute >= first:
                self._minutes[minute] = self._minutes.get(minute, 0.0) + amount
        self._recent = deque([(now - _WINDOW_S / 2, latest)] if latest else [])

    def per_minute(self, now: float) -> float:
        """The sum over the last 60 seconds."""
        return sum(amount for slot, amount in self._recent if slot > now - _WINDOW_S - _SLOT_S / 2)

    def total(self, now: float) -> float:
        """The sum over the last 60 minutes."""
        first = int(now // 60) - KEPT_MINUTES
        return sum(amount for minute, amount in self._minutes.items() if minute > first)

    def minutes(self, now: float, count: int) -> list[float]:
        """The sums of the last `count` minutes, oldest first, the present one last."""
        last = int(now // 60)
        return [self._minutes.get(minute, 0.0) for minute in range(last - count + 1, last + 1)]


class Spread:
    """The latest values of something, for percentiles."""

    MOST = 1000

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=self.MOST)

    def __len__(self) -> int:
        return len(self._values)

    def add(self, value: float) -> None:
        """Take in a value; of too many the oldest leaves."""
        self._values.append(value)

    def at(self, part: float) -> float | None:
        """The value below which this part of all values lies; None when there is none."""
        if not self._values:
            return None
        ordered = sorted(self._values)
        return ordered[min(int(part * len(ordered)), len(ordered) - 1)]
