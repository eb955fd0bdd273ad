"""``python -m benchmarks [NAME …]``: all without a name; ``--json FILE`` keeps the figures."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path

import anyio

from benchmarks import backlog, fleet, idle, items, latency, storm, throughput
from benchmarks.report import Figure, table

PARTS = {
    "latency": latency.run,
    "throughput": throughput.run,
    "fleet": fleet.run,
    "backlog": backlog.run,
    "storm": storm.run,
    "idle": idle.run,
    "items": items.run,
}


def main() -> None:
    """Run the chosen parts and print their figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--driver", choices=["motor", "pymongo"], default="motor")
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the work, for a first look"
    )
    given = parser.parse_args()
    unknown = set(given.names) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    figures: list[Figure] = []
    for name in given.names or PARTS:
        print(f"\n{name} …", file=sys.stderr)
        found = anyio.run(
            PARTS[name],
            given.driver,
            0.1 if given.quick else 1.0,
            backend_options={"use_uvloop": True},
        )
        table(name, found)
        figures += found
    if given.json:
        facts = {"machine": platform.platform(), "python": platform.python_version()}
        rows = [figure.as_dict() for figure in figures]
        given.json.write_text(
            json.dumps({**facts, "driver": given.driver, "figures": rows}, indent=1)
        )


main()
