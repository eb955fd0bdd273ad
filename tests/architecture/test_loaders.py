"""Texts from outside are read by parsers of data only: nothing that could run what it reads."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hotstream_reactive

PACKAGE = Path(hotstream_reactive.__file__).parent
#: Modules whose loaders can call what the text names, and shells.
MODULES = {"pickle", "marshal", "shelve", "dill", "jsonpickle", "code", "codeop"}
CALLS = {"eval", "exec", "compile", "__import__"}
#: Of PyYAML only `safe_load` is left.
YAML = ("load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all")
ATTRIBUTES = {("os", "system"), ("os", "popen"), *(("yaml", name) for name in YAML)}


def dangers(source: str) -> list[str]:
    """What in this source could run a text."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found += [n.name for n in names if n.name.partition(".")[0] in MODULES]
            case ast.ImportFrom(module="yaml"):
                found.append("from yaml")
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in MODULES:
                found.append(module)
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                found.append(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=of), attr=name)):
                found += [f"{of}.{name}"] * ((of, name) in ATTRIBUTES)
            case ast.keyword(arg="shell", value=ast.Constant(value=True)):
                found.append("shell=True")
    return found


@pytest.mark.fault("H6", "loaders and expressions that could run a text")
def test_no_loader_runs_what_it_reads() -> None:
    sources = sorted(PACKAGE.rglob("*.py"))
    assert len(sources) > 100
    found = {
        str(path.relative_to(PACKAGE)): bad
        for path in sources
        if (bad := dangers(path.read_text()))
    }
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        *("import pickle", "from yaml import load", "eval(text)", "import os; os.system(x)"),
        "import yaml; yaml.load(text, Loader=yaml.Loader)",
        "import subprocess; subprocess.run(text, shell=True)",
    ],
)
def test_each_danger_would_be_found(source: str) -> None:
    assert dangers(source)
