"""The distribution of durations as an SVG: the share of runs that were ready after so many ms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 860, 380
LEFT, RIGHT, TOP, BOTTOM = 60, 330, 30, 50
COLOURS = ("#0b7285", "#e8590c", "#5f3dc4", "#2b8a3e", "#c2255c", "#495057", "#1864ab", "#a61e4d")


def distribution(title: str, durations: Mapping[str, Sequence[float]]) -> str:
    """An SVG with one rising line per name.

    Args:
        durations: seconds, in any order; the axis is logarithmic, in milliseconds.
    """
    lines = {name: sorted(values) for name, values in durations.items() if values}
    if not lines:
        raise ValueError("nothing to plot: run a part with durations, e.g. `latency`")
    low = math.floor(math.log10(max(1e-6, min(v[0] for v in lines.values())) * 1000))
    high = max(low + 1, math.ceil(math.log10(max(v[-1] for v in lines.values()) * 1000)))

    def x(seconds: float) -> float:
        part = (math.log10(max(seconds, 1e-6) * 1000) - low) / (high - low)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    shapes = [_text(LEFT, 18, title, size=14)]
    for share in (0.0, 0.25, 0.5, 0.75, 0.95, 1.0):
        shapes.append(_rule(LEFT, y(share), WIDTH - RIGHT, y(share)))
        shapes.append(_text(LEFT - 6, y(share) + 4, f"{share:.0%}", anchor="end"))
    for power in range(low, high + 1):
        for digit in (1, 2, 5) if power < high else (1,):
            at = x(digit * 10**power / 1000)
            shapes.append(_rule(at, y(0), at, y(1)))
            shapes.append(_text(at, y(0) + 16, f"{digit * 10.0**power:g}", anchor="middle"))
    shapes.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "milliseconds", anchor="middle"))
    for place, (name, values) in enumerate(lines.items()):
        colour = COLOURS[place % len(COLOURS)]
        points = " ".join(
            f"{x(value):.1f},{y((n + 1) / len(values)):.1f}" for n, value in enumerate(values)
        )
        shapes.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{"5 4" if place >= len(COLOURS) else "none"}"/>'
        )
        shapes.append(_text(WIDTH - RIGHT + 12, TOP + 14 + 18 * place, name, colour=colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif"><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(shapes)}</svg>\n"
    )


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dee2e6"/>'


def _text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    size: int = 11,
    colour: str = "#343a40",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{colour}">{escape(words)}</text>'
    )
