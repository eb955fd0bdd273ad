"""The report of a fault run: fault, bound, measured, verdict; in the terminal and as JSON.

A test says which row of the table in docs/reliability.md it covers with
`@pytest.mark.fault("A1", "worker killed in the middle of a task")`, and what it measured with the
fixture `measured`. `--fault-report FILE` writes all of it down, each measure of each case; for
people the cases of a test are one row with the worst of each figure.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Entry = dict[str, Any]
Measure = Callable[..., None]
#: Under which name a test's entries travel with its report, also from process to process.
KEY = "fault"
#: From good to bad. "not kept": beyond the bound by what is not ours, with the reason.
VERDICTS = ["kept", "not run", "not kept", "broken"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """One more option of pytest."""
    parser.addoption(
        "--fault-report", metavar="FILE", help="write faults, bounds and measures as JSON"
    )


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measure:
    """`measured("back after", 3.2, bound=15)` notes a figure, and fails when it is beyond.

    Without a bound it is noted only. `unit` is seconds unless said. `excuse` says why a figure
    beyond its bound is not ours: then the row says "not kept" and why, and the test goes on; it
    must have a bound of its own on what is ours.
    """

    def note(
        what: str, value: float, *, bound: float | None = None, unit: str = "s", excuse: str = ""
    ) -> None:
        entry = {"what": what, "bound": bound, "measured": round(value, 3), "unit": unit}
        request.node.user_properties.append((KEY, entry))
        if bound is None or value <= bound:
            return
        assert excuse, f"{what}: {value:g} {unit}, bound {bound:g} {unit}"
        entry["reason"] = excuse

    return note


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let the rows of a test travel with its report."""
    report: pytest.TestReport = yield  # type: ignore[assignment] # what pluggy sends, not types
    marks = [{"row": mark.args[0], "fault": mark.args[1]} for mark in item.iter_markers("fault")]
    report.user_properties.append(("rows", marks))
    return report  # type: ignore[return-value] # likewise


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table, and write it down where that is wanted."""
    entries = list(_entries(terminalreporter.stats))
    if not entries:
        return
    terminalreporter.section("faults")
    found = rows(entries)
    for row in found:
        terminalreporter.write_line(f"{row.number:<4}{row.verdict:<9}{row.fault}: {row.figures()}")
    words = Counter(row.verdict for row in found)
    terminalreporter.write_line(
        ", ".join(f"{words[word]} {word}" for word in VERDICTS if words[word])
    )
    if path := config.getoption("--fault-report"):
        write_report(Path(path), entries)


def write_report(path: Path, entries: list[Entry]) -> None:
    """Write the entries with what they were measured on."""
    about = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
    }
    path.write_text(json.dumps({"schema_version": 1, **about, "faults": entries}, indent=1) + "\n")


def _entries(stats: dict[str, list[Any]]) -> Iterator[Entry]:
    """One entry per measure, or one per row for a test that only has to hold."""
    found: list[Entry] = []
    for outcome, verdict in (("passed", "kept"), ("failed", "broken"), ("skipped", "not run")):
        for report in stats.get(outcome, ()):
            told = getattr(report, "user_properties", ())  # a skipped module has none
            known = dict(told)
            figures = [value for name, value in told if name == KEY]
            for row in known.get("rows", ()):
                for figure in figures or [{}]:
                    word = "not kept" if "reason" in figure and verdict == "kept" else verdict
                    found.append({**row, **figure, "verdict": word, "test": report.nodeid})
    yield from sorted(found, key=lambda entry: (entry["row"][0], int(entry["row"][1:] or 0)))


@dataclass
class Row:
    """The cases of one test: the worst of each figure, and of the verdicts."""

    number: str
    fault: str
    test: str
    cases: set[str]
    worst: dict[str, Entry]
    verdict: str = "kept"

    def add(self, entry: Entry) -> None:
        """Take one more measure into account."""
        self.cases.add(entry["test"])
        self.verdict = max(self.verdict, entry["verdict"], key=VERDICTS.index)
        what = entry.get("what")
        if what and (what not in self.worst or entry["measured"] > self.worst[what]["measured"]):
            self.worst[what] = entry

    def figures(self) -> str:
        """What was measured, each with its bound in brackets."""
        told = "; ".join(_figure(entry) for entry in self.worst.values())
        cases = f"worst of {len(self.cases)}: " if told and len(self.cases) > 1 else ""
        return cases + told or {"kept": "holds"}.get(self.verdict, "")


def rows(entries: Iterable[Entry]) -> list[Row]:
    """One row per test, in the order of the entries."""
    found: dict[tuple[str, str, str], Row] = {}
    for entry in entries:
        test = entry["test"].partition("[")[0].rpartition("::")[2]
        key = entry["row"], entry["fault"], test
        found.setdefault(key, Row(*key, cases=set(), worst={})).add(entry)
    return list(found.values())


def _figure(entry: Entry) -> str:
    bound = f" ({entry['bound']:g})" if entry["bound"] is not None else ""
    reason = f", not kept: {entry['reason']}" if "reason" in entry else ""
    return f"{entry['what']} {round(entry['measured'], 3):g} {entry['unit']}{bound}{reason}"
