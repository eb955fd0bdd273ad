"""Fills the table of faults in docs/reliability.md from the report of a run.

make faults-all && python -m docs.make_fault_table [report.json …]

Without names, the reports of `make faults-all`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.fault_report import VERDICTS, Entry, rows

TARGET = Path(__file__).with_name("reliability.md")
BEGIN, END = "<!-- table of faults: begin -->", "<!-- table of faults: end -->"
_HEAD = "| row | fault | test | measured (bound) | verdict |\n|---|---|---|---|---|\n"


def table(report: dict[str, Any]) -> str:
    """The table as Markdown, with what it was measured on."""
    found = rows(report["faults"])
    lines = [
        f"| {row.number} | {row.fault} | `{row.test}` | {row.figures()} | {row.verdict} |"
        for row in found
    ]
    words = [row.verdict for row in found]
    summary = ", ".join(f"{words.count(word)} {word}" for word in VERDICTS if word in words)
    about = f"{report['at'][:10]}, {report['machine']}, Python {report['python']}"
    return f"Measured {about}: {summary}.\n\n{_HEAD}" + "\n".join(lines)


def combined(paths: list[Path]) -> dict[str, Any]:
    """The reports as one; what a later one says of a test replaces what an earlier one said."""
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    by_test: dict[str, list[Entry]] = {}
    for report in reports:
        for test in {entry["test"] for entry in report["faults"]}:
            by_test[test] = [entry for entry in report["faults"] if entry["test"] == test]
    entries = [entry for of_test in by_test.values() for entry in of_test]
    entries.sort(key=lambda entry: (entry["row"][0], int(entry["row"][1:]), entry["fault"]))
    return reports[-1] | {"faults": entries}


def main(paths: list[Path]) -> None:
    """Replace what stands between the two marks."""
    text = TARGET.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    filled = table(combined(paths))
    TARGET.write_text(f"{before}{BEGIN}\n{filled}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or sorted(Path("build/faults").glob("*.json")))
