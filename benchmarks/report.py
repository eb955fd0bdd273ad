"""What a benchmark found: figures, each with the floor of the same run, and the durations behind.

Only the standard library and `rich`: the page and the plot are made from the same records later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

#: The percentiles of every list of durations.
PERCENTS = (50, 95, 99)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value; `floor` is the bare driver's in the same run, where there is one.

    `target` says what is wanted, of the ratio where there is a floor, e.g. ``≤ 1.25``.
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


@dataclass(kw_only=True)
class Found:
    """What one part found; `durations` are in seconds, by the name of their line in the plot.

    `notes` are said to the reader: what was skipped and why, and what peers were set to.
    """

    part: str
    figures: list[Figure] = field(default_factory=list)
    durations: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(
        self, name: str, value: float, unit: str, *, floor: float | None = None, target: str = ""
    ) -> None:
        """Note one value."""
        self.figures.append(
            Figure(part=self.part, name=name, value=value, unit=unit, floor=floor, target=target)
        )

    def add_durations(
        self,
        name: str,
        seconds: Sequence[float],
        floor: Sequence[float] | None = None,
        targets: Sequence[str] = ("", "", ""),
    ) -> None:
        """Note the 50th, 95th and 99th percentile in milliseconds, and keep the durations."""
        for percent, target in zip(PERCENTS, targets, strict=True):
            self.add(
                f"{name} p{percent}",
                percentile(seconds, percent) * 1000,
                "ms",
                floor=percentile(floor, percent) * 1000 if floor else None,
                target=target,
            )
        self.durations[name] = list(seconds)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of them lie, by the nearest one measured."""
    ordered = sorted(values)
    return ordered[round(percent / 100 * (len(ordered) - 1))]


def table(found: Found) -> None:
    """Print the figures and notes of one part for people."""
    shown = Table(title=found.part, title_justify="left")
    for heading in ("what", "value", "floor", "ratio", "target"):
        shown.add_column(heading, justify="left" if heading == "what" else "right")
    for figure in found.figures:
        ratio = figure.ratio
        shown.add_row(
            figure.name,
            f"{figure.value:,.2f} {figure.unit}",
            "" if figure.floor is None else f"{figure.floor:,.2f}",
            "" if ratio is None else f"{ratio:.2f}",
            figure.target,
        )
    console = Console()
    console.print(shown)
    for note in found.notes:
        console.print(f"  {note}", markup=False, highlight=False)
