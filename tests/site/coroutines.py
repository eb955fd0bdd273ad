"""Coroutines that wait for nothing, run without an event loop."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def result_of(coroutine: Coroutine[Any, Any, T]) -> T:
    """What it returns.

    For property tests: in an event loop Hypothesis ends some of them, now and then, with CPython's
    "AST constructor recursion depth mismatch", which also ends the whole run under xdist.
    """
    with pytest.raises(StopIteration) as stop:
        coroutine.send(None)
    result: T = stop.value.value
    return result
