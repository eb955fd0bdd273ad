"""The `$jsonSchema` validator of the collection `tasks`, drawn from the contract.

It must never refuse what `admit` understands, nor what the engine writes: it is the same forgiving
contract, held against a wrong insert in the writer's hands. What only code can judge (cron, dates
in texts, nesting, names of platforms) is left to intake, which refuses it with a reason.
"""

from __future__ import annotations

from typing import Any, assert_never

from hotstream_reactive.model.contract import (
    FIELDS,
    REQUIRED,
    Anything,
    Choice,
    Cron,
    Fact,
    Flag,
    Moment,
    Real,
    Shape,
    Table,
    Text,
    Texts,
    Whole,
)
from hotstream_reactive.model.fields import LONGEST_LIST, LONGEST_WORD

_NUMBERS = ["int", "long", "double", "decimal"]
#: What Python takes for white space; the server's own classes know fewer characters.
_SPACE = (
    r"\s\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
)
_NOT_BLANK = f"[^{_SPACE}]"
_NO_NUL = r"^[^\x{00}]*$"
_CRON = f"^[{_SPACE}]*({_NOT_BLANK}+([{_SPACE}]+{_NOT_BLANK}+){{4,5}}[{_SPACE}]*)?$"


def task_validator() -> dict[str, Any]:
    """The value of `$jsonSchema`."""
    return {
        "bsonType": "object",
        "title": "HotStream task",
        "required": REQUIRED,
        "properties": {name: _property(fact) for name, fact in FIELDS.items()},
        "anyOf": [_needs("search", "keywords"), _needs("monitor", "accounts")],
    }


def _needs(kind: str, field: str) -> dict[str, Any]:
    return {
        "description": f"a {kind} task needs an array with at least one text in {field}",
        "required": [field],
        "properties": {
            "task_type": {"enum": [kind, None]},
            field: {"bsonType": "array", "minItems": 1},
        },
    }


def _property(fact: Fact) -> dict[str, Any]:
    # The server repeats the description to the writer whose insert it refuses.
    return {"title": fact.title, "description": fact.about, **_shape(fact.shape)}


def _shape(shape: Shape) -> dict[str, Any]:
    match shape:
        case Text():
            return _text(shape)
        case Texts():
            word = {"bsonType": "string", "maxLength": LONGEST_WORD, "pattern": _NOT_BLANK}
            return {"bsonType": ["array", "null"], "maxItems": LONGEST_LIST, "items": word}
        case Choice(words=words):
            return {"enum": [*words, None]}
        case Whole(low=low, high=high, counted=counted):
            # A count that the engine adds to must not be refused at its upper end.
            most = {} if counted else {"maximum": high}
            return {"bsonType": [*_NUMBERS, "null"], "multipleOf": 1, "minimum": low, **most}
        case Real(low=low, high=high):
            return {"bsonType": [*_NUMBERS, "null"], "minimum": low, "maximum": high}
        case Flag():
            return {"bsonType": ["bool", "null"]}
        case Moment():
            return {"bsonType": ["date", "string", "null"]}
        case Table():
            return _table(shape)
        case Anything():
            return {}
        case never:
            assert_never(never)


def _text(shape: Text) -> dict[str, Any]:
    patterns = [{"pattern": _NO_NUL}]
    if shape.required:
        patterns.append({"pattern": _NOT_BLANK})
    if isinstance(shape, Cron):
        patterns.append({"pattern": _CRON})
    kind = "string" if shape.required else ["string", "null"]
    return {"bsonType": kind, "maxLength": shape.longest, "allOf": patterns}


def _table(shape: Table) -> dict[str, Any]:
    table: dict[str, Any] = {"bsonType": ["object", "null"]}
    if shape.inspected:
        table["patternProperties"] = {r"^\$": {"not": {}}}
    if shape.known:
        table["properties"] = {name: _property(fact) for name, fact in shape.known.items()}
    return table
