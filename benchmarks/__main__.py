"""``python -m benchmarks [NAME …]``: all without a name; ``--json FILE`` keeps the figures."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import anyio

from benchmarks import backlog, fleet, idle, items, latency, storm, throughput
from benchmarks.facts import facts, load
from benchmarks.peers import compare
from benchmarks.plot import distribution
from benchmarks.report import Found, table

PARTS = {
    "latency": latency.run,
    "throughput": throughput.run,
    "fleet": fleet.run,
    "backlog": backlog.run,
    "storm": storm.run,
    "idle": idle.run,
    "items": items.run,
    "peers": compare.run,
}


def main() -> None:
    """Run the chosen parts and print their figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--plot", type=Path, help="draw the durations into this SVG file")
    parser.add_argument("--driver", choices=["motor", "pymongo"], default="motor")
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the work, for a first look"
    )
    parser.add_argument(
        "--scale", type=float, help="so much of the work, e.g. 0.01 to see that a part runs"
    )
    given = parser.parse_args()
    unknown = set(given.names) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    scale = given.scale or (0.1 if given.quick else 1.0)
    about: dict[str, Any] = {**facts(given.driver), "scale": scale}
    found: list[Found] = []
    for name in given.names or PARTS:
        print(f"\n{name} …", file=sys.stderr)
        found.append(
            anyio.run(PARTS[name], given.driver, scale, backend_options={"use_uvloop": True})
        )
        table(found[-1])
        # After every part: a long run that ends early has kept what it found.
        if given.json:
            given.json.write_text(json.dumps(_record(about, found), indent=1), encoding="utf-8")
    if given.plot:
        durations = {name: values for part in found for name, values in part.durations.items()}
        given.plot.write_text(distribution("Durations", durations), encoding="utf-8")


def _record(about: dict[str, Any], found: list[Found]) -> dict[str, Any]:
    return {
        **about,
        "load_after": load(),
        "figures": [figure.as_dict() for part in found for figure in part.figures],
        "durations_ms": {
            name: [round(second * 1000, 3) for second in values]
            for part in found
            for name, values in part.durations.items()
        },
        "notes": [note for part in found for note in part.notes],
    }


main()
