"""Figures: what was measured, the floor of the same run, and the ratio of the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value; `floor` is the bare driver's in the same run, where there is one.

    `target` is the ratio to the floor that is wanted, as text, e.g. ``≤ 1.25``.
    """

    part: str
    name: str
    value: float
    unit: str
    floor: float | None = None
    target: str = ""

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of the floor."""
        return self.value / self.floor if self.floor else None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "ratio": self.ratio}


def percentiles(
    part: str,
    name: str,
    seconds: Sequence[float],
    floor: Sequence[float] | None = None,
    targets: Sequence[str] = ("", "", ""),
) -> list[Figure]:
    """The 50th, 95th and 99th percentile of durations, in milliseconds."""
    return [
        Figure(
            part=part,
            name=f"{name} p{percent}",
            value=_at(seconds, percent) * 1000,
            unit="ms",
            floor=_at(floor, percent) * 1000 if floor else None,
            target=target,
        )
        for percent, target in zip((50, 95, 99), targets, strict=True)
    ]


def table(title: str, figures: Sequence[Figure]) -> None:
    """Print figures for people."""
    shown = Table(title=title, title_justify="left")
    for heading in ("what", "value", "floor", "ratio", "target"):
        shown.add_column(heading, justify="left" if heading == "what" else "right")
    for figure in figures:
        ratio = figure.ratio
        shown.add_row(
            figure.name,
            f"{figure.value:,.2f} {figure.unit}",
            "" if figure.floor is None else f"{figure.floor:,.2f}",
            "" if ratio is None else f"{ratio:.2f}",
            figure.target,
        )
    Console().print(shown)


def _at(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]
