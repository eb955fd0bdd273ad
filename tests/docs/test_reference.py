"""The reference says what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hotstream_reactive.model.schema import task_schema

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "task-document.md").read_text("utf-8")


@pytest.mark.parametrize("made_by", ["make_settings_reference.py", "make_error_reference.py"])
def test_what_is_generated_is_up_to_date(made_by: str) -> None:
    done = subprocess.run(
        [sys.executable, DOCS / made_by, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_field_of_a_task_is_on_its_page() -> None:
    before, _, engine = PAGE.partition("## Fields of the engine")
    rows = {
        name: cells
        for line in before.splitlines()
        if line.startswith("| `")
        for cells in [[cell.strip() for cell in line.split("|")]]
        for name in re.findall(r"`(\w+)`", cells[1])
    }
    of_engine = set(re.findall(r"`(\w+)`", engine.partition("##")[0]))
    known = set(task_schema()["properties"])
    assert rows.keys() <= known
    assert known <= rows.keys() | of_engine
    for name, field in task_schema()["properties"].items():
        if name in rows and {"minimum", "maximum"} <= field.keys() and field["maximum"] <= 10:
            assert f"{field['minimum']}-{field['maximum']}" in rows[name][2], name
