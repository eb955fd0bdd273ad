"""The files for containers, and what they are tried with where no Docker engine is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
#: Where `.ci/run` puts it.
NODE_BIN = ROOT / "build" / "node" / "node_modules" / ".bin"


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    """compose.replset.yml as Docker reads it, its variables not filled in."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "compose.replset.yml").read_text("utf-8"))
    return read


@pytest.fixture(scope="session")
def mongosh() -> str:
    """The MongoDB shell."""
    path = os.pathsep.join([os.environ.get("PATH", ""), str(NODE_BIN)])
    found = shutil.which("mongosh", path=path)
    if found is None:
        pytest.skip("there is no mongosh: npm install --prefix build/node mongosh")
    return found
