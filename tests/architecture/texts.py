"""Gathers what the command line says to people, as the table of translations names it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click

from hotstream_reactive import errors
from hotstream_reactive.cli.main import VERBS, hotstream

PACKAGE = Path(__file__).parents[2] / "hotstream_reactive"
#: Whose errors reach a person who calls a verb.
BELOW = (
    "app.py",
    "settings_file.py",
    "logs.py",
    "plugins.py",
    "metrics",
    "model",
    "mongo",
    "doctor",
)
#: Calls whose text is printed, by name, with the places of their texts.
_PRINTING = {
    "say": (0, 1, 2),
    "tr": (0,),
    "Column": (0,),
    "head": (1,),
    "confirm": (0,),
    "_wrong": (2,),
}
_FINDINGS = {"ok": (1,), "warn": (1, 2), "fail": (1, 2)}
_KEYWORDS = {"reason", "expected", "remedy", "title", "message"}
_ERRORS = {"UsageError", "BadParameter"} | {
    name for name, kind in vars(errors).items() if isinstance(kind, type)
}
_NAMES = _KEYWORDS | {"_URI", "_ROLE", "_INSTALL", "_UNAVAILABLE", "_HOW", "what", "which", "said"}
#: Modules with functions that give a message for another one to say.
_RETURNING = {"edit_run.py"}
#: Raised to be caught, or met by workers alone, whose log is English.
_INTERNAL = {"FeedEnded", "FeedUnsupported", "HistoryLost", "LeaseLost"}


def of_help(verb: str) -> set[str]:
    """The paragraphs of a verb's help and the meanings of its options."""
    context = click.Context(hotstream)
    command = hotstream.get_command(context, verb)
    assert command is not None
    return {VERBS[verb].help} | _of_command(command)


def of_main_help() -> set[str]:
    """The help of the program itself."""
    return _of_command(hotstream)


def _of_command(command: click.Command) -> set[str]:
    texts = {param.help for param in command.params if isinstance(param, click.Option)}
    texts |= {command.epilog, command.short_help}
    if isinstance(command, click.Group) and command is not hotstream:
        texts |= {text for below in command.commands.values() for text in _of_command(below)}
    for paragraph in (command.help or "").split("\n\n"):
        lines = [line.strip() for line in paragraph.splitlines()]
        if lines[0] == "\b" and lines[1].endswith("Examples:"):
            continue
        texts.add(" ".join(line for line in lines if line != "\b"))
    return {text for text in texts if text}


def of_code(where: str) -> dict[str, str]:
    """Texts of the messages and errors of a module or folder, with the place of each."""
    path = PACKAGE / where
    found: dict[str, str] = {}
    for module in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
        tree = ast.parse(module.read_text(encoding="utf-8"))
        findings = module.parent.name == "doctor"
        for node in ast.walk(tree):
            said: Iterator[str] = iter(())
            if isinstance(node, ast.Call):
                said = _said(node, findings=findings)
            elif isinstance(node, ast.Assign):
                said = _named(node)
            elif isinstance(node, ast.Return) and module.name in _RETURNING and node.value:
                said = iter(_texts(node.value))
            place = f"{module.relative_to(PACKAGE.parent)}:{getattr(node, 'lineno', 0)}"
            for text in said:
                found |= dict.fromkeys(_lines(text), place)
    return found


def _named(assignment: ast.Assign) -> Iterator[str]:
    """Texts that get a name before they are said."""
    for target in assignment.targets:
        name = getattr(target, "id", "")
        if name in _NAMES:
            yield from _texts(assignment.value)


def of_settings() -> set[str]:
    """What a setting may be, in the words of the settings themselves."""
    tree = ast.parse((PACKAGE / "settings.py").read_text(encoding="utf-8"))
    return {
        text
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Meta"
        for keyword in node.keywords
        if keyword.arg == "description"
        for text in _texts(keyword.value)
    }


def _said(call: ast.Call, *, findings: bool) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    places = (_FINDINGS if findings else {}).get(name, _PRINTING.get(name, ()))
    error = name in _ERRORS - _INTERNAL
    for place, argument in enumerate(call.args):
        if place in places or (error and place == 0):
            yield from _texts(argument)
    for keyword in call.keywords:
        if keyword.arg in _KEYWORDS and (places or error or name in {"Hold", "demand", "Gone"}):
            yield from _texts(keyword.value)


def _texts(node: ast.expr) -> list[str]:
    """What an expression may say, as templates; nothing where only running it would tell."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            return ["".join(v.value if isinstance(v, ast.Constant) else "{}" for v in values)]
        case ast.IfExp(body=one, orelse=other):
            return _texts(one) + _texts(other)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return [one + more for one in _texts(left) for more in _texts(right)]
    return []


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if re.search(r"[A-Za-z]{2}", line.replace("{}", "")):
            yield line.strip()
