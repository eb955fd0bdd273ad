"""What the layout promises is kept by a machine."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hotstream_reactive
from hotstream_reactive import errors

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "hotstream_reactive"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 400


def test_imports_go_one_way() -> None:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_exception_from_a_check_has_its_reason(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        ignored = re.search(r"# type: ignore(.*)", line)
        if ignored:
            assert re.fullmatch(r"\[[a-z-]+\] +(- |# ?)\w.*", ignored[1]), line
        excepted = re.search(r"# noqa(.*)", line)
        if excepted:
            assert re.fullmatch(r": [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)* +(- |# ?)\w.*", excepted[1]), (
                line
            )


def test_the_drawing_of_the_errors_is_the_class_tree() -> None:
    drawing = (errors.__doc__ or "").split("\n\n")[1]
    drawn: list[tuple[int, str]] = []
    for line in drawing.splitlines():
        found = re.match(r"([│├└─ ]*)(\w+)", line)
        assert found
        drawn.append((len(found[1]) // 4, found[2]))

    def walk(kind: type, depth: int) -> list[tuple[int, str]]:
        below = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
        return [(depth, kind.__name__), *(x for child in below for x in walk(child, depth + 1))]

    assert drawn == walk(errors.HotStreamError, 0)


def test_every_error_says_in_the_drawing_what_to_do() -> None:
    for line in (errors.__doc__ or "").split("\n\n")[1].splitlines():
        name = re.sub(r"^[│├└─ ]*\w+\s*", "", line)
        if not re.search(r"\b(HotStreamError|DatabaseError|StorageError)$", line):
            assert len(name) > 5, line


def test_the_public_names_are_sorted_and_there() -> None:
    names = getattr(hotstream_reactive, "__all__", None)
    assert names is not None
    assert list(names) == sorted(names)
    assert len(set(names)) == len(names)
    for name in names:
        assert hasattr(hotstream_reactive, name)
    public = {
        name
        for name, value in vars(hotstream_reactive).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }
    assert public <= set(names)


def test_every_module_can_be_imported_and_says_what_it_is() -> None:
    for module in pkgutil.walk_packages([str(PACKAGE)], "hotstream_reactive."):
        if module.name.endswith("__main__"):
            continue
        assert importlib.import_module(module.name).__doc__ or module.name.endswith(".fetch"), (
            module.name
        )


def test_only_fault_tests_sleep() -> None:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if "faults" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        for found in re.finditer(
            r"^ *(?:await )?(?:time|anyio|asyncio)\.sleep\(([\d.]+)\)$", text, re.M
        ):
            # What is left is the step of a poll helper.
            assert float(found[1]) <= 0.1, f"{path.relative_to(ROOT)}: {found[0].strip()}"
