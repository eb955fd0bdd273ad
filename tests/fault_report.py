"""The report of a fault run: fault, bound, measured, verdict; in the terminal and as JSON.

A test says which row of the table in docs/reliability.md it covers with
`@pytest.mark.fault("A1", "worker killed in the middle of a task")`, and what it measured with the
fixture `measured`. `--fault-report FILE` writes all of it down.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Entry = dict[str, Any]
Measure = Callable[..., None]
#: Under which name a test's entries travel with its report, also from process to process.
KEY = "fault"


def pytest_addoption(parser: pytest.Parser) -> None:
    """One more option of pytest."""
    parser.addoption(
        "--fault-report", metavar="FILE", help="write faults, bounds and measures as JSON"
    )


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measure:
    """`measured("back after", 3.2, bound=15)` notes a figure, and fails when it is beyond.

    Without a bound it is noted only. `unit` is seconds unless said.
    """

    def note(what: str, value: float, *, bound: float | None = None, unit: str = "s") -> None:
        entry = {"what": what, "bound": bound, "measured": round(value, 3), "unit": unit}
        request.node.user_properties.append((KEY, entry))
        assert bound is None or value <= bound, f"{what}: {value:g} {unit}, bound {bound:g} {unit}"

    return note


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let the rows of a test travel with its report."""
    report: pytest.TestReport = yield  # type: ignore[assignment] # what pluggy sends, not types
    rows = [{"row": mark.args[0], "fault": mark.args[1]} for mark in item.iter_markers("fault")]
    report.user_properties.append(("rows", rows))
    return report  # type: ignore[return-value] # likewise


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table, and write it down where that is wanted."""
    entries = list(_entries(terminalreporter.stats))
    if not entries:
        return
    terminalreporter.section("faults")
    for entry in entries:
        terminalreporter.write_line(_line(entry))
    words = Counter(entry["verdict"] for entry in entries)
    terminalreporter.write_line(", ".join(f"{count} {word}" for word, count in words.items()))
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
    for word, verdict in (("passed", "kept"), ("failed", "broken"), ("skipped", "not run")):
        for report in stats.get(word, ()):
            told = getattr(report, "user_properties", ())  # a skipped module has none
            known = dict(told)
            figures = [value for name, value in told if name == KEY]
            for row in known.get("rows", ()):
                for figure in figures or [{}]:
                    found.append({**row, **figure, "verdict": verdict, "test": report.nodeid})
    yield from sorted(found, key=lambda entry: (entry["row"][0], int(entry["row"][1:] or 0)))


def _line(entry: Entry) -> str:
    bound, unit = entry.get("bound"), entry.get("unit", "")
    figures = "holds" if entry["verdict"] == "kept" else ""
    if "measured" in entry:
        limit = f" (bound {bound:g} {unit})" if bound is not None else ""
        figures = f"{entry['what']}: {entry['measured']:g} {unit}{limit}"
    return f"{entry['row']:<4}{entry['verdict']:<8}{entry['fault']}: {figures}"
