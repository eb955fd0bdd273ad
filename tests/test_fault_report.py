"""The report of faults: one row per test for people, with the worst of what was measured."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fault_report import Entry, Measure, rows


def entry(case: str, measured: float, verdict: str = "kept", **more: Any) -> Entry:
    return {
        "row": "C1",
        "fault": "history lost",
        "test": f"tests/faults/test_streams.py::test_lost[{case}]",
        "what": "live again",
        "bound": 2,
        "unit": "s",
        "measured": measured,
        "verdict": verdict,
        **more,
    }


def test_cases_of_a_test_are_one_row_with_the_worst_figure_and_verdict() -> None:
    other = entry("motor", 0.5) | {"test": "tests/faults/test_streams.py::test_other"}
    worst, apart = rows([entry("motor", 0.1), entry("pymongo", 3.0, "broken"), other])
    assert (worst.number, worst.test, worst.verdict) == ("C1", "test_lost", "broken")
    assert worst.figures() == "worst of 2: live again 3 s (2)"
    assert apart.figures() == "live again 0.5 s (2)"


def test_a_row_says_why_it_is_not_kept() -> None:
    [row] = rows(
        [entry("a", 20.0, "not kept", reason="MongoDB itself takes 18 s"), entry("b", 9.0)]
    )
    assert row.verdict == "not kept"
    assert row.figures().endswith("live again 20 s (2), not kept: MongoDB itself takes 18 s")


def test_a_test_without_figures_holds_or_does_not() -> None:
    bare = {"row": "A3", "fault": "SIGTERM", "test": "t.py::test_it"}
    assert rows([{**bare, "verdict": "kept"}])[0].figures() == "holds"
    assert rows([{**bare, "verdict": "broken"}])[0].figures() == ""


def test_a_figure_beyond_its_bound_fails_unless_it_is_excused(
    measured: Measure, request: pytest.FixtureRequest
) -> None:
    measured("gap", 20.0, bound=15, excuse="MongoDB itself takes 17.5 s")
    measured("kept", 5.0, bound=15, excuse="of no importance")
    [(_, noted), (_, kept)] = request.node.user_properties
    assert noted["reason"] == "MongoDB itself takes 17.5 s"
    assert "reason" not in kept
    with pytest.raises(AssertionError, match=r"gap: 20 s, bound 15 s"):
        measured("gap", 20.0, bound=15)
