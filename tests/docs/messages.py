"""The messages of the code that tell what is wrong, as templates with ``…`` for values."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from hotstream_reactive import errors
from hotstream_reactive.engine.log import _LEVELS

PACKAGE = Path(__file__).parents[2] / "hotstream_reactive"
#: Errors of sites have codes, which docs/errors.md lists; the others never come out.
_ELSEWHERE = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.ScrapeError)
} | {"LeaseLost", "FeedEnded"}
_ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.HotStreamError)
} - _ELSEWHERE
#: What plugin authors, and programs that embed the package, are told when they call it wrongly.
_FOR_PROGRAMMERS = (
    "the embedded MongoDB is not started: call start() first",
    "storage 'mongodb' was made without a database connection",
    "a lost lease writes nothing",
)


def template(text: str) -> str:
    """One line, with ``…`` in place of every value."""
    return re.sub(r"(…\s*)+$", "…", re.sub(r"\{[^{}]*\}", "…", text.partition("\n")[0])).strip()


@cache
def events() -> frozenset[str]:
    """Events of workers that are lines of the levels WARNING and ERROR."""
    actions = {action for action, level in _LEVELS.items() if level in ("WARNING", "ERROR")}
    for node in _nodes("engine"):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="emit"), args=[ast.Constant(value=str(action)), *_]
            ):
                actions |= {action} if action.endswith("_failed") else set()
            case ast.Call(func=ast.Name(id="Event"), keywords=keywords):
                given = {one.arg: one.value for one in keywords}
                actions |= {text for text in _texts(given["action"]) if text.endswith("_failed")}
            case ast.Call(func=ast.Name(id="Chore"), args=[ast.Constant(value=name), *_]):
                actions.add(f"{name}_failed")
    return frozenset(action.replace("_", " ") for action in actions)


@cache
def log_lines() -> frozenset[str]:
    """What is logged as WARNING or ERROR without being an event."""
    found = set()
    for node in _nodes("."):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="warning" | "error", value=where), args=[text, *_]
            ):
                if re.search(r"\blog(ger)?$", ast.unparse(where)):
                    found |= set(_texts(text))
            case ast.Call(func=ast.Attribute(attr="log"), args=[level, text, *_]):
                if "ERROR" in ast.unparse(level):
                    found |= set(_texts(text))
    return _worth_naming(found)


@cache
def error_texts() -> frozenset[str]:
    """The first lines of the errors of the command line and of workers, but for wrong usage."""
    found = set()
    for node in _nodes("."):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[text, *_]) if (
                name in _ERRORS
            ):
                found |= set(_texts(text))
    return _worth_naming(found - set(_FOR_PROGRAMMERS))


@cache
def all_texts() -> frozenset[str]:
    """Every text in the code, also parts of longer ones."""
    found = {text for node in _nodes(".") if isinstance(node, ast.expr) for text in _texts(node)}
    return _worth_naming(found)


def _worth_naming(texts: set[str]) -> frozenset[str]:
    return frozenset(text for text in map(template, texts) if re.search("[a-z]{3}", text))


@cache
def _trees(where: str) -> list[ast.Module]:
    paths = sorted((PACKAGE / where).rglob("*.py"))
    return [ast.parse(path.read_text(encoding="utf-8")) for path in paths]


def _nodes(where: str) -> Iterator[ast.AST]:
    for tree in _trees(where):
        yield from ast.walk(tree)


def _texts(node: ast.expr) -> list[str]:
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            return ["".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in values)]
        case ast.IfExp(body=one, orelse=other):
            return _texts(one) + _texts(other)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return [one + more for one in _texts(left) for more in _texts(right) or ["{}"]]
        case ast.Call(func=ast.Name(id="tr"), args=[text, *_]):
            return _texts(text)
    return []
