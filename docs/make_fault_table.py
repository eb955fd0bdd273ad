"""Fills the table of faults in docs/reliability.md from the report of a run.

    make faults-all && python docs/make_fault_table.py fault-report.json [later.json …]

Cases of one test are one line: the worst of each figure.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("reliability.md")
BEGIN, END = "<!-- table of faults: begin -->", "<!-- table of faults: end -->"
_HEAD = "| row | fault | test | measured (bound) | verdict |\n|---|---|---|---|---|\n"
#: From good to bad.
_VERDICTS = ["kept", "not run", "broken"]

Entry = dict[str, Any]


def table(report: dict[str, Any]) -> str:
    """The table as Markdown, with what it was measured on."""
    lines: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in report["faults"]:
        test = entry["test"].partition("[")[0].rpartition("::")[2]
        lines.setdefault((entry["row"], entry["fault"], test), []).append(entry)
    rows = [
        f"| {row} | {fault} | `{test}` | {_figures(entries)} | {_worst(entries)} |"
        for (row, fault, test), entries in lines.items()
    ]
    words = [_worst(entries) for entries in lines.values()]
    summary = ", ".join(f"{words.count(word)} {word}" for word in _VERDICTS if word in words)
    about = f"{report['at'][:10]}, {report['machine']}, Python {report['python']}"
    return f"Measured {about}: {summary}.\n\n{_HEAD}" + "\n".join(rows)


def _figures(entries: list[Entry]) -> str:
    worst: dict[str, Entry] = {}
    for entry in entries:
        what = entry.get("what")
        if what and (what not in worst or entry["measured"] > worst[what]["measured"]):
            worst[what] = entry
    return "; ".join(_figure(entry) for entry in worst.values()) or "holds"


def _figure(entry: Entry) -> str:
    unit = entry["unit"]
    bound = f" ({entry['bound']:g})" if entry["bound"] is not None else ""
    return f"{entry['what']} {round(entry['measured'], 2):g} {unit}{bound}"


def _worst(entries: list[Entry]) -> str:
    return max((entry["verdict"] for entry in entries), key=_VERDICTS.index)


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
    main([Path(name) for name in sys.argv[1:] or ["fault-report.json"]])
