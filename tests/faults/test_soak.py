"""The soak of `make soak`, made short: it works, and nothing grows within two minutes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fault_report import Measure

SECONDS = 90


@pytest.mark.slow
@pytest.mark.fault("I1", "soak of 90 s under small faults (two hours: make soak)")
def test_a_short_soak(tmp_path: Path, measured: Measure) -> None:
    report = tmp_path / "soak.json"
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("soak.py")), str(report)],
        env=os.environ | {"SOAK_S": str(SECONDS), "SOAK_RATE": "20"},
        capture_output=True,
        text=True,
        timeout=SECONDS + 300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(report.read_text())
    figures = told["figures"]
    measured("tasks", figures["tasks"], unit="tasks")
    measured("lost", figures["lost"], bound=0, unit="tasks")
    measured("faults", sum(figures["faults"].values()), unit="faults")
    assert not told["broken"]
