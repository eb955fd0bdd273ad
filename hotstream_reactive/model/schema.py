"""The JSON Schema (draft 2020-12) of a task document, drawn from the contract."""

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
from hotstream_reactive.model.fields import DEEPEST_OPTIONS, LONGEST_LIST, LONGEST_WORD, MOST_VALUES

Schema = dict[str, Any]

_ABOUT = f"""\
A document of the collection `tasks`, as JSON. Dates are texts in ISO 8601, or {{"$date": …}} as \
in Extended JSON; numbers and all else are plain. Fields not named here are the writer's own and \
are left alone.

What a worker admits passes this schema. The other way round it also refuses what no schema can \
say: a schedule that is no cron expression or never fires, a time zone that does not exist, a text \
or a $date that only looks like a date or lies beyond the years 1 to 9999, more than {MOST_VALUES} \
values in options or storage_config, and platforms and storages it does not know. \
`hotstream validate` checks these too."""
_BLANK = r"^\s*$"
_CRON = r"^\s*\S+(\s+\S+){4,5}\s*$"
_NO_NUL = r"^[^\u0000]*$"
_NO_NUL_NOR_BLANK = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
_DATE_TEXT = r"^[0-9]{4}-?(W[0-9]{2}|[0-9]{2}-?[0-9]{2})"
_DATE: list[Schema] = [
    {"type": "string", "pattern": _DATE_TEXT},
    {
        "type": "object",
        "required": ["$date"],
        "additionalProperties": False,
        "properties": {
            "$date": {
                "anyOf": [
                    {"type": "string", "format": "date-time", "pattern": _DATE_TEXT},
                    {
                        "type": "object",
                        "required": ["$numberLong"],
                        "additionalProperties": False,
                        "properties": {
                            "$numberLong": {"type": "string", "pattern": "^-?[0-9]{1,15}$"}
                        },
                    },
                ]
            }
        },
    },
    {"type": "null"},
]
_NAMED: Schema = {"pattern": r"^(?!\$)"}


def task_schema() -> Schema:
    """The schema, with titles, descriptions, defaults and examples."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:hotstream-reactive:task",
        "title": "HotStream task",
        "description": _ABOUT,
        "type": "object",
        "required": REQUIRED,
        "properties": {name: _property(fact) for name, fact in FIELDS.items()},
        "anyOf": [_needs("search", "keywords"), _needs("monitor", "accounts")],
        "examples": _EXAMPLES,
        "$defs": _nested(),
    }


_EXAMPLES: list[Schema] = [
    {"task_id": "search_001", "platform": "twitter", "keywords": ["AI", "MongoDB"]},
    {
        "task_id": "daily",
        "platform": "twitter",
        "task_type": "monitor",
        "accounts": ["nasa"],
        "options": {"limit": 50, "only_new": True},
        "schedule": "0 9 * * *",
        "timezone": "Asia/Shanghai",
    },
]


def _needs(kind: str, field: str) -> Schema:
    return {
        "required": [field],
        "properties": {
            "task_type": {"enum": [kind, None]},
            field: {"type": "array", "minItems": 1},
        },
    }


def _property(fact: Fact) -> Schema:
    said: Schema = {"title": fact.title, "description": fact.about, **_shape(fact.shape)}
    if fact.default is not None:
        said["default"] = fact.default
    if fact.examples:
        said["examples"] = fact.examples
    if fact.engine:
        said["readOnly"] = True
    return said


def _shape(shape: Shape) -> Schema:
    match shape:
        case Text():
            return _text(shape)
        case Texts():
            word = {"type": "string", "maxLength": LONGEST_WORD, "pattern": r"\S"}
            return {"type": ["array", "null"], "maxItems": LONGEST_LIST, "items": word}
        case Choice(words=words):
            return {"enum": [*words, None]}
        case Whole(low=low, high=high):
            return {"type": ["integer", "null"], "minimum": low, "maximum": high}
        case Real(low=low, high=high):
            return {"type": ["number", "null"], "minimum": low, "maximum": high}
        case Flag():
            return {"type": ["boolean", "null"]}
        case Moment():
            return {"anyOf": _DATE}
        case Table():
            return _table(shape)
        case Anything():
            return {}
        case never:
            assert_never(never)


def _text(shape: Text) -> Schema:
    if shape.required:
        return {"type": "string", "maxLength": shape.longest, "pattern": _NO_NUL_NOR_BLANK}
    text = {"type": ["string", "null"], "maxLength": shape.longest, "pattern": _NO_NUL}
    if isinstance(shape, Cron):
        return {**text, "anyOf": [{"pattern": _CRON}, {"pattern": _BLANK}]}
    return text


def _table(shape: Table) -> Schema:
    table: Schema = {"type": ["object", "null"]}
    if shape.inspected:
        table["$ref"] = "#/$defs/level1"
    if shape.known:
        table["properties"] = {name: _property(fact) for name, fact in shape.known.items()}
    return table


def _nested() -> dict[str, Schema]:
    """A value at each level of nesting: the last may hold nothing more."""
    levels: dict[str, Schema] = {
        f"level{n}": {
            "propertyNames": _NAMED,
            "additionalProperties": {"$ref": f"#/$defs/level{n + 1}"},
            "items": {"$ref": f"#/$defs/level{n + 1}"},
        }
        for n in range(1, DEEPEST_OPTIONS)
    }
    return {**levels, f"level{DEEPEST_OPTIONS}": {"maxProperties": 0, "maxItems": 0}}
