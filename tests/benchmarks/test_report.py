"""Percentiles, plot and page of the benchmarks; the parts themselves take minutes."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from benchmarks.page import BEGIN, DOCS, END, figures, met, replaced
from benchmarks.plot import distribution
from benchmarks.report import Found, percentile


def found() -> Found:
    made = Found(part="latency")
    made.add_durations("pick-up", [0.003, 0.001, 0.002], [0.001], ("≤ 1.25", "", "≤ 4"))
    return made


def record() -> dict:
    return {
        **{"at": "2026-01-01T00:00:00+00:00", "cores": 2, "cpu": "x", "memory_gb": 4.0},
        **{"kernel": "6", "mongod": "6.0.5", "python": "3.11", "driver": "motor"},
        **{"driver_version": "3.6", "load_before": [4.0, 1.0, 1.0], "load_after": [1.0, 1.0, 1.0]},
        **{"scale": 1.0, "notes": ["Celery is skipped: redis-server is not installed"]},
        "figures": [figure.as_dict() for figure in found().figures],
    }


def test_a_percentile_is_a_measured_value() -> None:
    assert percentile([5.0, 1.0, 3.0], 50) == 3.0
    assert percentile([5.0, 1.0, 3.0], 99) == 5.0
    assert percentile([7.0], 1) == 7.0


def test_durations_are_told_in_milliseconds_with_their_ratio() -> None:
    median, _, slowest = found().figures
    assert (median.value, median.floor, median.ratio) == (2.0, 1.0, 2.0)
    assert slowest.name == "pick-up p99"


def test_a_target_is_met_by_the_ratio_where_there_is_one() -> None:
    assert met({"target": "≤ 1.25", "ratio": 2.0, "value": 1.0}) == "**no**"
    assert met({"target": "≥ 0.7", "ratio": 0.7, "value": 1.0}) == "yes"
    assert met({"target": "≤ 60 MB", "ratio": None, "value": 59.0}) == "yes"
    assert met({"target": "≥ one worker", "ratio": 1.0, "value": 1.0}) == ""


def test_the_plot_is_an_svg_with_a_line_per_name() -> None:
    root = ElementTree.fromstring(distribution("a < b", {"x": [0.001, 0.01], "y": [0.002]}))
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 2


def test_nothing_to_plot_says_what_to_run() -> None:
    with pytest.raises(ValueError, match="run a part with durations"):
        distribution("empty", {"x": []})


def test_the_page_names_machine_figures_notes_and_that_it_was_busy() -> None:
    text = figures(record())
    assert "| latency | pick-up p50 | 2.00 ms | 1.00 | 2.00 | ≤ 1.25 | **no** |" in text
    assert "busy" in text
    assert "redis-server is not installed" in text


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert replaced(page, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    with pytest.raises(ValueError, match="lacks its marks"):
        replaced("a page", "new")


def test_the_page_of_the_project_has_its_marks() -> None:
    page = (DOCS / "performance.md").read_text(encoding="utf-8")
    assert page.index(BEGIN) < page.index(END)
