"""``python -m benchmarks.page FILE.json …``: put the figures of runs into docs/performance.md.

What stands between the two marks of the page is replaced; the plot goes to docs/images.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.plot import distribution

DOCS = Path(__file__).parent.parent / "docs"
BEGIN = "<!-- figures: written by `python -m benchmarks.page` -->"
END = "<!-- end of the figures -->"
#: A core with more than one process that wants it makes every figure worse.
BUSY_PER_CORE = 1.0


def main() -> None:
    """Rewrite the page's figures from the JSON of one run or of several."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument(
        "files", nargs="+", type=Path, help="what `python -m benchmarks --json` has written"
    )
    given = parser.parse_args()
    records = [json.loads(file.read_text(encoding="utf-8")) for file in given.files]
    page = DOCS / "performance.md"
    text = "\n\n".join(figures(record) for record in records)
    page.write_text(replaced(page.read_text(encoding="utf-8"), text), encoding="utf-8")
    durations = {
        name: [value / 1000 for value in values]
        for record in records
        for name, values in record["durations_ms"].items()
    }
    if durations:
        plot = distribution("Share of runs that were ready after so many milliseconds", durations)
        (DOCS / "images" / "performance.svg").write_text(plot, encoding="utf-8")


def replaced(page: str, text: str) -> str:
    """The page with `text` between its marks.

    Raises:
        ValueError: the page has not both marks, in order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks its marks; it needs the lines {BEGIN} and {END}")
    return f"{before}{begin}\n{text}\n{end}{after}"


def figures(record: Mapping[str, Any]) -> str:
    """The facts of a run and its figures, as Markdown."""
    return "\n".join(
        [
            _facts(record),
            "",
            "| part | what | value | floor | ratio | target | met |",
            "|---|---|---:|---:|---:|---|---|",
            *(_row(figure) for figure in record["figures"]),
            *(f"\n{note}." for note in record["notes"]),
        ]
    )


def _facts(record: Mapping[str, Any]) -> str:
    before, after = record["load_before"], record["load_after"]
    busy = before[0] / record["cores"] > BUSY_PER_CORE
    scale = "" if record["scale"] == 1 else f" Scale {record['scale']:g} of the full run."
    return (
        f"Run of {record['at']}: {record['cores']} cores ({record['cpu']}), "
        f"{record['memory_gb']} GB, Linux {record['kernel']}, mongod {record['mongod']}, "
        f"Python {record['python']}, {record['driver']} {record['driver_version']}. Load average "
        f"{_numbers(before)} before and {_numbers(after)} after.{scale}"
        + (" **The machine was busy with other work: these are no final figures.**" if busy else "")
    )


def _numbers(values: Sequence[float]) -> str:
    return " / ".join(f"{value:g}" for value in values)


def _row(figure: Mapping[str, Any]) -> str:
    ratio, floor = figure["ratio"], figure["floor"]
    cells = (
        figure["part"],
        figure["name"],
        f"{figure['value']:,.2f} {figure['unit']}".strip(),
        "" if floor is None else f"{floor:,.2f}",
        "" if ratio is None else f"{ratio:.2f}",
        figure["target"],
        met(figure),
    )
    return f"| {' | '.join(cells)} |"


def met(figure: Mapping[str, Any]) -> str:
    """``yes`` or ``no`` where the target is a number, of the ratio if there is one; else empty."""
    sign, _, rest = figure["target"].partition(" ")
    word = rest.split(" ")[0]
    try:
        wanted = float(word)
    except ValueError:
        return ""
    reached = figure["value"] if figure["ratio"] is None else figure["ratio"]
    return "yes" if (reached <= wanted if sign == "≤" else reached >= wanted) else "**no**"


if __name__ == "__main__":
    main()
