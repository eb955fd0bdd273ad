"""Task documents out of a text: JSON or Extended JSON; one, a list of them, or one per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import bson
from bson import json_util
from bson.errors import BSONError, InvalidDocument
from bson.json_util import DatetimeRepresentation, JSONOptions

from hotstream_reactive.model.task import too_large
from hotstream_reactive.mongo.driver import CODEC_OPTIONS, Document

#: As the driver reads documents, so that a date from a file is what it is in the database.
_OPTIONS: JSONOptions = json_util.RELAXED_JSON_OPTIONS.with_options(
    datetime_representation=DatetimeRepresentation.ISO8601,
    tz_aware=True,
    datetime_conversion=CODEC_OPTIONS.datetime_conversion,
)


class NoDocument(ValueError):
    """This part of the text is no document; the text says why."""


def documents(text: str) -> Iterator[tuple[str, Document | NoDocument]]:
    """The documents of a text, each with where it stands, e.g. ``document 2`` or ``line 7``."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return
    try:
        tree = json.loads(text)
    except RecursionError:
        yield "the text", NoDocument("it is nested too deeply")
        return
    except ValueError as error:
        lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) > 1 and _looks_like_lines([line for _, line in lines]):
            yield from ((f"line {n}", _parsed(line)) for n, line in lines)
        else:
            yield "the text", NoDocument(f"it is no JSON: {error}")
        return
    for number, part in enumerate(tree if isinstance(tree, list) else [tree], 1):
        yield f"document {number}", _decoded(part)


def storable(document: Document) -> str | None:
    """Why the document cannot be stored as a task; None when it can."""
    try:
        size = len(bson.encode(document))
    except (BSONError, InvalidDocument, OverflowError, RecursionError, ValueError) as error:
        return f"it cannot be stored: {error}"
    return too_large(size)


def _looks_like_lines(lines: list[str]) -> bool:
    """Whether the first line is an object by itself, so that the others are judged one by one."""
    return not isinstance(_parsed(lines[0]), NoDocument)


def _parsed(line: str) -> Document | NoDocument:
    try:
        return _decoded(json.loads(line))
    except RecursionError:
        return NoDocument("it is nested too deeply")
    except ValueError as error:
        return NoDocument(f"it is no JSON: {error}")


def _decoded(tree: Any) -> Document | NoDocument:
    """The tree with the types of Extended JSON in it."""
    if not isinstance(tree, dict):
        return NoDocument(f"expected an object, not {type(tree).__name__}")
    try:
        decoded: Any = json_util.loads(json.dumps(tree), json_options=_OPTIONS)
    except (BSONError, ValueError, TypeError, KeyError, OverflowError, ArithmeticError) as error:
        return NoDocument(f"it is no Extended JSON: {error}")
    except RecursionError:
        return NoDocument("it is nested too deeply")
    if not isinstance(decoded, dict):
        return NoDocument(f"expected an object, not {type(decoded).__name__}")
    return decoded
